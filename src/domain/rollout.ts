/**
 * The one object: the planner makes it, a dry run prints it, the executor runs it, `rollout.planned` carries it.
 * It is written to machines as it stands, hence the plan's own snake_case; every duration is in milliseconds.
 */
import type { PlanAction } from "./action.ts";
import type { InstanceFailureCode } from "./failures.ts";
import { groupedBy } from "./folding.ts";
import { programOf, type HostName, type InstanceName, type ProgramName, type RolloutId } from "./ids.ts";
import type { ProcessState } from "./process-state.ts";
import { compileSelection, type Selector } from "./selector.ts";
import type {
  Check,
  ExitPolicy,
  HostHooks,
  LeftoverPolicy,
  RevertHooks,
  RolloutHooks,
  Vars,
  WaveHooks,
} from "./settings.ts";
import type { HostTarget } from "./target.ts";

/** How long to wait for what; all in milliseconds. The plan language's defaults are in the schema. */
export interface Timings {
  readonly between_checks_ms: number;
  readonly between_restarts_ms: number;
  readonly between_batches_ms: number;
  readonly min_healthy_time_ms: number;
  readonly stop_deadline_ms: number;
  readonly healthy_deadline_ms: number;
  readonly command_timeout_ms: number;
  readonly progress_deadline_ms: number;
}

/** The action for an instance, and its state when the rollout was planned. */
export interface PlannedInstance {
  readonly instance: InstanceName;
  readonly program: ProgramName;
  /** The state and pid at planning; both are looked at again immediately before the restart. */
  readonly before: { readonly state: ProcessState; readonly pid?: number };
  /**
   * `start` for one that is STOPPED and shall not be; `gate` for one that an earlier rollout has restarted or signalled;
   * `update` for one that its group's new configuration has, and `remove` for one that it does not have or does not start.
   */
  readonly action: "restart" | "start" | "gate" | "stop" | "signal" | "update" | "remove";
  /** The signal that it gets, or may have got: HUP. */
  readonly signal?: string;
  /** For `update`: Supervisor does not list it yet, or no longer. `before.state` is STOPPED then. */
  readonly is_new?: true;
  /** For `gate`: the pid from before its restart, if it had one. */
  readonly previous_pid?: number;
  /** For one that an earlier rollout of the chain has restarted, and that failed: how. */
  readonly failed_as?: InstanceFailureCode;
  /** Pids that it had in earlier rollouts of the chain, before their restarts. They may have left something behind. */
  readonly old_pids?: readonly number[];
  /** It had ended before the rollout, and is run again (`exited: restart`): if it ends as expected, it has succeeded. */
  readonly may_complete?: true;
  /** Of such a one, for `gate`: the line of supervisord's log with its last start before it was run again. */
  readonly previous_start?: string;
}

/** How instances are restarted and judged. */
export interface WorkSettings {
  readonly timings: Timings;
  readonly checks: readonly Check[];
  readonly hooks: HostHooks;
  readonly vars: Vars;
  /** `ignore` also where the host's process table does not show what Supervisor runs, and where it is left out. */
  readonly leftovers?: LeftoverPolicy;
  /** `fail` where it is left out. */
  readonly on_expected_exit?: ExitPolicy;
}

/** Instances of one program on one host. The next batch begins when all of them have ended. */
export interface InstanceBatch {
  readonly program: ProgramName;
  /** How many are under restart at once: all in lockstep; sliding, a slot that gets free is filled after its rest. */
  readonly at_once: number;
  readonly instances: readonly PlannedInstance[];
  /** What its program has in place of its host's settings, each of them whole. */
  readonly settings?: Partial<WorkSettings>;
  /** True: its instances are a whole group, which `supervisorctl update` takes down together and brings up again. */
  readonly is_update?: true;
  /** Of an update: instances that have other settings than the batch. */
  readonly members?: readonly MembersWithSettings[];
}

/** Instances of a group that is updated, and what they have in place of their host's settings. */
export interface MembersWithSettings {
  readonly instances: readonly InstanceName[];
  readonly settings: Partial<WorkSettings>;
}

/** What one host gets while its batch has its turn, and the settings of programs that have none of their own. */
export interface HostWork extends WorkSettings {
  readonly host: HostName;
  /** One after the other, `between_restarts` apart. */
  readonly batches: readonly InstanceBatch[];
}

/** Hosts of a wave. The next batch begins when all of them have ended. */
export interface Batch {
  /** How many are worked on at once: all in lockstep; sliding, a free slot is filled at once. */
  readonly at_once: number;
  readonly hosts: readonly HostWork[];
  /** Hosts of batches of the resumed rollouts, whose after_batch did not succeed: that of this one is about them as well. */
  readonly left_drained?: readonly HostName[];
}

