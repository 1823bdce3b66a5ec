import { Drains } from "../../domain/drains.ts";
import type { EventOf, RolloutEvent } from "../../domain/events.ts";
import type { HostName, InstanceName } from "../../domain/ids.ts";
import type { Writer } from "../../domain/writer.ts";
import { Hosts } from "./hosts.ts";
import { Incidents } from "./incidents.ts";
import { changeStatus, observe, wait } from "./instance-changes.ts";
import { affectedBy, Instances, type StatusEvent } from "./instances.ts";
import {
  wavesOf,
  type InstanceProgress,
  type KnownInstance,
  type RunningHook,
  type Span,
  type WaveProgress,
} from "./progress.ts";

/** An event, with the id of its rollout where it comes from a journal. */
type ReportedEvent = RolloutEvent & { readonly rollout?: string };

/**
 * A rollout, built from its events: everything that the views show. Each event takes constant work, so that a view can keep up
 * with thousands of instances; times are by the clock of the view that applies the events.
 */
export class RolloutModel implements Span {
  readonly instances = new Instances();
  readonly hosts = new Hosts();
  readonly incidents = new Incidents();
  /** What the plan's hooks have taken out of service and not put back. */
  readonly drains = new Drains();
  id: string | undefined;
  planned: EventOf<"rollout.planned"> | undefined;
  waves: readonly WaveProgress[] = [];
  /** Whether it was confirmed: instances may have been restarted. */
  started = false;
  /** Another rollout's lock that it waits for, and until when. */
  lock: { readonly reason: string; readonly untilMs: number } | undefined;
  /** The end of the rest before the next batch. */
  restingUntilMs: number | undefined;
  /** The wave after which it is paused, and until when; undefined: until the operator answers. */
  paused: { readonly group: string; readonly untilMs: number | undefined } | undefined;
  /** The failure that the operator is asked about. */
  asking: EventOf<"rollout.asking"> | undefined;
  /** The running hook of the rollout, if there is one. */
  hook: RunningHook | undefined;
  /** The running hook of a wave or a batch, if there is one. */
  stepHook: RunningHook | undefined;
  /** The first of each kind: why it stops. */
  halted: EventOf<"rollout.halted"> | undefined;
  interrupted: EventOf<"rollout.interrupted"> | undefined;
  finished: EventOf<"rollout.finished"> | undefined;
  startedAtMs?: number;
  endedAtMs?: number;
  /** Of a journal that has no end: all that is known of the process that writes it. */
  writer: Writer | undefined;

  static of(events: Iterable<ReportedEvent>, writer?: Writer): RolloutModel {
    const model = new RolloutModel();
    model.writer = writer;
    for (const event of events) model.apply(event);
    return model;
  }

  /** @param nowMs only for views that show times: any clock that does not go back */
  apply(event: ReportedEvent, nowMs = 0): void {
    this.id = event.rollout ?? this.id;
    this.startedAtMs ??= nowMs;
    this.drains.record(event);
    switch (event.type) {
      case "lock.waiting":
      case "rollout.planned":
      case "rollout.started":
      case "rollout.paused":
      case "rollout.resumed":
      case "rollout.asking":
      case "rollout.answered":
      case "rollout.reverting":
      case "rollout.halted":
      case "rollout.interrupted":
      case "rollout.finished":
        this.applyOverall(event, nowMs);
        break;
      case "wave.started":
      case "wave.finished":
      case "batch.started":
      case "batch.finished":
        this.applyTurn(event, nowMs);
        break;
      case "batch.resting":
        this.restingUntilMs = nowMs + event.ms;
        break;
      case "host.connected":
      case "host.unreachable":
      case "host.resting":
      case "host.finished":
      case "host.supervisor_restarted":
        this.hosts.apply(event, nowMs);
        break;
      case "hook.started":
        this.setHook(event, { name: event.hook, sinceMs: nowMs, untilMs: nowMs + event.ms });
        break;
      case "hook.finished":
        this.setHook(event, undefined);
        this.incidents.apply(event);
        break;
      case "check.failing":
      case "check.recovered":
      case "instance.drifted":
      case "instance.leftovers":
        this.incidents.apply(event);
        break;
      case "instance.waiting":
        this.change(event, [event.instance], (instance) => wait(instance, event, nowMs));
        break;
      case "instance.observed":
        this.observe(event, nowMs);
        break;
      case "instance.failed":
      case "instance.healthy":
      case "instance.indeterminate":
      case "instance.skipped":
        this.incidents.apply(event);
        this.applyStatus(event, nowMs);
        break;
      case "instance.restarting":
      case "instance.unchanged":
        this.applyStatus(event, nowMs);
        break;
      // Its instances say what becomes of it.
      case "group.updating":
      case "group.updated":
    }
  }

