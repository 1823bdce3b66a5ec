import type { RolloutEvent, EventOf } from "../domain/events.ts";
import { programOf, type HostName, type InstanceName, keyOf, type InstanceKey } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import { stateKey, type ProcessSnapshot } from "../domain/process-state.ts";
import { partsOf, worksOf, type HostWork, type PlannedInstance, type Rollout } from "../domain/rollout.ts";
import { compileSelection, type Selector } from "../domain/selector.ts";
import { explain } from "./explained.ts";

/**
 * Reports what has changed since the rollout was planned, not by this rollout: the preview no longer holds there.
 * The rollout stays the same: an instance that was restarted by hand is restarted anyway, a new one is left alone.
 */
export class Drift {
  private readonly emit: (event: RolloutEvent) => void;
  /** What the rollout knows of each host, be it restarted or left alone. */
  private readonly known = new Map<HostName, Set<InstanceName>>();
  /** The last report of each that has changed. */
  private readonly reported = new Map<InstanceKey, string>();
  /** The pids of those that have exited by design since then. */
  private readonly pids = new Map<InstanceKey, number>();

  /** What the waves of each host select there. */
  private readonly selectors = new Map<HostName, Selector[]>();

  constructor(rollout: Rollout, emit: (event: RolloutEvent) => void) {
    this.emit = emit;
    for (const { programs, batches } of rollout.waves) {
      const selects = compileSelection(programs);
      for (const { host } of batches.flatMap(({ hosts }) => hosts))
        this.selectors.set(host, [...(this.selectors.get(host) ?? []), selects]);
    }
    for (const { host, batches } of worksOf(rollout))
      for (const { instances } of batches) for (const { instance } of instances) this.know(host, instance);
    for (const { host, instance } of rollout.skipped) this.know(host, instance);
  }

  /** Compares a host of the next wave with the rollout. */
  compareHost(work: HostWork, snapshots: readonly ProcessSnapshot[]): void {
    const seen = new Map(snapshots.map((snapshot) => [snapshot.instance, snapshot]));
    for (const part of partsOf(work))
      for (const planned of part.batches.flatMap(({ instances }) => instances))
        this.compare(part, planned, seen.get(planned.instance));
  }

  /** True where only supervisord's own log says whether another user has changed something. */
  needsHistory(work: HostWork, snapshots: readonly ProcessSnapshot[]): boolean {
    const accepting = partsOf(work).filter(({ on_expected_exit }) => on_expected_exit === "accept");
    if (accepting.length === 0) return false;
    const seen = new Map(snapshots.map((snapshot) => [snapshot.instance, snapshot]));
    return accepting.some((part) =>
      part.batches.some(({ instances }) =>
        instances.some((planned) => {
          const snapshot = seen.get(planned.instance);
          return snapshot !== undefined && this.needsHistoryOf(part, planned, snapshot);
        }),
      ),
    );
  }

  /** Likewise for one of its instances. */
  needsHistoryOf(
    { host, on_expected_exit }: HostWork,
    { instance, before }: PlannedInstance,
    now: ProcessSnapshot,
  ): boolean {
    if (on_expected_exit !== "accept") return false;
    const known = this.pids.get(keyOf({ host, instance })) ?? before.pid;
    return known !== undefined && known !== now.pid;
  }

  /** Looks for new instances on a host. Any look shows that, whatever it was sent for. */
  observe(host: HostName, outcome: LookOutcome): void {
    const selectors = this.selectors.get(host);
    if (!selectors || outcome.kind !== "seen") return;
    for (const snapshot of outcome.snapshots) {
      const { instance } = snapshot;
      if (this.known.get(host)?.has(instance) || !selectors.some((selects) => selects(instance))) continue;
      this.know(host, instance);
      this.report(host, instance, { what: "new", ...stateOf(snapshot) });
    }
  }

  /** Compares one that has not been restarted yet with what it was when planned, or when last reported. */
  compare(work: HostWork, { instance, before }: PlannedInstance, now: ProcessSnapshot | undefined): void {
    const { host } = work;
    const key = keyOf({ host, instance });
    const text = now ? stateKey(now) : "gone";
    if (text === (this.reported.get(key) ?? stateKey(before)) || (now && this.isByItself(work, key, before.pid, now)))
      return;
    this.reported.set(key, text);
    const previous = {
      previous_state: before.state,
      ...(before.pid === undefined ? {} : { previous_pid: before.pid }),
    };
    this.report(
      host,
      instance,
      now ? { what: "changed", ...previous, ...stateOf(now) } : { what: "gone", ...previous },
    );
  }

  /** It exits by design, and has done so: no other user has changed it. */
  private isByItself(
    { on_expected_exit }: HostWork,
    key: InstanceKey,
    pidBefore: number | undefined,
    now: ProcessSnapshot,
  ): boolean {
    const known = this.pids.get(key) ?? pidBefore;
    if (on_expected_exit !== "accept" || known === undefined) return false;
    // It was being started.
    const isSame = now.pid === known;
    const { kind } = isSame ? { kind: "same" } : explain(known, now);
    if (kind === "lost") return true;
    if (kind !== "same" && kind !== "expected") return false;
    if (now.pid !== undefined) this.pids.set(key, now.pid);
    this.reported.set(key, stateKey(now));
    return true;
  }

  private report(
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

type Drifted = EventOf<"instance.drifted">;

function stateOf({ state, pid }: ProcessSnapshot) {
  return pid === undefined ? { state } : { state, pid };
}
