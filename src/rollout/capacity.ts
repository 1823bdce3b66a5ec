import type { HostName, InstanceName } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import { isRunning, type ProcessSnapshot } from "../domain/process-state.ts";
import { countsFor, type Floor } from "../domain/rollout.ts";
import type { Selector } from "../domain/selector.ts";
import { explain } from "./explained.ts";

/**
 * So long an instance between two processes is as good as healthy: the second of its start, and time to spare. One that
 * takes longer serves nobody in the meantime.
 */
const BETWEEN_MS = 10_000;

/** What a floor requires, and what there is. */
export interface Shortage {
  /** The program, or the pattern, whose floor it is. */
  readonly floorOf: string;
  readonly isOfPattern: boolean;
  readonly healthy: number;
  readonly min_healthy: number;
  /** When one that counts for it was last taken or given back: an instance queued behind others is not yet waiting for capacity. */
  readonly progressedAtMs: number;
}

/** One floor, and what it has. */
interface Counted {
  readonly floor: Floor;
  readonly counts: Selector;
  healthy: number;
  progressedAtMs: number;
}

/** As the last look showed it. */
type State =
  | { readonly kind: "running" }
  /** Its process exited as expected, and the next one is being started. */
  | { readonly kind: "between"; readonly sinceMs: number }
  | { readonly kind: "down" };

const RUNNING: State = { kind: "running" };
const DOWN: State = { kind: "down" };

interface Seen {
  /** All floors that it counts for, one or more. */
  readonly floors: readonly Counted[];
  state: State;
  /** On which it was last seen RUNNING. */
  pid: number | undefined;
  /** By us, from before its drain until its gate; for good if it failed. */
  taken: boolean;
}

/**
 * Keeps each program and pattern at or above its floor, over all hosts of the plan, counted live.
 *
 * Healthy is RUNNING and not taken by this rollout. What cannot be seen is not healthy: an unreachable host counts
 * for nothing. Instances without a floor are not looked at, and may be taken.
 */
export class CapacityLedger {
  private readonly floors: readonly Counted[];
  /** The floors for which an instance counts, by its name: hosts share most names. */
  private readonly floorsOf = new Map<InstanceName, readonly Counted[]>();
  private readonly hosts = new Map<HostName, Map<InstanceName, Seen>>();

  constructor(floors: readonly Floor[]) {
    this.floors = floors.map((floor) => ({ floor, counts: countsFor(floor), healthy: 0, progressedAtMs: 0 }));
  }

  get hasFloors(): boolean {
    return this.floors.length > 0;
  }

  observe(host: HostName, outcome: LookOutcome, nowMs: number): void {
    if (!this.hasFloors) return;
    const snapshots = new Map<InstanceName, ProcessSnapshot>();
    for (const snapshot of outcome.kind === "seen" ? outcome.snapshots : []) snapshots.set(snapshot.instance, snapshot);
    for (const [instance, seen] of this.instancesOf(host)) {
      const snapshot = snapshots.get(instance);
      this.update(seen, () => (seen.state = stateIn(seen, snapshot, nowMs)));
    }
    for (const snapshot of snapshots.values()) {
      const seen = isRunning(snapshot) ? this.seenOf(host, snapshot.instance) : undefined;
      if (seen) seen.pid = snapshot.pid;
    }
  }

  /** True where only supervisord's own log says whether an instance is down or about to be started again. */
  needsHistory(host: HostName, snapshots: readonly ProcessSnapshot[]): boolean {
    if (!this.hasFloors) return false;
    const instances = this.instancesOf(host);
    return snapshots.some((snapshot) => {
      const seen = instances.get(snapshot.instance);
      return seen !== undefined && !seen.taken && isBetweenProcesses(seen, snapshot);
    });
  }

  /**
   * Undefined if these instances of a host may be taken down now, all together; otherwise how the first floor stands that
   * forbids it.
   */
  shortage(host: HostName, instances: readonly InstanceName[]): Shortage | undefined {
    const ofHost = this.instancesOf(host);
    // One that is not healthy takes nothing away, so it may always be restarted: that may be the cure.
    const up = instances.flatMap((instance) => {
      const seen = ofHost.get(instance);
      return seen && seen.state.kind !== "down" ? seen : [];
    });
    const shareOf = (floor: Counted) => up.filter((seen) => isHealthy(seen) && seen.floors.includes(floor)).length;
    const short = up
      .flatMap(({ floors }) => floors)
      .find((counted) => counted.healthy - shareOf(counted) < counted.floor.min_healthy);
    if (!short) return undefined;
    const { floor, healthy, progressedAtMs } = short;
    const { program, min_healthy, selects } = floor;
    return { floorOf: program, isOfPattern: selects !== undefined, healthy, min_healthy, progressedAtMs };
  }

  take(host: HostName, instance: InstanceName, nowMs: number): void {
    this.setTaken(host, instance, true, nowMs);
  }

  /** It passed its gate, or was not touched after all. */
  giveBack(host: HostName, instance: InstanceName, nowMs: number): void {
    this.setTaken(host, instance, false, nowMs);
  }

  private setTaken(host: HostName, instance: InstanceName, taken: boolean, nowMs: number): void {
    const seen = this.seenOf(host, instance);
    if (!seen || seen.taken === taken) return;
    for (const each of seen.floors) each.progressedAtMs = nowMs;
    this.update(seen, () => (seen.taken = taken));
  }

  private instancesOf(host: HostName): Map<InstanceName, Seen> {
    const known = this.hosts.get(host);
    if (known) return known;
    const instances = new Map<InstanceName, Seen>();
    this.hosts.set(host, instances);
    return instances;
  }

  private seenOf(host: HostName, instance: InstanceName): Seen | undefined {
    const instances = this.instancesOf(host);
    const known = instances.get(instance);
    if (known) return known;
    const floors = this.floorsOf.get(instance) ?? this.floors.filter(({ counts }) => counts(instance));
    this.floorsOf.set(instance, floors);
    if (floors.length === 0) return undefined;
    const seen: Seen = { floors, state: RUNNING, pid: undefined, taken: false };
    for (const each of floors) each.healthy++;
    instances.set(instance, seen);
    return seen;
  }

  private update(seen: Seen, change: () => void): void {
    const before = isHealthy(seen);
    change();
    const more = Number(isHealthy(seen)) - Number(before);
    for (const each of seen.floors) each.healthy += more;
  }
}

/** @param snapshot undefined where Supervisor does not list it, or the look failed */
function stateIn(seen: Seen, snapshot: ProcessSnapshot | undefined, nowMs: number): State {
  if (!snapshot) return DOWN;
  if (isRunning(snapshot)) return RUNNING;
  const { pid, state } = seen;
  if (pid === undefined || !isBetweenProcesses(seen, snapshot) || explain(pid, snapshot).kind !== "expected")
    return DOWN;
  const sinceMs = state.kind === "between" ? state.sinceMs : nowMs;
  return nowMs - sinceMs > BETWEEN_MS ? DOWN : { kind: "between", sinceMs };
}

/** It was healthy, and is being started again. */
function isBetweenProcesses({ floors, state: before }: Seen, { state }: ProcessSnapshot): boolean {
  return (
    before.kind !== "down" && state === "STARTING" && floors.some(({ floor }) => floor.on_expected_exit === "accept")
  );
}

function isHealthy({ state, taken }: Seen): boolean {
  return state.kind !== "down" && !taken;
}