  /** Failures that still stand; not those that are being retried. */
  failed(): EventOf<"instance.failed">[] {
    return [...this.incidents.failures].filter((failure) =>
      affectedBy(failure).some((each) => this.instances.statusOf(failure.host, each) === "failed"),
    );
  }

  /** Whether a failed instance says why the rollout was halted. */
  isHaltedByFailure(): boolean {
    return this.failed().some(({ host, instance, reason }) => this.halted?.reason === `${host} ${instance}: ${reason}`);
  }

  /** Instances that the plan selects and the rollout left alone, and why. */
  skipped() {
    return [...this.incidents.skips.values()].filter(
      ({ host, instance }) => this.instances.statusOf(host, instance) === "skipped",
    );
  }

  private applyOverall(
    event: EventOf<"lock.waiting" | Extract<RolloutEvent["type"], `rollout.${string}`>>,
    nowMs: number,
  ): void {
    switch (event.type) {
      case "lock.waiting":
        this.lock = { reason: `${event.host ?? ""}: ${event.reason}`, untilMs: nowMs + event.ms };
        break;
      case "rollout.planned":
        this.plan(event);
        break;
      case "rollout.started":
        this.started = true;
        this.startedAtMs = nowMs;
        break;
      case "rollout.paused":
        this.paused = { group: event.group, untilMs: event.ms === undefined ? undefined : nowMs + event.ms };
        break;
      case "rollout.resumed":
        this.paused = undefined;
        break;
      case "rollout.asking":
        this.asking = event;
        break;
      case "rollout.answered":
        this.asking = undefined;
        break;
      // That it is a revert is part of its plan.
      case "rollout.reverting":
        break;
      case "rollout.halted":
        this.halted ??= event;
        this.endRests();
        break;
      case "rollout.interrupted":
        this.interrupted ??= event;
        this.endRests();
        break;
      case "rollout.finished":
        this.finished = event;
        this.endedAtMs = nowMs;
        this.endRests();
    }
  }

  private plan(event: EventOf<"rollout.planned">): void {
    this.lock = undefined;
    this.planned = event;
    this.waves = wavesOf(event.waves);
    this.instances.plan(this.waves, event.skipped);
    this.incidents.plan(event.skipped);
  }

  private endRests(): void {
    this.restingUntilMs = undefined;
    this.paused = undefined;
    this.asking = undefined;
  }

  private applyTurn(
    event: EventOf<"wave.started" | "wave.finished" | "batch.started" | "batch.finished">,
    nowMs: number,
  ): void {
    const wave = this.waves[event.wave - 1];
    const batch = "batch" in event ? wave?.batches[event.batch - 1] : undefined;
    const span: Span = batch ?? wave ?? {};
    if (event.type === "wave.finished" || event.type === "batch.finished") {
      span.endedAtMs = nowMs;
      return;
    }
    this.endRests();
    span.startedAtMs = nowMs;
    if (!wave || !batch) return;
    wave.current = batch;
    this.hosts.startBatch(batch);
  }

  /** on_failure hooks do not hold up their host; the rollout waits for them at its end. So they count as hooks of the rollout. */
  private setHook(
    { hook, host, instance: name, group }: EventOf<"hook.started" | "hook.finished">,
    running: RunningHook | undefined,
  ): void {
    if (group !== undefined) {
      this.stepHook = running;
      return;
    }
    if (host === undefined || hook === "on_failure") {
      this.hook = running;
      return;
    }
    const at = this.hosts.get(host);
    const subject = name === undefined ? at : this.restarted(host, name);
    if (!at || !subject) return;
    subject.hook = running;
    at.restingUntilMs = undefined;
    this.hosts.start(at);
  }

  private applyStatus(event: StatusEvent, nowMs: number): void {
    this.instances.apply(event);
    for (const instance of affectedBy(event)) this.incidents.endChecks({ host: event.host, instance });
    this.change(event, affectedBy(event), (instance) => changeStatus(instance, event, nowMs));
  }

  private observe(event: EventOf<"instance.observed">, nowMs: number): void {
    const instance = this.restarted(event.host, event.instance);
    if (instance) observe(instance, event, nowMs);
  }

  private change(
    { host }: { readonly host: HostName },
    names: readonly InstanceName[],
    by: (instance: InstanceProgress) => void,
  ): void {
    for (const name of names) {
      const instance = this.restarted(host, name);
      if (!instance) continue;
      by(instance);
      this.hosts.start(instance.at);
    }
  }

  private restarted(host: HostName, name: InstanceName): InstanceProgress | undefined {
    const instance = this.instances.get(host, name);
    return instance && isRestarted(instance) ? instance : undefined;
  }
}

function isRestarted(instance: KnownInstance): instance is InstanceProgress {
  return instance.at !== undefined;
}
