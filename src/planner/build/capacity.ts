import type { FleetReport, HostConfig } from "../../domain/fleet.ts";
import { programOf, type HostName, type ProgramName, keyOf, type InstanceKey } from "../../domain/ids.ts";
import { isRunning, type ProcessSnapshot } from "../../domain/process-state.ts";
import {
  isDownAlready,
  worksOf,
  type Batch,
  type Floor,
  type InstanceBatch,
  type PlannedInstance,
  type Wave,
} from "../../domain/rollout.ts";
import { mixedGroups, type Member } from "./mixed-groups.ts";

/** How many instances of a program a rollout leaves healthy, at its worst moment if all goes well. */
export interface CapacityForecast {
  readonly program: ProgramName;
  /** Instances on the hosts that answered, less those that are left STOPPED or EXITED. */
  readonly total: number;
  /** RUNNING at planning, less those that an earlier rollout of the chain left broken. */
  readonly healthy: number;
  /** The most running instances that the batch sizes allow to be down at once. */
  readonly mostDown: number;
  /** How many that leaves healthy; the floor, where restarts wait for it. */
  readonly lowest: number;
  readonly floor?: number;
  /** If the group has several programs: they are all counted together. */
  readonly members?: readonly Member[];
}

/** The parts of a rollout that bound how much is down at once. */
export interface Sizes {
  readonly waves: readonly Wave[];
  readonly floors: readonly Floor[];
}

/** The capacity of each program that the rollout restarts, in the order in which they come. */
export function capacityForecasts({ waves, floors }: Sizes, fleet: FleetReport): CapacityForecast[] {
  const mostDown = mostDownOf(waves);
  const completing = completingIn(waves);
  const counted = [...countedIn(new Set(mostDown.keys()), fleet, plannedIn(waves))].map((host) => ({
    ...host,
    snapshots: host.snapshots.filter(({ instance }) => !completing.has(keyOf({ host: host.host, instance }))),
  }));
  const counts = countInstances(counted, keysIn(waves, isDownAlready));
  const mixed = mixedGroups(counted);
  return [...mostDown].map(([program, down]) => {
    const floor = floors.find((one) => one.program === program);
    const members = mixed.get(program);
    const { total, healthy } = counts.get(program) ?? { total: 0, healthy: 0 };
    const lowest = Math.max(healthy - down, Math.min(healthy, floor?.min_healthy ?? 0));
    return {
      program,
      total: floor?.total ?? total,
      healthy,
      mostDown: down,
      lowest,
      ...(floor && { floor: floor.min_healthy }),
      ...(members && { members }),
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

/** An instance that does not run, or is broken, is not taken down by a restart. */
function takenDown({ at_once, instances }: InstanceBatch): number {
  const running = instances.filter((one) => isRunning(one.before) && one.action === "restart" && !isDownAlready(one));
  return Math.min(at_once, running.length);
}

/** The keys of all instances that waves restart, start or check. */
export function plannedIn(waves: readonly Wave[]): ReadonlySet<InstanceKey> {
  return keysIn(waves, () => true);
}

/** Those of them that had exited and are run again: they are not meant to keep running, so nothing counts on them. */
export function completingIn(waves: readonly Wave[]): ReadonlySet<InstanceKey> {
  return keysIn(waves, ({ may_complete }) => may_complete === true);
}

function keysIn(waves: readonly Wave[], isOne: (instance: PlannedInstance) => boolean): ReadonlySet<InstanceKey> {
  const keys = new Set<InstanceKey>();
  for (const { host, batches } of worksOf({ waves }))
    for (const { instances } of batches)
      for (const one of instances) if (isOne(one)) keys.add(keyOf({ host, instance: one.instance }));
  return keys;
}

interface CountedHost {
  readonly host: HostName;
  readonly config: HostConfig | undefined;
  readonly snapshots: readonly ProcessSnapshot[];
}

/** The instances of each host that count: those of these programs, less those that are left STOPPED or EXITED. */
function* countedIn(
  programs: ReadonlySet<ProgramName>,
  fleet: FleetReport,
  planned: ReadonlySet<InstanceKey>,
): Generator<CountedHost> {
  for (const [host, report] of fleet) {
    if (!("instances" in report)) continue;
    const { instances, at_rest, config } = report;
    const snapshots = instances.filter(({ instance, state }) => {
      const isLeft = state === "STOPPED" || at_rest?.has(instance) === true;
      return programs.has(programOf(instance)) && (!isLeft || planned.has(keyOf({ host, instance })));
    });
    yield { host, config, snapshots };
  }
}

function countInstances(hosts: readonly CountedHost[], down: ReadonlySet<InstanceKey>) {
  const counts = new Map<ProgramName, { total: number; healthy: number }>();
  for (const { host, snapshots } of hosts)
    for (const snapshot of snapshots) {
      const program = programOf(snapshot.instance);
      const count = counts.get(program) ?? { total: 0, healthy: 0 };
      counts.set(program, count);
      count.total++;
      if (isRunning(snapshot) && !down.has(keyOf({ host, instance: snapshot.instance }))) count.healthy++;
    }
  return counts;
}
