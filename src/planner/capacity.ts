import type { FleetReport } from "../domain/fleet.ts";
import { programOf, type ProgramName } from "../domain/ids.ts";
import { isRunning } from "../domain/process-state.ts";
import type { Batch, Floor, InstanceBatch, Wave } from "../domain/rollout.ts";

/** How many instances of a program a rollout leaves healthy, at its worst moment if all goes well. */
export interface Capacity {
  readonly program: ProgramName;
  /** Instances on the hosts that were looked at, less those that are left STOPPED or EXITED. */
  readonly total: number;
  /** RUNNING at planning. */
  readonly healthy: number;
  /** The most running instances that the batch sizes let be under restart at once. */
  readonly mostDown: number;
  /** What that leaves; the floor, where restarts wait for that. */
  readonly lowest: number;
  readonly floor?: number;
}

/** The parts of a rollout that bound how much is down at once. */
export interface Sizes {
  readonly waves: readonly Wave[];
  readonly floors: readonly Floor[];
}

/** The capacity of each program that the rollout restarts, in the order in which they come. */
export function capacities({ waves, floors }: Sizes, fleet: FleetReport): Capacity[] {
  const mostDown = mostDownOf(waves);
  const counts = countInstances(new Set(mostDown.keys()), fleet, plannedIn(waves));
  return [...mostDown].map(([program, down]) => {
    const floor = floors.find((one) => one.program === program);
    const { total, healthy } = counts.get(program) ?? { total: 0, healthy: 0 };
    const lowest = Math.max(healthy - down, Math.min(healthy, floor?.min_healthy ?? 0));
    return {
      program,
      total: floor?.total ?? total,
      healthy,
      mostDown: down,
      lowest,
      ...(floor && { floor: floor.min_healthy }),
    };
  });
}

/** Batches come one after the other, so the largest one of each program counts. */
function mostDownOf(waves: readonly Wave[]): Map<ProgramName, number> {
  const most = new Map<ProgramName, number>();
  for (const batch of waves.flatMap(({ batches }) => batches))
    for (const [program, downs] of downByHost(batch)) {
      const together = downs.sort((a, b) => b - a).slice(0, batch.at_once);
      const down = together.reduce((sum, one) => sum + one, 0);
      most.set(program, Math.max(most.get(program) ?? 0, down));
    }
  return most;
}

/** For each program how much of it each host may have down; on a host its instance batches follow each other. */
function downByHost({ hosts }: Batch): Map<ProgramName, number[]> {
  const byProgram = new Map<ProgramName, number[]>();
  for (const { batches } of hosts) {
    const ofHost = new Map<ProgramName, number>();
    for (const batch of batches) ofHost.set(batch.program, Math.max(ofHost.get(batch.program) ?? 0, takenDown(batch)));
    for (const [program, down] of ofHost) {
      const downs = byProgram.get(program);
      if (downs) downs.push(down);
      else byProgram.set(program, [down]);
    }
  }
  return byProgram;
}

/** What does not run is not taken down by a restart. */
function takenDown({ at_once, instances }: InstanceBatch): number {
  return Math.min(at_once, instances.filter(({ before, action }) => isRunning(before) && action === "restart").length);
}

/** `host instance` of all that waves restart or start. */
export function plannedIn(waves: readonly Wave[]): ReadonlySet<string> {
  const planned = new Set<string>();
  for (const wave of waves)
    for (const { hosts } of wave.batches)
      for (const { host, batches } of hosts)
        for (const { instances } of batches) for (const { instance } of instances) planned.add(`${host} ${instance}`);
  return planned;
}

function countInstances(programs: ReadonlySet<ProgramName>, fleet: FleetReport, planned: ReadonlySet<string>) {
  const counts = new Map<ProgramName, { total: number; healthy: number }>();
  for (const program of programs) counts.set(program, { total: 0, healthy: 0 });
  for (const [host, report] of fleet)
    for (const snapshot of "instances" in report ? report.instances : []) {
      const { instance, state } = snapshot;
      const count = counts.get(programOf(instance));
      const isAtRest = state === "STOPPED" || ("instances" in report && report.at_rest?.has(instance) === true);
      if (!count || (isAtRest && !planned.has(`${host} ${instance}`))) continue;
      count.total++;
      if (isRunning(snapshot)) count.healthy++;
    }
  return counts;
}
