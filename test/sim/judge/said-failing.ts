import type { EventOf, RolloutEvent } from "../../../src/domain/events.ts";
import { keyOf } from "../../../src/domain/ids.ts";
import type { CheckOutcome } from "../../../src/domain/outcomes.ts";
import { programOf } from "../../../src/domain/ids.ts";
import type { SimCheck } from "../sim-world.ts";
import type { Trial, Witness } from "./trial.ts";

const LEAST_BETWEEN_MS = 5000;

/** A check that is said to fail has failed for that reason, and is said to do so every 5 s at most. */
export class SaidFailing implements Witness {
  private readonly trial: Trial;
  /** Of each instance: the reasons of its checks since its restart, and when each check was reported last. */
  private readonly reasons = new Map<string, Set<string>>();
  private readonly reportedAtMs = new Map<string, Map<string, number>>();
  private readonly failing = new Map<string, Set<string>>();

  constructor(trial: Trial) {
    this.trial = trial;
  }

  checked({ host, instance }: SimCheck, outcome: CheckOutcome): void {
    if (outcome.kind === "passed") return;
    const key = keyOf({ host, instance });
    const reason = outcome.kind === "timed_out" ? `no answer within ${outcome.after_ms / 1000}s` : outcome.reason;
    this.reasons.set(key, (this.reasons.get(key) ?? new Set()).add(reason));
  }

  see(event: RolloutEvent): void {
    if (event.type === "instance.restarting") this.restart(keyOf(event));
    else if (event.type === "check.failing") this.seeFailing(event);
    else if (event.type === "check.recovered" && !this.failing.get(keyOf(event))?.delete(event.check))
      this.trial.fail(`${keyOf(event)}: ${event.check} is said to pass again, but was not said to fail`);
  }

  private restart(key: string): void {
    this.reportedAtMs.delete(key);
    this.failing.delete(key);
  }

  private seeFailing(event: EventOf<"check.failing">): void {
    const { check, reason, instance, program } = event;
    const key = keyOf(event);
    const { now } = this.trial.made.time;
    if (program !== programOf(instance)) this.trial.fail(`${key}: a check of ${program} is said to fail`);
    if (!this.reasons.get(key)?.has(reason)) this.trial.fail(`${key}: ${check} never failed with ${reason}`);
    const atMs = this.reportedAtMs.get(key) ?? new Map<string, number>();
    if (now - (atMs.get(check) ?? -Infinity) < LEAST_BETWEEN_MS)
      this.trial.fail(`${key}: ${check} is said to fail more often than every 5 s`);
    this.reportedAtMs.set(key, atMs.set(check, now));
    this.failing.set(key, (this.failing.get(key) ?? new Set()).add(check));
  }
}