/** A group's turn. Waves come one after the other, `between_batches` apart like batches. */
export interface Wave {
  readonly group: string;
  readonly between_batches_ms: number;
  readonly batches: readonly Batch[];
  /** What the plan names for it, in its order: groups, `group:process`, globs, and `!` before one that is left out. */
  readonly programs: readonly string[];
  /** After this wave: a rest in milliseconds, or until the operator says so. */
  readonly pause?: { readonly ms: number } | "ask";
  readonly hooks?: WaveHooks;
  /** For these hooks. */
  readonly vars?: Vars;
  /** Hosts of this group whose after_wave did not succeed in the resumed rollouts: that of this wave is about them as well. */
  readonly left_drained?: readonly HostName[];
}

/** A wave, or one of its batches: both count from 1. */
export interface WavePlace {
  readonly wave: number;
  readonly group: string;
  readonly batch?: number;
}

/** What the rollout tolerates, percentages resolved. */
export interface Limits {
  /** Failed instances. */
  readonly max_failures: number;
  /** Unreachable hosts. */
  readonly max_unreachable: number;
  /** How many instances of each program must stay healthy, and of patterns with a floor of their own; only floors above 0. */
  readonly floors: readonly Floor[];
}

export interface Floor {
  /** With `selects`: the pattern that has this floor, as the plan writes it. */
  readonly program: ProgramName;
  /** It counts what these select, in the order as written with `!` before exclusions, and not a program. */
  readonly selects?: readonly string[];
  /** Its instances on all the plan's hosts, less those that are left STOPPED, or EXITED at rest. */
  readonly total: number;
  readonly min_healthy: number;
  /** An instance is as good as healthy in the second between an expected exit and its start again. */
  readonly on_expected_exit?: "accept";
}

/** What the command line narrowed the plan to, and does with it; the lists are empty where it did not. */
export interface Selection {
  /** Only these hosts. Host names, node sets, globs, `@group`. */
  readonly limit: readonly string[];
  /** And of those, not these. */
  readonly exclude: readonly string[];
  /** Instead of the plan's `programs`, in every wave. */
  readonly programs: readonly string[];
  /** Instead of every `action` of the plan. */
  readonly action?: PlanAction;
}

/** Why an instance that the plan selects is left alone. */
export interface SkippedInstance {
  readonly host: HostName;
  readonly program: ProgramName;
  readonly instance: InstanceName;
  readonly why: string;
}

/** An instance that is expected to stay on its pid. */
export interface ProvenInstance {
  readonly host: HostName;
  readonly instance: InstanceName;
  readonly pid: number;
  /** Its process may end with an expected exit and be started again, but not more often than that on average. */
  readonly exits_at_most_every_ms?: number;
  /** It may end with an expected exit for good: it had ended before the rollout, and was run again. */
  readonly may_complete?: true;
}

/** Something to know before the first change, such as an instance that is broken already. */
export interface Warning {
  readonly host?: HostName;
  readonly instance?: InstanceName;
  readonly message: string;
  /** Configuration on disk that this rollout does not load: still true at its end, and said once more there. */
  readonly kind?: "not_loaded";
}

export interface LeftDrained {
  readonly instances: readonly { readonly host: HostName; readonly instance: InstanceName }[];
  readonly hosts: readonly HostName[];
  /** By before_batch, and by before_wave. */
  readonly batches?: readonly DrainedGroup[];
  readonly waves?: readonly DrainedGroup[];
}

/** Hosts that a hook of their group's wave, or of its batches, has taken out of service together. */
export interface DrainedGroup {
  readonly group: string;
  readonly hosts: readonly HostName[];
}

/** `unknown`: nobody saw how its restart ended, or whether it was put back into service. */
export const LEFT_AS = ["failed", "unknown", "untouched"] as const;

/** Instances of a host that a resume does not take, though they are not healthy. */
export interface LeftOpen {
  readonly host: HostName;
  readonly as: (typeof LEFT_AS)[number];
  readonly instances: readonly InstanceName[];
}

