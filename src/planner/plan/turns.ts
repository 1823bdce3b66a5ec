import type { HostName } from "../../domain/ids.ts";
import { foldNames } from "../../domain/node-set.ts";
import type { SourceRange } from "../text/diagnostic.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import type { GroupMembers } from "./groups.ts";
import type { HostEntry } from "./host-names.ts";
import { didYouMean } from "../schema/nearest.ts";
import { wasRefused, type RawGroup, type RawPlan, type RawWave } from "../schema/raw-plan.ts";

/** The group of one wave, before its settings are resolved. */
export interface Turn {
  readonly name: string;
  readonly hosts: readonly HostName[];
  /** The group's own settings; undefined in the only wave of a plan without groups. */
  readonly group?: RawGroup;
  /** Its place in `rollout`, if there is one. */
  readonly index?: number;
  readonly wave?: RawWave;
}

/** The parts of a plan that set the order of waves. */
export interface TurnSources {
  readonly raw: RawPlan;
  readonly entries: readonly HostEntry[];
  readonly members: GroupMembers;
}

/** Reads the waves in order: those of `rollout`, or one for each group, or one of all hosts. */
export function readTurns(sources: TurnSources, document: PlanDocument, findings: Findings): Turn[] {
  const { raw, members, entries } = sources;
  if (wasRefused(raw, "groups") || wasRefused(raw, "rollout")) return [];
  if (raw.rollout === undefined && members.size === 0)
    return [{ name: "all", hosts: entries.flatMap(({ names }) => names) }];
  const names =
    raw.rollout === undefined ? [...members.keys()] : namesInRollout(raw.rollout, sources, document, findings);
  const turns = names.flatMap((name, index): Turn[] => {
    // A group that is not there was taken away.
    const hosts = name === undefined ? undefined : members.has(name) ? members.get(name) : [];
    if (name === undefined || hosts === undefined) return [];
    const wave = raw.rollout?.[index];
    return [{ name, hosts, group: raw.groups?.[name] ?? {}, ...(wave && { index, wave }) }];
  });
  const filled = turns.filter(({ hosts }) => hosts.length > 0);
  // If a wave is missing because of an error, it is unknown which hosts it would reach.
  if (turns.length < names.length) return filled;
  if (filled.length > 0) judgeReach(filled, sources, document, findings);
  else if (entries.length > 0) {
    const takenAway = document.keysTakenAwayAt(["groups"]).at(-1);
    const section = raw.rollout === undefined ? "groups" : "rollout";
    findings.atKey(takenAway === undefined ? [section] : ["groups", takenAway], {
      code: "no_waves",
      message: "no wave is left: none of the groups has a host in this plan",
    });
  }
  return filled;
}

/** The groups that `rollout` names; undefined for an entry with an error. */
function namesInRollout(
  rollout: NonNullable<RawPlan["rollout"]>,
  { members, entries }: TurnSources,
  document: PlanDocument,
  findings: Findings,
): (string | undefined)[] {
  const first = new Map<string, number>();
  return rollout.map((wave, index) => {
    const name = wave?.group;
    if (name === undefined) return undefined;
    const path = ["rollout", index, "group"];
    const takenAway = placeOfNull(name, document);
    const isTakenAway = takenAway !== undefined && takenAway.file !== document.rangeOfValue(path).file;
    if (!members.has(name) && !isTakenAway) {
      const suggestion = takenAway
        ? `null on line ${takenAway.line} takes it away`
        : entries.some(({ names }) => names.includes(name as HostName))
          ? `a wave is a group: groups: { NAME: { hosts: ${name} } }`
          : members.size === 0
            ? "the plan has no groups: without rollout, all hosts are one wave"
            : didYouMean(name, members.keys());
      findings.atValue(path, {
        code: "unknown_group",
        message: `no group is called ${JSON.stringify(name)}`,
        suggestion,
      });
      return undefined;
    }
    const earlier = first.get(name);
    if (earlier !== undefined) {
      const { line } = document.rangeOfValue(["rollout", earlier, "group"]);
      const message = `the group ${JSON.stringify(name)} is already listed, on line ${line}`;
      findings.atValue(path, { code: "duplicate_wave", message });
      return undefined;
    }
    first.set(name, index);
    return name;
  });
}

/** Where `null` takes a group away. To name it is an error only in the same file: other files may serve several plans. */
function placeOfNull(group: string, document: PlanDocument): SourceRange | undefined {
  const path = ["groups", group];
  return document.isTakenAway(path) ? document.rangeOfValue(path) : undefined;
}

/** Reports hosts that no wave reaches: more likely forgotten than intended, unless the plan narrows one that it extends. */
function judgeReach(
  turns: readonly Turn[],
  { raw, entries }: TurnSources,
  document: PlanDocument,
  findings: Findings,
): void {
  const narrows =
    (raw.rollout !== undefined && document.extending.has(document.rangeOfKey(["rollout"]).file)) ||
    document.keysTakenAwayAt(["groups"]).length > 0;
  const reached = new Set(turns.flatMap(({ hosts }) => hosts));
  for (const { path, names } of entries) {
    const missed = names.filter((name) => !reached.has(name));
    if (missed.length === 0) continue;
    if (narrows) {
      const message = `no wave of the rollout reaches ${foldNames(missed).join(", ")}`;
      findings.warnAtKey(path, { code: "host_in_no_wave", message });
      continue;
    }
    const who = missed.length === names.length ? "it" : foldNames(missed).join(", ");
    findings.atKey(path, {
      code: "host_in_no_wave",
      message: `no wave of the rollout reaches ${who}`,
      suggestion: "add it to a group that rollout lists, or remove it from the plan",
    });
  }
}
