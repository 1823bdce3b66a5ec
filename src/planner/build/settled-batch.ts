import type { InstanceName, ProgramName } from "../../domain/ids.ts";
import type { InstanceBatch, PlannedInstance, WorkSettings } from "../../domain/rollout.ts";
import type { HostSettings } from "../plan/plan.ts";

/** A batch with all settings of its program. */
export interface SettledBatch extends Omit<InstanceBatch, "settings" | "members"> {
  readonly settings: HostSettings;
  /** Of an update: instances with other settings. */
  readonly apart?: readonly { readonly instances: readonly InstanceName[]; readonly settings: HostSettings }[];
}

/** The update of a group; none where nothing of it is planned. */
export function updateOf(
  program: ProgramName,
  instances: readonly PlannedInstance[],
  settingsOf: (instance: InstanceName) => HostSettings,
): SettledBatch[] {
  const [first] = instances;
  if (!first) return [];
  const settings = settingsOf(first.instance);
  const others = instances.filter(({ instance }) => settingsOf(instance) !== settings);
  const apart = [...new Set(others.map(({ instance }) => settingsOf(instance)))].map((own) => ({
    settings: own,
    instances: others.filter(({ instance }) => settingsOf(instance) === own).map(({ instance }) => instance),
  }));
  return [{ program, at_once: instances.length, instances, is_update: true, settings, apart }];
}

/** A batch as it stands in a host's work: with the settings in which it differs from its host. */
export function inHostWork(
  { settings, apart = [], ...batch }: SettledBatch,
  ofHost: HostSettings,
  workOf: (settings: HostSettings) => WorkSettings,
): InstanceBatch {
  const differencesOf = (of: HostSettings) => (of === ofHost ? {} : differences(workOf(ofHost), workOf(of)));
  const different = differencesOf(settings);
  const members = apart.map((one) => ({ instances: one.instances, settings: differencesOf(one.settings) }));
  const hasMembers = members.some((one) => JSON.stringify(one.settings) !== JSON.stringify(different));
  return {
    ...batch,
    ...(Object.keys(different).length > 0 && { settings: different }),
    ...(hasMembers && { members }),
  };
}

/** The settings in which a program differs from its host. */
function differences(ofHost: WorkSettings, ofProgram: WorkSettings): Partial<WorkSettings> {
  const entries = Object.entries(ofProgram) as [keyof WorkSettings, unknown][];
  return Object.fromEntries(entries.filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(ofHost[key])));
}
