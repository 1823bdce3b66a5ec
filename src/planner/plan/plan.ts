import type { ConfigPolicy, PlanAction } from "../../domain/action.ts";
import type { HostName, ProgramName } from "../../domain/ids.ts";
import type { Quantity } from "../../domain/quantity.ts";
import type { Selection, Timings } from "../../domain/rollout.ts";
import type {
  Check,
  ExitPolicy,
  HostHooks,
  LeftoverPolicy,
  RevertHooks,
  RolloutHooks,
  Vars,
  WaveHooks,
} from "../../domain/settings.ts";
import type { HostTarget } from "../../domain/target.ts";
import type { Diagnostic } from "../text/diagnostic.ts";
import type { LimitKey } from "../schema/raw-plan.ts";

/** How many hosts of a wave are restarted at once. */
export interface HostBatches {
  /** Each batch uses the next one; the last one repeats. Never empty; several are for lockstep only. */
  readonly sizes: readonly Quantity[];
  readonly mode: "lockstep" | "sliding";
}

/** The settings that apply to a program on one host in one wave. Hosts without settings of their own share one object. */
export interface HostSettings {
  readonly action: PlanAction;
  /** Of a group whose configuration on disk is newer than what supervisord has loaded. */
  readonly config_changes: ConfigPolicy;
  /** Instances of one program at once. */
  readonly instances: Quantity;
  readonly timings: Timings;
  readonly checks: readonly Check[];
  readonly hooks: HostHooks;
  readonly vars: Vars;
  /** For instances that were STOPPED before the rollout. */
  readonly stopped: "skip" | "start";
  /** For instances that were EXITED, and at rest, before the rollout. */
  readonly exited: "skip" | "restart";
  readonly leftovers: LeftoverPolicy;
  readonly on_expected_exit: ExitPolicy;
}

export interface WaveHost {
  readonly host: HostName;
  /** For its own hooks, and for what none of the wave's rules selects. */
  readonly settings: HostSettings;
  /** One for each of the wave's rules. */
  readonly byRule?: readonly HostSettings[];
}

/** Instances with settings of their own: those that all of these lists of programs select. */
export type ProgramRule = readonly (readonly string[])[];

/** A floor that a plan gives one of its programs. */
export interface ProgramFloor {
  /** The program, and the exclusions after it. */
  readonly selects: readonly string[];
  readonly min_healthy: Quantity;
  /** If it names one whole group: the floor takes the place of the plan's. Otherwise it holds next to that. */
  readonly group?: ProgramName;
}

/** All settings that a wave has for instances of a host. */
export function settingsOn({ settings, byRule = [] }: WaveHost): readonly HostSettings[] {
  return [settings, ...byRule];
}

export type PlanLimits = Readonly<Record<LimitKey, Quantity>>;

/** One wave, with the settings that apply in it. */
export interface PlanWave {
  readonly group: string;
  /** As the group's patterns name them; never empty. */
  readonly hosts: readonly WaveHost[];
  /** In plan order, never empty: a Supervisor group, `group:process`, or a glob over them, and exclusions with their `!`. */
  readonly programs: readonly string[];
  /** An instance has the settings of the first that selects it. Left out where no program has settings. */
  readonly rules?: readonly ProgramRule[];
  readonly floors?: readonly ProgramFloor[];
  readonly batches: HostBatches;
  /** Pause between two batches, in milliseconds. */
  readonly between_batches_ms: number;
  /** After the wave: a duration in milliseconds, or until the operator continues. */
  readonly pause?: { readonly ms: number } | "ask";
  /** Around the wave and its batches, and their variables; left out where there are none. */
  readonly hooks?: WaveHooks;
  readonly vars?: Vars;
  /** For those of these hooks that have no timeout of their own. */
  readonly hook_timeout_ms?: number;
}

/** A checked plan: every reference resolved, every default filled in, nothing yet known about the fleet. */
export interface Plan {
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** Those to contact, in plan order, node sets expanded. */
  readonly hosts: readonly HostTarget[];
  /** How many hosts it has, including those that the command line leaves out. */
  readonly size: number;
  /** All groups of the plan, including those that only patterns on the command line name. */
  readonly groups: ReadonlyMap<string, readonly HostName[]>;
  readonly waves: readonly PlanWave[];
  /** Those of the whole plan, where the command line has narrowed them: its floors hold all the same. */
  readonly whole?: readonly PlanWave[];
  readonly limits: PlanLimits;
  readonly on_failure: "stop" | "ask" | "revert";
  readonly hooks: RolloutHooks;
  /** Left out where the plan has none. */
  readonly revert?: RevertHooks;
  /** What the command line has set in it, each `KEY=VALUE`. */
  readonly set?: readonly string[];
  readonly selection: Selection;
  /** May be mistakes, and may be intended. */
  readonly warnings: readonly Diagnostic[];
  /** A lock on every supervisord and program, in this directory of the host. */
  readonly lock: { readonly mode: "required" | "off"; readonly directory: string };
}
