import picomatch from "picomatch";
import type { HostName } from "../../domain/ids.ts";
import { expandNodeSet, foldNames } from "../../domain/node-set.ts";
import type { Fault } from "../text/diagnostic.ts";
import { didYouMean } from "../schema/nearest.ts";

/** The hosts and groups that patterns select from. */
export interface Selectable {
  /** In plan order. */
  readonly hosts: ReadonlySet<HostName>;
  /** Undefined for a group that exists but has an error. */
  readonly groups: ReadonlyMap<string, readonly HostName[] | undefined>;
  /** True if not all hosts of the plan could be read: then a missing name is no error. */
  readonly hostsAreMissing?: boolean;
  /** Hosts that the plan has taken away from those that it inherits: to name one selects nothing. */
  readonly takenAway?: ReadonlySet<HostName>;
  /** A glob or node set may match no host: other plans that share the group have such hosts. */
  readonly mayMatchNothing?: boolean;
}

/** A fault of one of the patterns. */
interface PatternProblem extends Fault {
  readonly index: number;
}

export interface SelectedHosts {
  /** In the order in which the patterns name them. */
  readonly hosts: readonly HostName[];
  readonly problems: readonly PatternProblem[];
  /** May be intended, and may be a mistake. */
  readonly warnings: readonly PatternProblem[];
  /** False if a pattern could not be resolved, so that `hosts` may lack some. */
  readonly complete: boolean;
}

/** After so many problems similar names are no longer suggested: each suggestion compares all hosts. */
const MOST_SUGGESTIONS = 20;

/** The most globs that a node set in one pattern may stand for; each is matched against all hosts. */
const MOST_GLOBS = 1000;

type Match = { readonly hosts: readonly HostName[] } | { readonly unreadable: true } | Fault;

/** An exclusion that applies to no pattern before it. */
interface Early extends Pick<PatternProblem, "index"> {
  readonly pattern: string;
  readonly hosts: readonly HostName[];
}

/**
 * Selects hosts by names, node sets, globs, `@group` and `!exclusion`, in the order in which they are written:
 * an exclusion removes hosts from what came before it, and what comes after it may bring a host back.
 *
 * A name that is not there is a problem, and so is a pattern that selects nothing, unless that may be. An exclusion may have no effect, as `!@canary` has after `!@web`: a part
 * that plans share must fit each of their fleets. It is a problem only if it comes before the pattern that it is meant for.
 */
export function selectHosts(patterns: readonly string[], from: Selectable): SelectedHosts {
  const selected = new Set<HostName>();
  /** Likewise, but without the exclusions. */
  const named = new Set<HostName>();
  const early: Early[] = [];
  const problems: PatternProblem[] = [];
  const warnings: PatternProblem[] = [];
  let complete = true;
  for (const [index, pattern] of patterns.entries()) {
    const excludes = pattern.startsWith("!");
    const match = matchPattern(excludes ? pattern.slice(1) : pattern, from, problems.length < MOST_SUGGESTIONS);
    if (!("hosts" in match)) {
      if ("code" in match && match.code === "no_host_matches" && (excludes || from.mayMatchNothing)) {
        const message = `${JSON.stringify(pattern)} excludes nothing: no host of the plan matches it`;
        warnings.push({ ...match, index, ...(excludes && { code: "exclusion_matches_nothing", message }) });
        continue;
      }
      complete = false;
      if (!("unreadable" in match)) problems.push({ index, ...match });
      continue;
    }
    if (!excludes) for (const host of match.hosts) named.add(host);
    else if (!match.hosts.some((host) => named.has(host))) early.push({ index, pattern, hosts: match.hosts });
    for (const host of match.hosts) {
      if (excludes) selected.delete(host);
      else selected.add(host);
    }
  }
  if (complete) problems.push(...tooEarly(early, named));
  problems.sort((a, b) => a.index - b.index);
  return { hosts: [...selected], problems, warnings, complete: complete && problems.length === 0 };
}

