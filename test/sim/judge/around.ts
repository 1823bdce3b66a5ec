import type { EventOf, RolloutEvent } from "../../../src/domain/events.ts";
import { keyOf } from "../../../src/domain/ids.ts";
import type { Wave } from "../../../src/domain/rollout.ts";
import type { Simulated } from "../simulate.ts";
import type { FedInput } from "../sim-controller.ts";
import type { Trial, Witness } from "./trial.ts";

type HookStarted = EventOf<"hook.started">;

/** Between a hook's deadline and the report of its end: the journal is kept meanwhile. */
const SLACK_MS = 1000;

/**
 * Hooks are around what they are for: a batch is touched after its before_batch has succeeded, and no longer once its
 * after_batch runs; what one has begun the other ends; and no hook takes longer than it may.
 */
export class Around implements Witness {
  private readonly trial: Trial;
  /** How hooks of waves and batches have ended; `running` for those that have not. */
  private readonly hooks = new Map<string, "running" | "succeeded" | "failed">();
  private readonly running = new Map<string, { readonly ms: number; readonly sinceMs: number }>();
  /** What the operator wants restarted again. */
  private readonly retried = new Set<string>();
  private isLeft = false;
  private isJournalFull = false;

  constructor(trial: Trial) {
    this.trial = trial;
  }

  fed({ type }: FedInput): void {
    this.isLeft ||= type === "abandoned";
  }

  see(event: RolloutEvent): void {
    if (event.type === "hook.started") this.seeStarted(event);
    else if (event.type === "hook.finished") this.seeFinished(event);
    else if (event.type === "instance.restarting") this.seeTouched(keyOf(event));
    else if (event.type === "group.updating")
      for (const instance of event.before) this.seeTouched(keyOf({ host: event.host, instance }));
    else if (event.type === "rollout.halted") this.isJournalFull ||= event.code === "journal_unwritable";
    else if (event.type === "rollout.answered" && event.answer === "retry" && event.host && event.instance) {
      const { host, instance } = event;
      this.retried.add(keyOf({ host, instance }));
    }
    // Several of a host may fail as one, and are then retried as one.
    else if (event.type === "instance.failed")
      for (const instance of event.also ?? []) this.retried.add(keyOf({ host: event.host, instance }));
  }

  end({ outcome }: Simulated): void {
    if (outcome === undefined || this.isLeft) return;
    for (const [key, state] of this.hooks) {
      const [hook = "", place = ""] = key.split(" ");
      if (state === "running") this.trial.fail(`${key} never ended`);
      const undoes = hook.replace("before_", "after_");
      if (!hook.startsWith("before_") || !this.has(place, undoes) || this.isJournalFull) continue;
      if (!this.hooks.has(`${undoes} ${place}`)) this.trial.fail(`${key} was run, and ${undoes} was not`);
    }
  }

  private seeStarted(event: HookStarted): void {
    this.running.set(subjectOf(event), { ms: event.ms, sinceMs: this.trial.made.time.now });
    if (event.group !== undefined) this.hooks.set(placed(event), "running");
  }

  private seeFinished(event: EventOf<"hook.finished">): void {
    const { ms, sinceMs } = this.running.get(subjectOf(event)) ?? { ms: Infinity, sinceMs: 0 };
    const tookMs = this.trial.made.time.now - sinceMs;
    if (tookMs > ms + SLACK_MS) this.trial.fail(`${subjectOf(event)} took ${tookMs} ms, with ${ms} ms at most`);
    if (event.group === undefined) return;
    const counts = event.succeeded || event.on_error === "warn";
    this.hooks.set(placed(event), counts ? "succeeded" : "failed");
  }

  private seeTouched(key: string): void {
    const place = placeOf(this.trial.rollout.waves, key);
    if (!place) return;
    const [wave] = place.split("/");
    for (const [hook, where] of [
      ["before_wave", wave],
      ["before_batch", place],
    ] as const)
      if (this.has(where ?? "", hook) && this.hooks.get(`${hook} ${where}`) !== "succeeded")
        this.trial.fail(
          `${key} was restarted, and ${hook} of it has ${this.hooks.get(`${hook} ${where}`) ?? "not run"}`,
        );
    if (this.retried.has(key)) return;
    if (this.hooks.has(`after_batch ${place}`)) this.trial.fail(`${key} was restarted after its after_batch`);
    if (this.hooks.has(`after_wave ${wave}`)) this.trial.fail(`${key} was restarted after its after_wave`);
  }

  /** @param place the number of a wave, or with that of a batch behind it: `1`, `1/2` */
  private has(place: string, hook: string): boolean {
    const [wave = "1"] = place.split("/");
    return Object.hasOwn(this.trial.rollout.waves[Number(wave) - 1]?.hooks ?? {}, hook);
  }
}

function placed({ hook, wave, batch }: EventOf<"hook.started" | "hook.finished">): string {
  return `${hook} ${wave}${batch === undefined ? "" : `/${batch}`}`;
}

function subjectOf(event: EventOf<"hook.started" | "hook.finished">): string {
  // Of several failures of one instance, the last.
  return event.hook === "on_failure" ? event.hook : `${placed(event)} ${event.host ?? ""} ${event.instance ?? ""}`;
}

function placeOf(waves: readonly Wave[], key: string): string | undefined {
  for (const [wave, { batches }] of waves.entries())
    for (const [batch, { hosts }] of batches.entries())
      for (const { host, batches: ofHost } of hosts)
        if (ofHost.some(({ instances }) => instances.some(({ instance }) => keyOf({ host, instance }) === key)))
          return `${wave + 1}/${batch + 1}`;
  return undefined;
}
