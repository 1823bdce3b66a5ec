import type { HostName } from "../../domain/ids.ts";
import type { HostTarget } from "../../domain/target.ts";
import { mergeSettings, NO_SETTINGS, readSettings, type PathBase } from "./connection-settings.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import { joinGroupSettings } from "./group-settings.ts";
import type { GroupMembers } from "./groups.ts";
import type { HostEntry } from "./host-names.ts";
import { hasPlaceholder, TargetTexts } from "./target-texts.ts";
import type { RawPlan } from "../schema/raw-plan.ts";

/** The parts of a plan that set the way onto a host. */
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
  const texts = new TargetTexts(raw, members, document, findings);
  const targets = entries.flatMap(({ names, settings, path }, index) =>
    names.map((name): HostTarget => {
      const target: HostTarget = {
        name,
        address: settings.address ?? name,
        connection: settings.connection ?? "ssh",
        ...mergeSettings(ofPlan, ofGroups.get(name) ?? NO_SETTINGS, ofHosts[index] ?? NO_SETTINGS),
      };
      return texts.filled(target, settings, path);
    }),
  );
  texts.report();
  judgeIdentities(targets, entries, findings);
  return targets;
}

/** Reports two names for one supervisord: its programs would be restarted twice and counted twice. */
function judgeIdentities(targets: readonly HostTarget[], entries: readonly HostEntry[], findings: Findings): void {
  const byName = new Map(entries.flatMap((entry) => entry.names.map((name) => [name, entry] as const)));
  const nameOf = new Map<string, HostName>();
  const reported = new Set<HostEntry>();
  for (const target of targets) {
    const entry = byName.get(target.name);
    if (!entry || reported.has(entry) || hasRefused(entry.settings)) continue;
    // One address for several names is reported at the address.
    if (entry.names.length > 1 && entry.settings.address !== undefined && !hasPlaceholder(entry.settings.address))
      continue;
    const identity = identityOf(target);
    const other = nameOf.get(identity);
    if (other === undefined) {
      nameOf.set(identity, target.name);
      continue;
    }
    reported.add(entry);
    findings.atKey(entry.path, {
      code: "same_supervisord",
      message: `${target.name} and ${other} are two names for one supervisord`,
      suggestion: "remove one of them, or give them different addresses, ports or supervisor settings",
    });
  }
}

/**
 * All settings that lead to a supervisord: with equal settings it is certainly the same one. With different ones it may
 * still be; the rollout then finds out which process it is when it takes the lock.
 */
function identityOf({ address, connection, ssh, supervisor }: HostTarget): string {
  const { user, port = 22, proxy_jump = "none", identity_file, config_file } = ssh;
  // Behind two bastions one address may be two hosts, and sshd may lead each user or key elsewhere.
  const way = connection === "local" ? [] : [address.toLowerCase(), port, proxy_jump, user, identity_file, config_file];
  return JSON.stringify([connection, way, Object.entries(supervisor).sort()]);
}

/** Whether the schema refused a setting of a host, so that it may not be the host that it seems to be. */
function hasRefused(settings: object): boolean {
  return Object.values(settings).some(
    (value: unknown) => value === undefined || (typeof value === "object" && value !== null && hasRefused(value)),
  );
}
