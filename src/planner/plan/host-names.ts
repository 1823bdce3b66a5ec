import type { HostName } from "../../domain/ids.ts";
import { expandNodeSet, foldNames } from "../../domain/node-set.ts";
import { lineSeenFrom, type Fault, type SourceRange } from "../text/diagnostic.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Path } from "../text/path.ts";
import type { Findings } from "../text/findings.ts";
import type { RawHost, RawPlan } from "../schema/raw-plan.ts";
import { nothingLeft } from "../schema/schema-errors.ts";
import { inheritsKeys } from "./nulls.ts";
import { hasPlaceholder } from "./target-texts.ts";

/** The hosts that one key of `hosts` stands for. */
export interface HostEntry {
  readonly path: Path;
  /** In the order in which they are written; names that another key already has are left out. */
  readonly names: readonly HostName[];
  readonly settings: RawHost;
}

/** The hosts of a plan, by the keys that name them. */
export interface HostList {
  readonly entries: readonly HostEntry[];
  /** False if a node set could not be read, so that hosts are missing. */
  readonly complete: boolean;
  /** Hosts of extended plans that `null` has taken away, and where. */
  readonly takenAway: ReadonlyMap<HostName, SourceRange>;
}

/** Reads the names in `hosts`, node sets expanded, in plan order. */
export function readHostNames(
  hosts: NonNullable<RawPlan["hosts"]>,
  document: PlanDocument,
  findings: Findings,
): HostList {
  const takenAway = hostsTakenAway(document, findings);
  const keyOf = new Map<string, string>();
  const entries: HostEntry[] = [];
  let complete = true;
  for (const key of document.keysAt(["hosts"])) {
    const path = ["hosts", key];
    if (takenAway.keys.has(key)) continue;
    const settings = hosts[key] ?? {};
    const withPort = addressWithPort(key);
    if (withPort) {
      findings.atKey(path, withPort);
      complete = false;
      continue;
    }
    const expansion = expandNodeSet(key);
    if ("problem" in expansion) {
      const suggestion = rangeMeant(key);
      findings.atKey(path, { code: "invalid_node_set", message: expansion.problem, suggestion });
      complete = false;
      continue;
    }
    const { names } = expansion;
    const faulty = firstProblem(names);
    if (faulty) findings.atKey(path, faulty);
    if (names.length > 1 && settings.address !== undefined && !hasPlaceholder(settings.address)) {
      findings.atKey([...path, "address"], {
        code: "address_of_many",
        message: `${names.length} hosts cannot share one address`,
        suggestion: "give each of them a key of its own, or remove the address",
      });
    }
    const [, address, port] = /^([^:]+):(\d{1,5})$/.exec(settings.address ?? "") ?? [];
    if (port !== undefined)
      findings.atValue([...path, "address"], {
        code: "invalid_value",
        message: "must be one name or IP address, without user, port or brackets",
        suggestion: `write address: ${address} and ssh: { port: ${port} }`,
      });
    reportTaken(names, keyOf, path, document, findings);
    const own = names.filter((name) => !keyOf.has(name) && !takenAway.hosts.has(name as HostName));
    for (const name of own) keyOf.set(name, key);
    if (own.length > 0) entries.push({ path, names: own as HostName[], settings });
  }
  const lastKey = [...takenAway.keys].at(-1);
  if (complete && entries.length === 0 && lastKey !== undefined)
    findings.atValue(["hosts", lastKey], nothingLeft("hosts"));
  return { entries, complete, takenAway: takenAway.hosts };
}

/** What `null` takes away: the hosts, with its place, and the keys of `hosts` that are no hosts because they do that. */
interface TakenAway {
  readonly hosts: ReadonlyMap<HostName, SourceRange>;
  readonly keys: ReadonlySet<string>;
}

/** A key may also take single hosts out of an inherited node set, or those of a node set one by one. */
function hostsTakenAway(document: PlanDocument, findings: Findings): TakenAway {
  const hosts = new Map<HostName, SourceRange>();
  const keys = new Set<string>();
  const take = (key: string, names: readonly string[]) => {
    const place = document.rangeOfValue(["hosts", key]);
    for (const name of names) hosts.set(name as HostName, place);
  };
  const all = document.keysAt(["hosts"]);
  for (const key of document.keysTakenAwayAt(["hosts"])) {
    const others = new Set(all.flatMap(namesIn));
    // A file nearer than the `null` may have given one of them again.
    take(
      key,
      namesIn(key).filter((name) => !others.has(name)),
    );
  }
  const nulls = inheritsKeys(document) ? all.filter((key) => document.isNull(["hosts", key])) : [];
  if (nulls.length === 0) return { hosts, keys };
  const inherited = new Set(all.filter((key) => !nulls.includes(key)).flatMap(namesIn));
  for (const key of nulls) {
    const names = namesIn(key).filter((name) => inherited.has(name));
    if (names.length === 0)
      findings.warnAtValue(["hosts", key], {
        code: "null_without_effect",
        message: "null takes no host away, as none of that name is inherited: this is a host of its own",
        suggestion: "correct the name, or write {} for a host without settings",
      });
    else {
      take(key, names);
      keys.add(key);
    }
  }
  return { hosts, keys };
}

