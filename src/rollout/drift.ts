import type { RolloutEvent, EventOf } from "../domain/events.ts";
import { programOf, type HostName, type InstanceName, keyOf, type InstanceKey } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import { stateKey, type ProcessSnapshot } from "../domain/process-state.ts";
import { worksOf, type HostWork, type PlannedInstance, type Rollout } from "../domain/rollout.ts";
import { compileSelection, type Selector } from "../domain/selector.ts";
import { explain, type ExitExplanation } from "./explained.ts";
import type { Supervisors } from "./supervisors.ts";

/** The facts that are compared. */
type Seen = Pick<ProcessSnapshot, "state" | "pid">;

/**
 * Reports what has changed since the rollout was planned, not by this rollout: the preview no longer holds there.
 * The rollout stays the same: an instance that was restarted by hand is restarted anyway, a new one is left alone.
 */
export class Drift {
  private readonly emit: (event: RolloutEvent) => void;
  /** What the rollout knows of each host, be it restarted or left alone. */
  private readonly known = new Map<HostName, Set<InstanceName>>();
  /** False for a revert: what the reverted rollout has not touched is no part of it, and is not new. */
  private readonly knowsAll: boolean;
  private readonly supervisors: Supervisors;
  /** What was seen last of each that has changed, be it reported or Supervisor's own doing. */
  private readonly seen = new Map<InstanceKey, Seen | "gone">();
  /** How many restarts of its supervisord account for what was seen of it. */
  private readonly restarts = new Map<InstanceKey, number>();

  /** What the waves of each host select there. */
  private readonly selectors = new Map<HostName, Selector[]>();

  constructor(rollout: Rollout, supervisors: Supervisors, emit: (event: RolloutEvent) => void) {
    this.supervisors = supervisors;
    this.emit = emit;
    this.knowsAll = rollout.reverts === undefined;
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
    for (const planned of work.batches.flatMap(({ instances }) => instances))
      this.compare(work, planned, seen.get(planned.instance));
  }

  /** True where only supervisord's own log says whether another user has changed something. */
  needsHistory(work: HostWork, snapshots: readonly ProcessSnapshot[]): boolean {
    const seen = new Map(snapshots.map((snapshot) => [snapshot.instance, snapshot]));
    return work.batches.some(({ instances }) =>
      instances.some((planned) => {
        const snapshot = seen.get(planned.instance);
        return snapshot !== undefined && this.needsHistoryOf(work, planned, snapshot);
      }),
    );
  }

  /** Likewise for one of its instances: its process has been replaced, or has ended, by itself or not. */
  needsHistoryOf({ host }: HostWork, planned: PlannedInstance, now: ProcessSnapshot): boolean {
    const was = this.wasSeen(host, planned);
    return was !== "gone" && was.pid !== undefined && was.pid !== now.pid && now.state !== "STOPPED";
  }

  /** Looks for new instances on a host. Any look shows that, whatever it was sent for. */
  observe(host: HostName, outcome: LookOutcome): void {
    const selectors = this.selectors.get(host);
    if (!selectors || !this.knowsAll || outcome.kind !== "seen") return;
    for (const snapshot of outcome.snapshots) {
      const { instance } = snapshot;
      if (this.known.get(host)?.has(instance) || !selectors.some((selects) => selects(instance))) continue;
      this.know(host, instance);
      this.report(host, instance, { what: "new", ...stateOf(snapshot) });
    }
  }

  /** Compares one that has not been restarted yet with what it was when planned, or when last reported. */
  compare({ host }: HostWork, planned: PlannedInstance, now: ProcessSnapshot | undefined): void {
    const { instance, before } = planned;
    const was = this.wasSeen(host, planned);
    if (now ? was !== "gone" && stateKey(now) === stateKey(was) : was === "gone") return;
    const cause = now && was !== "gone" ? this.causeOf(host, planned, was, now) : "others";
    if (cause === "unknown_yet") return;
    this.seen.set(keyOf({ host, instance }), now ?? "gone");
    if (cause === "supervisor") return;
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

  private wasSeen(host: HostName, { instance, before, is_new }: PlannedInstance): Seen | "gone" {
    return this.seen.get(keyOf({ host, instance })) ?? (is_new ? "gone" : before);
  }

  /** Supervisor itself finishes what it has started, and starts again what has ended: no other user has changed that. */
  private causeOf(
    host: HostName,
    { instance, may_complete }: PlannedInstance,
    was: Seen,
    now: ProcessSnapshot,
  ): "supervisor" | "others" | "unknown_yet" {
    const key = keyOf({ host, instance });
    const restarts = this.supervisors.restartsOf(host);
    if (restarts > (this.restarts.get(key) ?? 0)) {
      this.restarts.set(key, restarts);
      return "supervisor";
    }
    if (now.state === "STOPPING" && was.state !== "STOPPING") return "others";
    if (was.pid !== undefined) {
      // It was being stopped, or started again, and is the same process.
      const explanation: ExitExplanation = now.pid === was.pid ? { kind: "same" } : explain(was.pid, now);
      if (explanation.kind === "lost") return "unknown_yet";
      if (explanation.kind === "unknown") return "others";
      return explanation.kind === "unexpected" && explanation.wasStopped ? "others" : "supervisor";
    }
    if (was.state === "STOPPING") return now.state === "STOPPED" ? "supervisor" : "others";
    // An instance that is EXITED at rest is not planned, unless it may complete.
    const isBetween = was.state === "STARTING" || was.state === "BACKOFF" || (was.state === "EXITED" && !may_complete);
    return isBetween && now.state !== "STOPPED" && now.state !== "STOPPING" ? "supervisor" : "others";
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