/** The immutable decision: which instances are restarted, in what order, how fast, and how they are judged. */
export interface Rollout {
  readonly id: RolloutId;
  readonly name: string;
  /** The plan's absolute path. */
  readonly plan_file: string;
  readonly reason?: string;
  /** The account and the machine that run it: `deploy@ci-1`. */
  readonly who?: string;
  /** Its process on that machine. */
  readonly pid?: number;
  /** The rollout that this one resumes. */
  readonly resumes?: RolloutId;
  /** The rollout that this one reverts; of a resume, the one that the resumed rollout reverts. */
  readonly reverts?: RolloutId;
  /** Of a revert: hosts of the reverted rollout on which it had restarted nothing. */
  readonly untouched_hosts?: readonly HostName[];
  /** The first of a chain of resumes, itself not a resume, and what it selected. Of a revert: of the reverted chain. */
  readonly began_as?: { readonly id: RolloutId; readonly selection: Selection };
  /** What the resumed or reverted rollouts drained by the plan's hooks and did not undrain. */
  readonly left_drained?: LeftDrained;
  /** Instances of the resumed or reverted rollouts that are not done and not part of this one: it ends incomplete at best. */
  readonly left_open?: readonly LeftOpen[];
  readonly hosts: readonly HostTarget[];
  readonly waves: readonly Wave[];
  /** Supervisor's own `startsecs` by program, the shortest of its instances, where they are known of all. */
  readonly startsecs?: Readonly<Record<string, number>>;
  /** The process id of each host's supervisord, where the look at it told that. */
  readonly supervisor_pids?: Readonly<Record<string, number>>;
  readonly limits: Limits;
  /** `revert`: after a halt, another rollout reverts this one. */
  readonly on_failure: "stop" | "ask" | "revert";
  readonly hooks: RolloutHooks;
  /** The hooks that replace others while this rollout is reverted. */
  readonly revert?: RevertHooks;
  /** A lock on every supervisord and program, in this directory of its host. */
  readonly lock: { readonly mode: "required" | "off"; readonly directory: string };
  readonly selection: Selection;
  /** What the command line has set in the plan, each `KEY=VALUE`; all of it is in the rollout. */
  readonly set?: readonly string[];
  readonly skipped: readonly SkippedInstance[];
  /** What an earlier rollout has restarted and is healthy: left alone, and expected to stay on its pid. */
  readonly proven: readonly ProvenInstance[];
  /** Hosts that could not be reached and are left out, within `limits.max_unreachable`. */
  readonly unreachable: readonly HostName[];
  readonly warnings: readonly Warning[];
}

/**
 * Whether it counts as down before its turn, whatever its state: an earlier rollout of the chain has restarted it, and it
 * has failed or nobody has seen it healthy and in service. One that has ended and is run again is never counted on.
 */
export function isDownAlready({ action, failed_as, may_complete }: PlannedInstance): boolean {
  return action === "gate" || failed_as !== undefined || may_complete === true;
}

/** True of the instances that a floor counts. */
export function countsFor({ program, selects }: Floor): Selector {
  return selects ? compileSelection(selects) : (instance) => programOf(instance) === program;
}

/** Every host's work of a rollout, in the order in which it comes. */
export function* worksOf(rollout: Pick<Rollout, "waves">): Generator<HostWork> {
  for (const wave of rollout.waves) for (const batch of wave.batches) yield* batch.hosts;
}

/**
 * A host's work with only this batch, and with the settings that apply to it: the one place that knows how they are found.
 * @param instance to have those of one of its instances
 */
export function ownWork(work: HostWork, batch: InstanceBatch, instance?: InstanceName): HostWork {
  const own = instance && batch.members?.find(({ instances }) => instances.includes(instance));
  return { ...work, ...(own ?? batch).settings, batches: [batch] };
}

/** A host's work in parts that have one set of settings each. It is its only part if no program has any of its own. */
export function partsOf(work: HostWork): readonly HostWork[] {
  if (!work.batches.some(({ settings, members }) => settings ?? members)) return [work];
  return groupedBy(work.batches.flatMap(piecesOf), ({ settings }) => JSON.stringify(settings ?? {})).flatMap(
    (batches) => {
      const [first] = batches;
      return first ? [{ ...ownWork(work, first), batches }] : [];
    },
  );
}

/** A batch by the settings of its instances. */
function piecesOf(batch: InstanceBatch): readonly InstanceBatch[] {
  const { members, ...whole } = batch;
  if (!members) return [batch];
  const apart = members.map(({ instances, settings }) => ({
    ...whole,
    settings,
    instances: batch.instances.filter(({ instance }) => instances.includes(instance)),
  }));
  const rest = batch.instances.filter((one) => !apart.some(({ instances }) => instances.includes(one)));
  return [{ ...whole, instances: rest }, ...apart].filter(({ instances }) => instances.length > 0);
}

/** The parts of every host's work of a rollout. */
export function* partsIn(rollout: Pick<Rollout, "waves">): Generator<HostWork> {
  for (const work of worksOf(rollout)) yield* partsOf(work);
}

/** Whether nothing but restarts is done, so that the age of an instance shows whether it is done. */
export function restartsOnly(rollout: Pick<Rollout, "waves">): boolean {
  return instancesOf(rollout).every(({ action, signal }) => ONLY_RESTARTS.has(action) && signal === undefined);
}

/** True if it does nothing but update groups, or judge what came of that. */
export function updatesOnly(rollout: Pick<Rollout, "waves">): boolean {
  const instances = instancesOf(rollout);
  return instances.length > 0 && instances.every(({ action }) => action === "update" || action === "remove");
}

function instancesOf(rollout: Pick<Rollout, "waves">): PlannedInstance[] {
  return [...worksOf(rollout)].flatMap(({ batches }) => batches.flatMap(({ instances }) => instances));
}

const ONLY_RESTARTS: ReadonlySet<PlannedInstance["action"]> = new Set(["restart", "start", "gate"]);

/** How many instances a host's work restarts. */
export function sizeOf(work: HostWork): number {
  return work.batches.reduce((sum, batch) => sum + batch.instances.length, 0);
}
