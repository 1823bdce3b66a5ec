import { programOf, type HostName, type InstanceName, type ProgramName } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import { isRunning, type ProcessSnapshot } from "../domain/process-state.ts";
import type { Floor } from "../domain/rollout.ts";
import { explain } from "./explained.ts";

/** What a program may not fall below, and what it has. */
export interface Shortage {
  readonly healthy: number;
  readonly min_healthy: number;
}

interface Program {
  readonly minHealthy: number;
  /** Its processes may exit as expected, and are started again: in between they count as running. */
  readonly mayExit: boolean;
  healthy: number;
  /** When one of it was last taken or given back. */
  progressedAtMs: number;
}

interface Seen {
  readonly program: Program;
  running: boolean;
  /** On which it was last seen RUNNING. */
  pid: number | undefined;
  /** By us, from before its drain until its gate; for good if it failed. */
  taken: boolean;
}

/**
 * Keeps each program at or above its floor, over all hosts of the plan, counted live.
 *
 * Healthy is RUNNING and not taken by this rollout. What cannot be seen is not healthy: an unreachable host counts
 * for nothing. Programs without a floor are not looked at, and everything of theirs may be taken.
 */
export class CapacityLedger {
  private readonly programs: ReadonlyMap<ProgramName, Program>;
  private readonly hosts = new Map<HostName, Map<InstanceName, Seen>>();

  constructor(floors: readonly Floor[]) {
    this.programs = new Map(
      floors.map(({ program, min_healthy, on_expected_exit }) => [
        program,
        { minHealthy: min_healthy, mayExit: on_expected_exit === "accept", healthy: 0, progressedAtMs: 0 },
      ]),
    );
  }

  get hasFloors(): boolean {
    return this.programs.size > 0;
  }

  observe(host: HostName, outcome: LookOutcome): void {
    if (!this.hasFloors) return;
    const snapshots = new Map<InstanceName, ProcessSnapshot>();
    for (const snapshot of outcome.kind === "seen" ? outcome.snapshots : []) snapshots.set(snapshot.instance, snapshot);
    for (const [instance, seen] of this.instancesOf(host)) {
      const snapshot = snapshots.get(instance);
      this.update(seen, () => (seen.running = snapshot !== undefined && isAsGoodAsRunning(seen, snapshot)));
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

  /** Undefined if the instance may be taken down now; otherwise how its program stands. */
  shortage(host: HostName, instance: InstanceName): Shortage | undefined {
    const program = this.programs.get(programOf(instance));
    if (!program) return undefined;
    const seen = this.instancesOf(host).get(instance);
    // One that is not healthy takes nothing away, so it may always be restarted: that may be the cure.
    const without = program.healthy - (seen && isHealthy(seen) ? 1 : 0);
    const broken = seen === undefined || !seen.running;
    return broken || without >= program.minHealthy
      ? undefined
      : { healthy: program.healthy, min_healthy: program.minHealthy };
  }

  /** When the program last made progress: an instance queued behind others of its program is not yet waiting for capacity. */
  progressedAtMs(instance: InstanceName): number {
    return this.programs.get(programOf(instance))?.progressedAtMs ?? 0;
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
    seen.program.progressedAtMs = nowMs;
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
    const program = this.programs.get(programOf(instance));
    if (!program) return undefined;
    const instances = this.instancesOf(host);
    const known = instances.get(instance);
    if (known) return known;
    const seen: Seen = { program, running: true, pid: undefined, taken: false };
    program.healthy++;
    instances.set(instance, seen);
    return seen;
  }

  private update(seen: Seen, change: () => void): void {
    const before = isHealthy(seen);
    change();
    seen.program.healthy += Number(isHealthy(seen)) - Number(before);
  }
}

function isAsGoodAsRunning(seen: Seen, snapshot: ProcessSnapshot): boolean {
  if (isRunning(snapshot)) return true;
  const { pid } = seen;
  return pid !== undefined && isBetweenProcesses(seen, snapshot) && explain(pid, snapshot).kind === "expected";
}

/** It ran, and is being started again. */
function isBetweenProcesses({ program, running }: Seen, { state }: ProcessSnapshot): boolean {
  return program.mayExit && running && state === "STARTING";
}

function isHealthy({ running, taken }: Seen): boolean {
  return running && !taken;
}
