import type { FleetReport, HostConfig } from "../../domain/fleet.ts";
import {
  programOf,
  type HostName,
  type InstanceName,
  type ProgramName,
  keyOf,
  type InstanceKey,
} from "../../domain/ids.ts";
import { isRunning, type ProcessSnapshot } from "../../domain/process-state.ts";
import {
  countsFor,
  isDownAlready,
  worksOf,
  type Batch,
  type Floor,
  type InstanceBatch,
  type PlannedInstance,
  type Wave,
} from "../../domain/rollout.ts";
import { compileSelection } from "../../domain/selector.ts";
import { isUp, tightestStep } from "./floor-room.ts";
import { mixedGroups, type Member } from "./mixed-groups.ts";

/** How many instances of a program, or of a pattern with a floor, a rollout leaves healthy, at its worst moment if all goes well. */
export interface CapacityForecast {
  readonly program: ProgramName;
  /** Of a pattern with a floor: what it selects, as in the floor. */
  readonly selects?: readonly string[];
  /** Instances on the hosts that answered, less those that are left STOPPED or EXITED. */
  readonly total: number;
  /** RUNNING at planning, less those that an earlier rollout of the chain left broken. */
  readonly healthy: number;
  /** The most running instances that the batch sizes allow to be down at once. */
  readonly mostDown: number;
  /** How many that leaves healthy; the floor, where restarts wait for it. */
  readonly lowest: number;
  readonly floor?: number;
  /** With a floor: something could not be done even if it had all the room to itself, unless more become healthy. */
  readonly isStuck?: true;
  /** If the group has several programs: they are all counted together. */
  readonly members?: readonly Member[];
}

/** The parts of a rollout that bound how much is down at once. */
export interface Sizes {
  readonly waves: readonly Wave[];
  readonly floors: readonly Floor[];
}

/** Instances that are counted together: a program, or all that a pattern with a floor selects. */
interface Subject {
  readonly program: ProgramName;
  readonly floor: Floor | undefined;
}

/** The subjects for which an instance counts. */
type SubjectsOf = (instance: InstanceName) => readonly Subject[];

/** The capacity of each program that the rollout restarts and of each pattern with a floor, in the order in which they come. */
export function capacityForecasts({ waves, floors }: Sizes, fleet: FleetReport): CapacityForecast[] {
  const subjectsOf = subjects(floors);
  const mostDown = mostDownOf(waves, subjectsOf);
  const completing = completingIn(waves);
  const isCounted = (instance: InstanceName) => subjectsOf(instance).some((subject) => mostDown.has(subject));
  const counted = [...countedIn(isCounted, fleet, plannedIn(waves))].map((host) => ({
    ...host,
    snapshots: host.snapshots.filter(({ instance }) => !completing.has(keyOf({ host: host.host, instance }))),
  }));
  const counts = countInstances(counted, keysIn(waves, isDownAlready), subjectsOf);
  const mixed = mixedGroups(counted);
  return [...mostDown].map(([subject, down]) => {
    const { program, floor } = subject;
    const selects = floor?.selects;
    const members = selects ? undefined : mixed.get(program);
    const { total, healthy } = counts.get(subject) ?? { total: 0, healthy: 0 };
    const tightest = floor && tightestStep(waves, countsFor(floor), healthy);
    const isStuck = floor !== undefined && tightest !== undefined && tightest.left < floor.min_healthy;
    const lowest = Math.max(healthy - down, Math.min(healthy, floor?.min_healthy ?? 0));
    return {
      program,
      ...(selects && { selects }),
      total: floor?.total ?? total,
      healthy,
      mostDown: down,
      lowest,
      ...(floor && { floor: floor.min_healthy }),
      ...(isStuck && { isStuck }),
      ...(members && { members }),
    };
  });
}

function subjects(floors: readonly Floor[]): SubjectsOf {
  const patterns = floors.flatMap((floor) =>
    floor.selects ? { program: floor.program, floor, selects: compileSelection(floor.selects) } : [],
  );
  const programs = new Map<ProgramName, Subject>();
  const known = new Map<InstanceName, readonly Subject[]>();
  return (instance) => {
    const before = known.get(instance);
    if (before) return before;
    const program = programOf(instance);
    const own = programs.get(program) ?? {
      program,
      floor: floors.find((one) => !one.selects && one.program === program),
    };
    programs.set(program, own);
    const all = [own, ...patterns.filter(({ selects }) => selects(instance))];
    known.set(instance, all);
    return all;
  };
}

