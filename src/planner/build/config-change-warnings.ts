import { folded } from "../../domain/folding.ts";
import { programOf, type HostName, type InstanceName, type ProgramName } from "../../domain/ids.ts";
import type { ProcessSnapshot } from "../../domain/process-state.ts";
import type { Warning } from "../../domain/rollout.ts";
import type { Selector } from "../../domain/selector.ts";
import type { HostSettings } from "../plan/plan.ts";
import { loadsChanges, type ConfigOnDisk } from "./group-updates.ts";

interface Seen {
  readonly selects: Selector;
  readonly settingsOf: (instance: InstanceName) => HostSettings;
  readonly seen: { readonly instances: readonly ProcessSnapshot[] } | undefined;
}

/** Changes of a host's configuration that an update does not load: groups that are gone, and those that are not selected. */
export function configChangeWarnings(
  host: HostName,
  { changes, updates, refusals }: ConfigOnDisk,
  { selects, settingsOf, seen }: Seen,
): Warning[] {
  const instances = (seen?.instances ?? []).map(({ instance }) => instance);
  const isLoading =
    [...updates.keys()].length > 0 || instances.some((one) => selects(one) && loadsChanges(settingsOf(one)));
  if (!isLoading || refusals.length > 0) return [];
  const groupsOf = (isOne: (group: ProgramName, change: string) => boolean) =>
    [...changes].filter(([group, change]) => isOne(group, change)).map(([group]) => group);
  const gone = groupsOf((_, change) => change === "disappeared");
  const isSelected = (group: ProgramName) => instances.some((one) => programOf(one) === group && selects(one));
  const others = groupsOf((group, change) => change === "changed" && !updates.has(group) && !isSelected(group));
  return [
    ...gone.map((group) => ({
      host,
      message: `the group ${group} is no longer configured: it is left running; \`supervisorctl update ${group}\` on the host stops and removes it`,
    })),
    ...(others.length === 0
      ? []
      : [
          {
            host,
            message: `the configuration of ${folded(others)} has changed as well, and the plan does not select that: it is left as it is`,
          },
        ]),
  ];
}
