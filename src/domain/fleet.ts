import type { Refusal } from "./failures.ts";
import type { HostName } from "./ids.ts";
import type { ProcessSnapshot } from "./process-state.ts";

/** What preflight saw of one host: all its instances in natural order, or why there is nothing to see. */
export type HostReport =
  | {
      readonly host: HostName;
      readonly instances: readonly ProcessSnapshot[];
      /** What an operator should know of the way onto it. */
      readonly warnings?: readonly string[];
    }
  | { readonly host: HostName; readonly refusal: Refusal };

/** What preflight saw, one entry for each host of the plan. */
export type FleetReport = ReadonlyMap<HostName, HostReport>;
