import type { HostName } from "../../domain/ids.ts";
import type { Quantity } from "../../domain/quantity.ts";
import type { Selection, Timings } from "../../domain/rollout.ts";
import type { Check, ExitPolicy, HostHooks, LeftoverPolicy, RolloutHooks, Vars } from "../../domain/settings.ts";
import type { HostTarget } from "../../domain/target.ts";
import type { Diagnostic } from "../text/diagnostic.ts";
import type { LimitKey } from "../schema/raw-plan.ts";

/** How many hosts of a wave are taken at once. */
export interface HostBatches {
  /** One batch after the other takes the next; the last repeats. Never empty; a list of several is for lockstep. */
  readonly sizes: readonly Quantity[];
  readonly mode: "lockstep" | "sliding";
}

/** What holds on one host while its wave has its turn. Hosts without settings of their own share one object. */
export interface HostSettings {
  /** Instances of one program at once. */
  readonly instances: Quantity;
  readonly timings: Timings;
  readonly checks: readonly Check[];
  readonly hooks: HostHooks;
  readonly vars: Vars;
  /** What is done with instances that were EXITED, and at rest, before the rollout. */
  readonly exited: "skip" | "restart";
  readonly leftovers: LeftoverPolicy;
  readonly on_expected_exit: ExitPolicy;
}

export interface WaveHost {
  readonly host: HostName;
  readonly settings: HostSettings;
}

export type PlanLimits = Readonly<Record<LimitKey, Quantity>>;

/** One group's turn, with the settings that hold in it. */
export interface PlanWave {
  readonly group: string;
  /** As the group's patterns name them; never empty. */
  readonly hosts: readonly WaveHost[];
  /** In plan order, never empty: a Supervisor group, `group:process`, or a glob over them. */
  readonly programs: readonly string[];
  readonly batches: HostBatches;
  /** Rest between two batches, in milliseconds. */
  readonly between_batches_ms: number;
  /** After the wave: a rest in milliseconds, or until the operator says so. */
  readonly pause?: { readonly ms: number } | "ask";
}

/** A plan that was checked: every reference resolved, every default filled in, nothing yet known of the fleet. */
export interface Plan {
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** Those to contact, in plan order, node sets expanded. */
  readonly hosts: readonly HostTarget[];
  /** How many hosts it has, also those that the command line leaves out. */
  readonly size: number;
  /** All groups of the plan, also those that no wave names: patterns on the command line may. */
  readonly groups: ReadonlyMap<string, readonly HostName[]>;
  readonly waves: readonly PlanWave[];
  readonly limits: PlanLimits;
  readonly on_failure: "stop" | "ask";
  /** What is done with instances that were STOPPED before the rollout. */
  readonly stopped: "skip" | "start";
  readonly hooks: RolloutHooks;
  readonly selection: Selection;
  /** What may be a mistake and may be meant as it is, with its place. */
  readonly warnings: readonly Diagnostic[];
  /** A lock on every supervisord and program, in this directory of the host. */
  readonly lock: { readonly mode: "required" | "off"; readonly directory: string };
}