/** What happens to a subject while a batch has its turn. */
interface Effect {
  /** The most that are down at once and come back. */
  down: number;
  /** How many are stopped or removed, for good. */
  lost: number;
  /** How many are added. */
  added: number;
}

/**
 * Batches come one after the other, so the largest one of each subject counts. Stops add up, and an added instance counts from
 * the next batch on.
 */
function mostDownOf(waves: readonly Wave[], subjectsOf: SubjectsOf): Map<Subject, number> {
  const most = new Map<Subject, number>();
  const gone = new Map<Subject, number>();
  for (const batch of waves.flatMap(({ batches }) => batches))
    for (const [subject, ofHosts] of effectsByHost(batch, subjectsOf)) {
      const downs = ofHosts.map(({ down }) => down).sort((a, b) => b - a);
      const down = sum(downs.slice(0, batch.at_once));
      const lost = sum(ofHosts.map((one) => one.lost));
      const before = gone.get(subject) ?? 0;
      most.set(subject, Math.max(most.get(subject) ?? 0, before + lost + down));
      gone.set(subject, before + lost - sum(ofHosts.map(({ added }) => added)));
    }
  return most;
}

/** For each subject what each host does to it; on a host its instance batches follow each other. */
function effectsByHost({ hosts }: Batch, subjectsOf: SubjectsOf): Map<Subject, Effect[]> {
  const bySubject = new Map<Subject, Effect[]>();
  for (const { batches } of hosts) {
    const ofHost = new Map<Subject, Effect>();
    for (const batch of batches)
      for (const [subject, { down, lost, added }] of effectsOf(batch, subjectsOf)) {
        const before = ofHost.get(subject) ?? { down: 0, lost: 0, added: 0 };
        ofHost.set(subject, {
          down: Math.max(before.down, Math.min(batch.at_once, down)),
          lost: before.lost + lost,
          added: before.added + added,
        });
      }
    for (const [subject, effect] of ofHost) {
      const effects = bySubject.get(subject);
      if (effects) effects.push(effect);
      else bySubject.set(subject, [effect]);
    }
  }
  return bySubject;
}

/** What an instance batch does, were all of it done at once. One that does not run, or is broken, is not taken down. */
function effectsOf({ instances }: InstanceBatch, subjectsOf: SubjectsOf): Map<Subject, Effect> {
  const effects = new Map<Subject, Effect>();
  for (const one of instances)
    for (const subject of subjectsOf(one.instance)) {
      const effect = effects.get(subject) ?? { down: 0, lost: 0, added: 0 };
      effects.set(subject, effect);
      if (one.is_new) effect.added++;
      else if (isUp(one) && (one.action === "stop" || one.action === "remove")) effect.lost++;
      else if (isUp(one) && COMES_BACK.has(one.action)) effect.down++;
    }
  return effects;
}

/** A signal counts as well: an instance that it breaks stays down, and floors must hold then, too. */
const COMES_BACK: ReadonlySet<PlannedInstance["action"]> = new Set(["restart", "signal", "update"]);

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
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

/** The instances of each host that count: those of these subjects, less those that are left STOPPED or EXITED. */
function* countedIn(
  isCounted: (instance: InstanceName) => boolean,
  fleet: FleetReport,
  planned: ReadonlySet<InstanceKey>,
): Generator<CountedHost> {
  for (const [host, report] of fleet) {
    if (!("instances" in report)) continue;
    const { instances, at_rest, config } = report;
    const snapshots = instances.filter(({ instance, state }) => {
      const isLeft = state === "STOPPED" || at_rest?.has(instance) === true;
      return isCounted(instance) && (!isLeft || planned.has(keyOf({ host, instance })));
    });
    yield { host, config, snapshots };
  }
}

function countInstances(hosts: readonly CountedHost[], down: ReadonlySet<InstanceKey>, subjectsOf: SubjectsOf) {
  const counts = new Map<Subject, { total: number; healthy: number }>();
  for (const { host, snapshots } of hosts)
    for (const snapshot of snapshots) {
      const isHealthy = isRunning(snapshot) && !down.has(keyOf({ host, instance: snapshot.instance }));
      for (const subject of subjectsOf(snapshot.instance)) {
        const count = counts.get(subject) ?? { total: 0, healthy: 0 };
        counts.set(subject, count);
        count.total++;
        if (isHealthy) count.healthy++;
      }
    }
  return counts;
}
