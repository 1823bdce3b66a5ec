import type { Refusal } from "./failures.ts";
import type { HostName, InstanceName, ProgramName } from "./ids.ts";
import type { ProcessSnapshot } from "./process-state.ts";

/** How Supervisor starts and stops one instance, in its own words and units. */
export interface InstanceConfig {
  /** It is RUNNING after that. */
  readonly startsecs: number;
  /** It is killed after that. */
  readonly stopwaitsecs: number;
}

/** A file of Supervisor's configuration, and what it is about. */
export interface ConfigFile {
  readonly path: string;
  /** How long ago it was written, by the host's own clock. */
  readonly age_s: number;
  readonly programs: readonly ProgramName[];
}

/** What could be learnt of a host's configuration besides the states: it may be nothing at all. */
export interface HostConfig {
  readonly instances: ReadonlyMap<InstanceName, InstanceConfig>;
  readonly files: readonly ConfigFile[];
}

/** What preflight saw of one host: all its instances in natural order, or why there is nothing to see. */
export type HostReport =
  | {
      readonly host: HostName;
      readonly instances: readonly ProcessSnapshot[];
      /** What an operator should know of the way onto it. */
      readonly warnings?: readonly string[];
      readonly config?: HostConfig;
    }
  | { readonly host: HostName; readonly refusal: Refusal };

/** What preflight saw, one entry for each host of the plan. */
export type FleetReport = ReadonlyMap<HostName, HostReport>;
