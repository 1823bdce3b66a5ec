import picomatch from "picomatch";
import type { HostName } from "../domain/ids.ts";
import { expandNodeSet, foldNames } from "../domain/node-set.ts";
import { didYouMean } from "./nearest.ts";

/** What patterns select from. */
export interface Selectable {
  /** In plan order. */
  readonly hosts: ReadonlySet<HostName>;
  /** Undefined for a group that exists but could not be read. */
  readonly groups: ReadonlyMap<string, readonly HostName[] | undefined>;
  /** True when not all hosts of the plan could be read: then a name that is missing proves nothing. */
  readonly hostsAreMissing?: boolean;
}

/** What is wrong with one of the patterns. */
interface PatternProblem {
  readonly index: number;
  /** Goes on from the pattern: `no host is called web-9`. */
  readonly message: string;
  readonly suggestion?: string;
}

export interface Selection {
  /** In the order in which the patterns name them. */
  readonly hosts: readonly HostName[];
  readonly problems: readonly PatternProblem[];
  /** False when something could not be told, so that `hosts` may lack some. */
  readonly complete: boolean;
}

/** After so many problems nobody needs more near names, for each of which all hosts are looked through. */
const MOST_SUGGESTIONS = 20;

/** Globs in one pattern, by a node set in it; each of them looks at all hosts. */
const MOST_GLOBS = 1000;

type Match = { readonly hosts: readonly HostName[] } | { readonly unreadable: true } | Omit<PatternProblem, "index">;

/**
 * Selects hosts by names, node sets, globs, `@group` and `!exclusion`, in the order as written:
 * an exclusion takes away from what came before it, and what comes after it may bring a host back.
 * A pattern without effect is a problem, since it was meant to have one.
 */
export function selectHosts(patterns: readonly string[], from: Selectable): Selection {
  const selected = new Set<HostName>();
  const problems: PatternProblem[] = [];
  let complete = true;
  for (const [index, pattern] of patterns.entries()) {
    const excludes = pattern.startsWith("!");
    const match = matchPattern(excludes ? pattern.slice(1) : pattern, from, problems.length < MOST_SUGGESTIONS);
    if (!("hosts" in match)) {
      complete = false;
      if (!("unreadable" in match)) problems.push({ index, ...match });
      continue;
    }
    const sizeBefore = selected.size;
    for (const host of match.hosts) {
      if (excludes) selected.delete(host);
      else selected.add(host);
    }
    if (excludes && selected.size === sizeBefore && complete) {
      const message = `${JSON.stringify(pattern)} takes nothing away from the patterns before it`;
      problems.push({ index, message, suggestion: "put it behind the pattern that it is an exception to" });
    }
  }
  return { hosts: [...selected], problems, complete: complete && problems.length === 0 };
}

/** The group that a pattern refers to, if it is `@group` or `!@group`. */
export function groupReference(pattern: string): string | undefined {
  return /^!?@(.*)$/su.exec(pattern)?.[1];
}

function matchPattern(pattern: string, from: Selectable, suggests: boolean): Match {
  if (pattern.startsWith("@")) return matchGroup(pattern.slice(1), from);
  const expansion = expandNodeSet(pattern);
  if ("problem" in expansion) return { message: expansion.problem };
  if (isGlob(pattern) && expansion.names.length > MOST_GLOBS) {
    return { message: `${JSON.stringify(pattern)} stands for more than ${MOST_GLOBS} globs` };
  }
  const names = expansion.names as readonly HostName[];
  const missing = names.filter((name) => !isGlob(name) && !from.hosts.has(name));
  const hosts = names.flatMap((name) =>
    isGlob(name) ? matchGlob(name, from.hosts) : from.hosts.has(name) ? [name] : [],
  );
  if (from.hostsAreMissing && (missing.length > 0 || hosts.length === 0)) return { unreadable: true };
  // Of a node set that reaches too far, the near names are those that it has got.
  if (missing.length > 0) return unknownHosts(pattern, missing, from, suggests && hosts.length === 0);
  if (hosts.length === 0) return { message: `no host of the plan matches ${JSON.stringify(pattern)}` };
  return { hosts };
}

function matchGroup(name: string, { groups }: Selectable): Match {
  const hosts = groups.get(name);
  if (hosts) return { hosts };
  if (groups.has(name)) return { unreadable: true };
  const near =
    didYouMean(name, groups.keys())?.replace('"', '"@') ?? (name === "all" ? 'for every host write "*"' : undefined);
  return { message: `no group is called ${JSON.stringify(name)}`, ...(near !== undefined && { suggestion: near }) };
}

function unknownHosts(
  pattern: string,
  missing: readonly string[],
  { hosts, groups }: Selectable,
  suggests: boolean,
): Match {
  const [first = ""] = missing;
  const message = `no host is called ${foldNames(missing)
    .map((name) => JSON.stringify(name))
    .join(", ")}`;
  if (groups.has(pattern)) return { message, suggestion: `did you mean the group, "@${pattern}"?` };
  if (/[\s,]/.test(first)) return { message, suggestion: "several patterns are a list, or given one by one" };
  const suggestion = suggests ? didYouMean(first, hosts) : undefined;
  return { message, ...(suggestion !== undefined && { suggestion }) };
}

function isGlob(name: string): boolean {
  return /[*?{]/.test(name);
}

function matchGlob(glob: string, hosts: Iterable<HostName>): HostName[] {
  // Names are no paths: a star matches dots, and brackets were node sets.
  const matches = picomatch(glob, { dot: true, bash: true, nobracket: true, noextglob: true, nonegate: true });
  return [...hosts].filter((host) => matches(host));
}
