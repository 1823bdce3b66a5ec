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

interface Seen {
  /** All floors that it counts for, one or more. */
  readonly floors: readonly Counted[];
  running: boolean;
  /** When a look first showed it between two processes; undefined while it is not. */
  betweenSinceMs: number | undefined;
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
      this.update(seen, () => (seen.running = snapshot !== undefined && isAsGoodAsRunning(seen, snapshot, nowMs)));
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

  /** Undefined if the instance may be taken down now; otherwise how the first floor stands that forbids it. */
  shortage(host: HostName, instance: InstanceName): Shortage | undefined {
    const seen = this.instancesOf(host).get(instance);
    // One that is not healthy takes nothing away, so it may always be restarted: that may be the cure.
    if (!seen?.running) return undefined;
    const ownShare = isHealthy(seen) ? 1 : 0;
    const short = seen.floors.find(({ floor, healthy }) => healthy - ownShare < floor.min_healthy);
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
    const seen: Seen = { floors, running: true, betweenSinceMs: undefined, pid: undefined, taken: false };
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

function isAsGoodAsRunning(seen: Seen, snapshot: ProcessSnapshot, nowMs: number): boolean {
  if (isRunning(snapshot)) {
    seen.betweenSinceMs = undefined;
    return true;
  }
  const { pid } = seen;
  seen.betweenSinceMs ??= nowMs;
  if (nowMs - seen.betweenSinceMs > BETWEEN_MS) return false;
  return pid !== undefined && isBetweenProcesses(seen, snapshot) && explain(pid, snapshot).kind === "expected";
}

/** It ran, and is being started again. */
function isBetweenProcesses({ floors, running }: Seen, { state }: ProcessSnapshot): boolean {
  return running && state === "STARTING" && floors.some(({ floor }) => floor.on_expected_exit === "accept");
}

function isHealthy({ running, taken }: Seen): boolean {
  return running && !taken;
}
