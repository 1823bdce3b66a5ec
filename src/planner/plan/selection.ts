import type { PlanAction } from "../../domain/action.ts";
import type { HostName } from "../../domain/ids.ts";
import { foldNames } from "../../domain/node-set.ts";
import type { Selection } from "../../domain/rollout.ts";
import { selectHosts } from "./host-patterns.ts";
import type { HostSettings, Plan, PlanWave } from "./plan.ts";

/** A plan with only the selected hosts in its waves, or the problems of the selection, one sentence each. */
export type Narrowed =
  { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Narrows a plan to what the command line selects. Its hosts are those to contact: with a floor all hosts of
 * the plan, as their instances count towards it; otherwise the selected ones.
 */
export function narrow(plan: Plan, selection: Selection): Narrowed {
  const { hosts, problems } = selectedHosts(plan, selection);
  if (problems.length > 0) return { ok: false, problems };
  if (hosts.size === 0) return { ok: false, problems: [`nothing is left to do: ${whatThereIs(plan)}`] };
  const narrowed = onlyOn(plan, hosts);
  const { programs, action } = selection;
  const waves = narrowed.waves
    .map((wave) => (programs.length > 0 ? { ...wave, programs: [...new Set(programs)] } : wave))
    .map(action === undefined ? (wave) => wave : withAction(action));
  return { ok: true, plan: { ...narrowed, waves, selection } };
}

/**
 * A plan with only these hosts in its waves.
 *
 * @param known none but these is contacted, not even for a floor
 */
export function onlyOn(plan: Plan, selected: ReadonlySet<HostName>, known?: ReadonlySet<HostName>): Plan {
  const waves = plan.waves
    .map((wave) => ({
      ...wave,
      hosts: wave.hosts.filter(({ host }) => selected.has(host) && (known?.has(host) ?? true)),
    }))
    .filter((wave) => wave.hosts.length > 0);
  const reached = new Set(waves.flatMap((wave) => wave.hosts.map(({ host }) => host)));
  const contacted = plan.hosts.filter(({ name }) => (hasFloor(plan) ? (known?.has(name) ?? true) : reached.has(name)));
  return { ...plan, hosts: contacted, waves, whole: plan.whole ?? plan.waves };
}

/** Everything gets this action, whatever the plan says. Settings that were shared stay so. */
function withAction(action: PlanAction): (wave: PlanWave) => PlanWave {
  const known = new Map<HostSettings, HostSettings>();
  const changed = (settings: HostSettings) => {
    const before = known.get(settings) ?? { ...settings, action };
    known.set(settings, before);
    return before;
  };
  return (wave) => ({
    ...wave,
    hosts: wave.hosts.map(({ host, settings, byRule }) => ({
      host,
      settings: changed(settings),
      ...(byRule && { byRule: byRule.map(changed) }),
    })),
  });
}

function hasFloor({ limits, waves }: Plan): boolean {
  const written = [limits.min_healthy, ...waves.flatMap(({ floors = [] }) => floors.map((floor) => floor.min_healthy))];
  return written.some((quantity) => ("count" in quantity ? quantity.count : quantity.percent) > 0);
}

function selectedHosts(plan: Plan, { limit, exclude }: Selection): { hosts: Set<HostName>; problems: string[] } {
  const all = plan.hosts.map(({ name }) => name);
  const from = { hosts: new Set(all), groups: plan.groups };
  const problems: string[] = [];
  const select = (option: string, patterns: readonly string[]) => {
    const selected = selectHosts(patterns, from);
    for (const { message, suggestion } of selected.problems)
      problems.push(`${option}: ${message}${suggestion === undefined ? "" : `; ${suggestion}`}`);
    return selected.hosts;
  };
  const hosts = new Set(limit.length > 0 ? select("--limit", limit) : all);
  for (const host of select("--exclude", exclude)) hosts.delete(host);
  if (problems.length > 0) problems.push(whatThereIs(plan));
  return { hosts, problems };
}

/** The hosts and groups of a plan in one line, for a message about names that it does not have. */
function whatThereIs({ hosts, groups }: Plan): string {
  const names = foldNames(hosts.map(({ name }) => name)).join(", ");
  const groupNames = [...groups.keys()].map((name) => `@${name}`).join(", ");
  return `the plan has ${names}${groupNames === "" ? "" : `, and the groups ${groupNames}`}`;
}
