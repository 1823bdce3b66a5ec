import type { HostName } from "../domain/ids.ts";
import type { Quantity } from "../domain/quantity.ts";
import type { Timings } from "../domain/rollout.ts";
import type { HostTarget } from "../domain/target.ts";

/** How much of a wave is taken at once; both are at least 1 once they are applied. */
export interface Batches {
  /** Of the wave's hosts. */
  readonly hosts: Quantity;
  /** Of one program's instances on one host. */
  readonly instances: Quantity;
}

/** One group's turn, with the settings that hold in it. */
export interface PlanWave {
  readonly group: string;
  /** As the group's patterns name them; never empty. */
  readonly hosts: readonly HostName[];
  /** In plan order, never empty: a Supervisor group, `group:process`, or a glob over them. */
  readonly programs: readonly string[];
  readonly batches: Batches;
  readonly timings: Timings;
}

/** A plan that was checked: every reference resolved, every default filled in, nothing yet known of the fleet. */
export interface Plan {
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** In plan order, node sets expanded. */
  readonly hosts: readonly HostTarget[];
  /** All groups of the plan, also those that no wave names: patterns on the command line may. */
  readonly groups: ReadonlyMap<string, readonly HostName[]>;
  readonly waves: readonly PlanWave[];
}
