import { whyNotUpdatable } from "../../domain/address.ts";
import type { Refusal } from "../../domain/failures.ts";
import type { ConfiguredInstance, GroupChange, HostReport } from "../../domain/fleet.ts";
import { folded } from "../../domain/folding.ts";
import { compareNaturally, programOf, type InstanceName, type ProgramName } from "../../domain/ids.ts";
import type { ProcessSnapshot } from "../../domain/process-state.ts";
import type { Selector } from "../../domain/selector.ts";
import { settingsOn, type HostSettings, type Plan, type WaveHost } from "../plan/plan.ts";

/** An instance of a group that is updated: Supervisor lists it, or its new configuration has it, or both. */
export interface UpdatedInstance {
  readonly instance: InstanceName;
  readonly present: ProcessSnapshot | undefined;
  readonly configured: ConfiguredInstance | undefined;
}

/** A group whose configuration on disk is loaded by the rollout. */
export interface UpdatedGroup {
  readonly group: ProgramName;
  readonly instances: readonly UpdatedInstance[];
}

/** What the configuration on a host's disk means for the instances that a wave selects there. */
export interface ConfigOnDisk {
  readonly updates: ReadonlyMap<ProgramName, UpdatedGroup>;
  /** All groups that differ. */
  readonly changes: ReadonlyMap<ProgramName, GroupChange>;
  readonly refusals: readonly Refusal[];
}

type SeenHost = Extract<HostReport, { instances: unknown }>;

interface Selection {
  readonly selects: Selector;
  readonly settingsOf: (instance: InstanceName) => HostSettings;
}

const NOTHING: ConfigOnDisk = { updates: new Map(), changes: new Map(), refusals: [] };

/** Hosts on which supervisord is asked to read its configuration again. */
export function hostsToReread({ waves }: Plan): ReadonlySet<WaveHost["host"]> {
  const asks = (settings: HostSettings) => settings.action === "update" || applies(settings) || refuses(settings);
  return new Set(
    waves.flatMap(({ hosts }) => hosts.filter((one) => settingsOn(one).some(asks)).map(({ host }) => host)),
  );
}

/** Its group is updated if its configuration has changed. */
export function loadsChanges(settings: HostSettings): boolean {
  return settings.action === "update" || applies(settings);
}

function applies({ action, config_changes }: HostSettings): boolean {
  return action === "restart" && config_changes === "apply";
}

/** A stop does not depend on the configuration. */
function refuses({ action, config_changes }: HostSettings): boolean {
  return config_changes === "refuse" && action !== "stop" && action !== "update";
}

/** The groups of a host that a wave updates, and why it must not. */
export function configOnDisk(report: SeenHost, selection: Selection): ConfigOnDisk {
  if (report.reread?.kind !== "read") return NOTHING;
  const { groups, instances } = report.reread;
  const refusals: Refusal[] = [];
  const updates = new Map<ProgramName, UpdatedGroup>();
  const forbidden: string[] = [];
  for (const [group, change] of groups) {
    const members = membersOf(group, report.instances, instances);
    const selected = members.filter(({ instance }) => selection.selects(instance));
    const settings = selected.map(({ instance }) => selection.settingsOf(instance));
    if (settings.some(refuses)) forbidden.push(`${group} (${WORDS[change]})`);
    if (change === "disappeared" || !settings.some(loadsChanges)) continue;
    const loading = selected.filter(({ instance }) => loadsChanges(selection.settingsOf(instance)));
    const refusal = refusalOf(report, group, members, loading);
    if (refusal) refusals.push(refusal);
    else updates.set(group, { group, instances: members });
  }
  if (forbidden.length > 0)
    refusals.push({
      code: "config_changed",
      host: report.host,
      reason: `its configuration on disk is not the one that supervisord has loaded: ${forbidden.join(", ")}`,
    });
  return { updates, changes: groups, refusals };
}

/** The instances that updates add, as if Supervisor listed them. */
export function addedBy(updates: ConfigOnDisk["updates"]): ProcessSnapshot[] {
  return [...updates.values()].flatMap(({ instances }) =>
    instances.flatMap(({ instance, present }): ProcessSnapshot[] => (present ? [] : [{ instance, state: "STOPPED" }])),
  );
}

const WORDS: Readonly<Record<GroupChange, string>> = {
  changed: "changed",
  available: "new",
  disappeared: "no longer configured",
};

function membersOf(
  group: ProgramName,
  present: readonly ProcessSnapshot[],
  configured: readonly ConfiguredInstance[],
): UpdatedInstance[] {
  const now = new Map(present.map((one) => [one.instance, one]));
  const then = new Map(configured.map((one) => [one.instance, one]));
  return [...new Set([...now.keys(), ...then.keys()])]
    .filter((instance) => programOf(instance) === group)
    .toSorted(compareNaturally)
    .map((instance) => ({ instance, present: now.get(instance), configured: then.get(instance) }));
}

function refusalOf(
  { host }: SeenHost,
  group: ProgramName,
  members: readonly UpdatedInstance[],
  loading: readonly UpdatedInstance[],
): Refusal | undefined {
  const why = whyNotUpdatable(group);
  if (why !== undefined)
    return { code: "not_addressable", host, reason: `the group "${group}" cannot be updated by itself: ${why}` };
  const others = members.filter((one) => !loading.includes(one)).map(({ instance }) => instance);
  if (others.length === 0) return undefined;
  const reason = `the configuration of ${group} has changed, and an update takes the whole group down: the plan does not update ${folded(others)}`;
  return { code: "group_partly_selected", host, reason };
}
