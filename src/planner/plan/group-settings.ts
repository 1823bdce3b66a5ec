import type { HostName } from "../../domain/ids.ts";
import { foldNames } from "../../domain/node-set.ts";
import type { OwnSettings } from "./connection-settings.ts";
import { lineSeenFrom } from "../text/diagnostic.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";

/** The ssh and supervisor settings that a group sets for its hosts. */
export interface GroupSettings {
  readonly name: string;
  readonly hosts: readonly HostName[];
  readonly settings: OwnSettings;
}

/** One key that a group sets for its hosts. */
interface Claim {
  readonly group: string;
  readonly hosts: readonly HostName[];
  readonly section: keyof OwnSettings;
  readonly key: string;
  readonly value: unknown;
}

/**
 * The settings that each host gets from its groups. If two groups set different values, and the host none of its own,
 * that is an error: any order among groups would be a guess.
 */
export function joinGroupSettings(
  groups: readonly GroupSettings[],
  ownOf: ReadonlyMap<HostName, OwnSettings>,
  document: PlanDocument,
  findings: Findings,
): ReadonlyMap<HostName, OwnSettings> {
  const joined = new Map<HostName, Record<keyof OwnSettings, Record<string, unknown>>>();
  const firstClaims = new Map<string, Map<HostName, Claim>>();
  for (const claim of groups.flatMap(claimsOf)) {
    const { section, key, value } = claim;
    const first = firstClaims.get(`${section}.${key}`) ?? new Map<HostName, Claim>();
    firstClaims.set(`${section}.${key}`, first);
    const torn: HostName[] = [];
    for (const host of claim.hosts) {
      const earlier = first.get(host);
      if (!earlier) {
        first.set(host, claim);
        const settings = joined.get(host) ?? { ssh: {}, supervisor: {} };
        joined.set(host, settings);
        settings[section][key] = value;
      } else if (earlier.value !== value && !Object.hasOwn(ownOf.get(host)?.[section] ?? {}, key)) {
        torn.push(host);
      }
    }
    tellTorn(torn, claim, first, document, findings);
  }
  return joined;
}

function claimsOf({ name, hosts, settings }: GroupSettings): Claim[] {
  return (["ssh", "supervisor"] as const).flatMap((section) =>
    Object.entries(settings[section]).map(([key, value]): Claim => ({ group: name, hosts, section, key, value })),
  );
}

function tellTorn(
  torn: readonly HostName[],
  claim: Claim,
  first: ReadonlyMap<HostName, Claim>,
  document: PlanDocument,
  findings: Findings,
): void {
  const other = torn[0] === undefined ? undefined : first.get(torn[0]);
  if (!other) return;
  const asWritten = claim.key.replace(/_ms$/, "");
  const pathIn = (group: string) => ["groups", group, claim.section, asWritten];
  const line = lineSeenFrom(document.rangeOfValue(pathIn(claim.group)), document.rangeOfValue(pathIn(other.group)));
  findings.atValue(pathIn(claim.group), {
    code: "groups_disagree",
    message: `the group ${JSON.stringify(other.group)} on ${line} sets another value for ${foldNames(torn).join(", ")}`,
    suggestion: `set ${claim.section}.${asWritten} on the host${torn.length > 1 ? "s" : ""}`,
  });
}
