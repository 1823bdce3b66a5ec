import type { RolloutEvent } from "../domain/events.ts";
import { programOf, type HostName, type InstanceName } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import { worksOf, type HostWork, type PlannedInstance, type Rollout } from "../domain/rollout.ts";
import { compileSelector, type Selector } from "../domain/selector.ts";

/**
 * Tells what others have changed since the rollout was planned: whoever reads the preview must not be left to believe it.
 * It changes nothing about the plan: one that was restarted by hand is restarted all the same, a new one is left alone.
 */
export class Drift {
  private readonly emit: (event: RolloutEvent) => void;
  /** What the rollout knows of each host, be it restarted or left alone. */
  private readonly known = new Map<HostName, Set<InstanceName>>();
  /** What was told last of those that have changed. */
  private readonly told = new Map<string, string>();

  /** What the waves of each host select there. */
  private readonly selectors = new Map<HostName, Selector[]>();

  constructor(rollout: Rollout, emit: (event: RolloutEvent) => void) {
    this.emit = emit;
    for (const { programs, batches } of rollout.waves) {
      const selectors = programs.map(compileSelector);
      for (const { host } of batches.flatMap(({ hosts }) => hosts))
        this.selectors.set(host, [...(this.selectors.get(host) ?? []), ...selectors]);
    }
    for (const { host, batches } of worksOf(rollout))
      for (const { instances } of batches) for (const { instance } of instances) this.know(host, instance);
    for (const { host, instance } of rollout.skipped) this.know(host, instance);
  }

  /** Compares what a host of the coming wave runs now with what is planned there. */
  compareHost({ host, batches }: HostWork, snapshots: readonly ProcessSnapshot[]): void {
    const seen = new Map(snapshots.map((snapshot) => [snapshot.instance, snapshot]));
    for (const { instances } of batches)
      for (const planned of instances) this.compare(host, planned, seen.get(planned.instance));
  }

  /** Looks for what is new on a host. Any look shows that, whatever it was sent for. */
  observe(host: HostName, outcome: LookOutcome): void {
    const selectors = this.selectors.get(host);
    if (!selectors || outcome.kind !== "seen") return;
    for (const snapshot of outcome.snapshots) {
      const { instance } = snapshot;
      if (this.known.get(host)?.has(instance) || !selectors.some((selects) => selects(instance))) continue;
      this.know(host, instance);
      this.tell(host, instance, { what: "new", ...stateOf(snapshot) });
    }
  }

  /** Compares one that has not been restarted yet with what it was when that was planned, or told last. */
  compare(host: HostName, { instance, before }: PlannedInstance, now: ProcessSnapshot | undefined): void {
    const key = `${host} ${instance}`;
    const text = now ? textOf(now) : "gone";
    if (text === (this.told.get(key) ?? textOf(before))) return;
    this.told.set(key, text);
    const previous = {
      previous_state: before.state,
      ...(before.pid === undefined ? {} : { previous_pid: before.pid }),
    };
    this.tell(host, instance, now ? { what: "changed", ...previous, ...stateOf(now) } : { what: "gone", ...previous });
  }

  private tell(
    host: HostName,
    instance: InstanceName,
    drift: Omit<Drifted, "type" | "host" | "program" | "instance">,
  ): void {
    this.emit({ type: "instance.drifted", host, program: programOf(instance), instance, ...drift });
  }

  private know(host: HostName, instance: InstanceName): void {
    const ofHost = this.known.get(host) ?? new Set();
    this.known.set(host, ofHost.add(instance));
  }
}

type Drifted = Extract<RolloutEvent, { type: "instance.drifted" }>;

function stateOf({ state, pid }: ProcessSnapshot) {
  return pid === undefined ? { state } : { state, pid };
}

function textOf({ state, pid }: Pick<ProcessSnapshot, "state" | "pid">): string {
  return `${state} ${pid ?? ""}`;
}
