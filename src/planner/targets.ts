import type { HostName } from "../domain/ids.ts";
import type { HostTarget } from "../domain/target.ts";
import { mergeSettings, NO_SETTINGS, readSettings, type PathBase } from "./connection-settings.ts";
import type { PlanDocument } from "./document.ts";
import type { Findings } from "./findings.ts";
import { joinGroupSettings } from "./group-settings.ts";
import type { GroupMembers } from "./groups.ts";
import type { HostEntry } from "./host-names.ts";
import type { RawPlan } from "./raw-plan.ts";

/** Where the way onto each host is worked out from. */
export interface TargetSources {
  readonly raw: RawPlan;
  readonly entries: readonly HostEntry[];
  readonly members: GroupMembers;
  readonly base: PathBase;
}

/** The way onto every host: its own settings before those of its groups before the plan's. */
export function readTargets(
  { raw, entries, members, base }: TargetSources,
  document: PlanDocument,
  findings: Findings,
): HostTarget[] {
  const ofPlan = readSettings(raw, [], base, findings);
  const ofHosts = entries.map(({ settings, path }) => readSettings(settings, path, base, findings));
  const ownOf = new Map(
    entries.flatMap(({ names }, index) => names.map((name) => [name, ofHosts[index] ?? NO_SETTINGS] as const)),
  );
  const groups = [...members].map(([name, hosts]) => {
    return {
      name,
      hosts: hosts ?? [],
      settings: readSettings(raw.groups?.[name] ?? {}, ["groups", name], base, findings),
    };
  });
  const ofGroups = joinGroupSettings(groups, ownOf, document, findings);
  const targets = entries.flatMap(({ names, settings }, index) =>
    names.map((name): HostTarget => ({
      name,
      address: settings.address ?? name,
      connection: settings.connection ?? "ssh",
      ...mergeSettings(ofPlan, ofGroups.get(name) ?? NO_SETTINGS, ofHosts[index] ?? NO_SETTINGS),
    })),
  );
  judgeIdentities(targets, entries, findings);
  return targets;
}

/** Tells of two names for one supervisord: it would be restarted twice, and counted twice. */
function judgeIdentities(targets: readonly HostTarget[], entries: readonly HostEntry[], findings: Findings): void {
  const byName = new Map(entries.flatMap((entry) => entry.names.map((name) => [name, entry] as const)));
  const nameOf = new Map<string, HostName>();
  const told = new Set<HostEntry>();
  for (const target of targets) {
    const entry = byName.get(target.name);
    if (!entry || told.has(entry) || hasRefused(entry.settings)) continue;
    // That one address stands for many names is told at the address.
    if (entry.names.length > 1 && entry.settings.address !== undefined) continue;
    const identity = identityOf(target);
    const other = nameOf.get(identity);
    if (other === undefined) {
      nameOf.set(identity, target.name);
      continue;
    }
    told.add(entry);
    const remedy = "take one of them out, or give them different addresses, ports or supervisor settings";
    findings.atKey(entry.path, `${target.name} and ${other} are two names for one supervisord`, remedy);
  }
}

/** What tells one supervisord from another. (ssh_config may know a port of its own for one of two names; that is not looked up here.) */
function identityOf({ address, connection, ssh, supervisor }: HostTarget): string {
  // Behind two bastions one address is of two hosts.
  const way =
    connection === "local" ? ["local"] : ["ssh", address.toLowerCase(), ssh.port ?? 22, ssh.proxy_jump ?? "none"];
  return JSON.stringify([...way, supervisor.config ?? null, supervisor.server_url ?? null]);
}

/** Tells whether the schema refused something of a host, so that it may be another one than it seems. */
function hasRefused(settings: object): boolean {
  return Object.values(settings).some(
    (value: unknown) => value === undefined || (typeof value === "object" && value !== null && hasRefused(value)),
  );
}