/** The exclusions whose hosts are named only after them, and those with nothing before them. */
function tooEarly(early: readonly Early[], named: ReadonlySet<HostName>): PatternProblem[] {
  return early.flatMap(({ index, pattern, hosts }) => {
    if (index > 0 && !hosts.some((host) => named.has(host))) return [];
    const message = `${JSON.stringify(pattern)} excludes nothing: it only applies to the patterns before it`;
    const suggestion = "put it after the pattern that it is an exception to";
    return [{ code: "exclusion_too_early", index, message, suggestion }];
  });
}

/** The group that a pattern refers to, if it is `@group` or `!@group`. */
export function groupReference(pattern: string): string | undefined {
  return /^!?@(.*)$/su.exec(pattern)?.[1];
}

function matchPattern(pattern: string, from: Selectable, suggests: boolean): Match {
  if (pattern.startsWith("@")) return matchGroup(pattern.slice(1), from);
  const expansion = expandNodeSet(pattern);
  if ("problem" in expansion) return { code: "invalid_node_set", message: expansion.problem };
  if (isGlob(pattern) && expansion.names.length > MOST_GLOBS) {
    return {
      code: "too_many_globs",
      message: `${JSON.stringify(pattern)} stands for more than ${MOST_GLOBS} globs`,
    };
  }
  const names = expansion.names as readonly HostName[];
  const missing = names.filter((name) => !isGlob(name) && !from.hosts.has(name) && !from.takenAway?.has(name));
  const hosts = names.flatMap((name) =>
    isGlob(name) ? matchGlob(name, from.hosts) : from.hosts.has(name) ? [name] : [],
  );
  if (from.hostsAreMissing && (missing.length > 0 || hosts.length === 0)) return { unreadable: true };
  const matchesNothing = from.mayMatchNothing && hosts.length === 0 && names.length > 1;
  // For a node set that reaches too far, the similar names are those that it already has.
  if (missing.length > 0 && !matchesNothing)
    return unknownHosts(pattern, missing, from, suggests && hosts.length === 0);
  if (hosts.length === 0 && !names.some((name) => from.takenAway?.has(name)))
    return { code: "no_host_matches", message: `no host of the plan matches ${JSON.stringify(pattern)}` };
  return { hosts };
}

function matchGroup(name: string, { groups }: Selectable): Match {
  const hosts = groups.get(name);
  if (hosts) return { hosts };
  if (groups.has(name)) return { unreadable: true };
  const near =
    didYouMean(name, groups.keys())?.replace('"', '"@') ?? (name === "all" ? 'for every host write "*"' : undefined);
  return { code: "unknown_group", message: `no group is called ${JSON.stringify(name)}`, suggestion: near };
}

function unknownHosts(
  pattern: string,
  missing: readonly string[],
  { hosts, groups }: Selectable,
  suggests: boolean,
): Match {
  const [first = ""] = missing;
  const names = foldNames(missing).map((name) => JSON.stringify(name));
  const unknown = (suggestion: string | undefined): Fault => {
    return { code: "unknown_host", message: `no host is called ${names.join(", ")}`, suggestion };
  };
  if (groups.has(pattern)) return unknown(`did you mean the group, "@${pattern}"?`);
  if (pattern === "all") return unknown('for every host write "*"');
  if (/[\s,]/.test(first)) return unknown("several patterns are a list, or given one by one");
  return unknown(suggests ? didYouMean(first, hosts) : undefined);
}

function isGlob(name: string): boolean {
  return /[*?{]/.test(name);
}

function matchGlob(glob: string, hosts: Iterable<HostName>): HostName[] {
  // Names are no paths: a star matches dots, and brackets were node sets.
  const matches = picomatch(glob, { dot: true, bash: true, nobracket: true, noextglob: true, nonegate: true });
  return [...hosts].filter((host) => matches(host));
}