function namesIn(key: string): readonly string[] {
  const expansion = expandNodeSet(key);
  return "names" in expansion ? expansion.names : [];
}

/** Reports names that an earlier key already has: whose settings apply would be a guess. */
function reportTaken(
  names: readonly string[],
  keyOf: ReadonlyMap<string, string>,
  path: Path,
  document: PlanDocument,
  findings: Findings,
): void {
  const taken = names.filter((name) => keyOf.has(name));
  const other = taken[0] === undefined ? undefined : keyOf.get(taken[0]);
  if (other === undefined) return;
  const line = lineSeenFrom(document.rangeOfKey(path), document.rangeOfKey(["hosts", other]));
  findings.atKey(path, {
    code: "duplicate_host",
    message: `${foldNames(taken).join(", ")} is already in the plan, as ${JSON.stringify(other)} on ${line}`,
  });
}

/** An address in brackets, or a name with a port: neither is a name; address and port have keys of their own. */
function addressWithPort(key: string): Fault | undefined {
  const [, bracketed, named, port] =
    /^(?:\[([0-9a-f:.%\w]*:[0-9a-f:.%\w]*)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(key) ?? [];
  if (bracketed === undefined && port === undefined) return undefined;
  const name = bracketed === undefined ? JSON.stringify(named ?? "") : "a name of your choice";
  const keys = [
    ...(bracketed === undefined ? [] : [`address: ${JSON.stringify(bracketed)}`]),
    ...(port === undefined ? [] : [`ssh: { port: ${port} }`]),
  ];
  return {
    code: "invalid_host_name",
    message: `a host's name cannot have ${bracketed === undefined ? "a port" : "brackets around an address"}`,
    suggestion: `write ${name} and, under it, ${keys.join(" and ")}`,
  };
}

/** `web-{1..3}`, `web-[1:3]` and `web-[1..3]` as a node set. */
function rangeMeant(name: string): string | undefined {
  const meant = name.replace(/[{[](\d+)(?::|\.\.)(\d+)[}\]]/g, "[$1-$2]");
  return meant === name ? undefined : `did you mean ${JSON.stringify(meant)}?`;
}

function firstProblem(names: readonly string[]): Fault | undefined {
  for (const name of names) {
    const problem = problemOfName(name);
    if (problem) return problem;
  }
  return undefined;
}

/** A name must work as an argument of ssh, and must not read as a pattern. */
function problemOfName(name: string): Fault | undefined {
  const withPort = addressWithPort(name);
  if (withPort) return withPort;
  const invalid = (cannot: string, suggestion?: string): Fault => {
    return { code: "invalid_host_name", message: `a host's name cannot ${cannot}`, suggestion };
  };
  if (name === "") return invalid("be empty");
  if (name.startsWith("-")) return invalid("start with a dash: ssh would take it for an option");
  if (name.length > 253) return invalid("have more than 253 characters");
  const words = name.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length > 1)
    return invalid(
      "have spaces or control characters",
      `each is a key of its own, or a part of a node set: ${foldNames(words).join(", ")}`,
    );
  if (/[\s\p{C}]/u.test(name)) return invalid("have spaces or control characters");
  const [, url] = /^[a-z]+:\/\/([^/]+)\/?$/.exec(name) ?? [];
  if (url !== undefined) return invalid('have "/"', `write ${JSON.stringify(url)}`);
  const user = /^([^@]+)@(.+)$/.exec(name);
  if (user) return invalid('have an "@"', `write ${JSON.stringify(user[2])} and, under it, ssh: { user: ${user[1]} }`);
  const odd = /[@!*?{}()/\\|,'"]/.exec(name)?.[0];
  if (odd === undefined) return undefined;
  const range = rangeMeant(name);
  if (range !== undefined) return invalid(`have "${odd}"`, range);
  return invalid(
    `have ${odd === '"' ? "quotes" : `"${odd}"`}`,
    "only groups take patterns; a node set such as web-[01-08] is fine",
  );
}
