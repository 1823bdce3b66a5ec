import { basename } from "node:path";
import type { HostName } from "../../domain/ids.ts";
import type { SourceRange } from "../text/diagnostic.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Path } from "../text/path.ts";
import type { Findings } from "../text/findings.ts";
import { groupReference, selectHosts, type Selectable } from "./host-patterns.ts";
import { missingKey } from "../schema/schema-errors.ts";
import { listOf, type OneOrMore, type RawPlan } from "../schema/raw-plan.ts";

/** The hosts of each group in the order in which they are written; undefined for a group with an error, which is reported. */
export type GroupMembers = ReadonlyMap<string, readonly HostName[] | undefined>;

type RawGroups = NonNullable<RawPlan["groups"]>;

/** The hosts to select from; groups are added as they are read. */
interface KnownHosts extends Pick<Selectable, "hosts" | "hostsAreMissing"> {
  /** Hosts that a `null` has taken away, and where it stands. */
  readonly takenAway: ReadonlyMap<HostName, SourceRange>;
}

/** Resolves which hosts are in which group. */
export function readGroups(
  groups: RawGroups,
  hosts: KnownHosts,
  document: PlanDocument,
  findings: Findings,
): GroupMembers {
  const reader = new GroupReader(groups, hosts, document, findings);
  const names = document.keysAt(["groups"]);
  for (const name of names) reader.read(name);
  return new Map(names.map((name) => [name, reader.members.get(name)]));
}

class GroupReader {
  readonly members = new Map<string, readonly HostName[] | undefined>();
  private readonly groups: RawGroups;
  private readonly hosts: KnownHosts;
  private readonly document: PlanDocument;
  private readonly findings: Findings;
  /** The groups that are being read, each because the one before it refers to it. */
  private readonly trail: string[] = [];

  constructor(groups: RawGroups, hosts: KnownHosts, document: PlanDocument, findings: Findings) {
    this.groups = groups;
    this.hosts = hosts;
    this.document = document;
    this.findings = findings;
    this.judgeNames();
  }

  read(name: string): void {
    if (this.members.has(name) || !(name in this.groups)) return;
    const group = this.groups[name];
    // Not by the schema: a plan that extends another may leave a group's hosts to that.
    if (group && !("hosts" in group)) this.findings.atMissing(["groups", name], "hosts", missingKey("hosts"));
    const hosts = group?.hosts;
    const patterns = hosts === undefined ? [] : listOf(hosts);
    this.trail.push(name);
    const sound = patterns.map(
      (pattern, index) => pattern !== undefined && this.readReference(pattern, patternPath(name, hosts, index)),
    );
    this.trail.pop();
    const readable = hosts !== undefined && sound.every(Boolean);
    this.members.set(name, readable ? this.select(name, patterns as readonly string[]) : undefined);
  }

  /** Reads the group that a pattern refers to, if it does; false when that leads in a circle. */
  private readReference(pattern: string, path: Path): boolean {
    const group = groupReference(pattern);
    if (group === undefined) return true;
    const start = this.trail.indexOf(group);
    if (start === -1) {
      this.read(group);
      return true;
    }
    const circle = [...this.trail.slice(start), group].join(" → ");
    this.findings.atValue(path, {
      code: "group_circle",
      message: `the groups include each other in a circle: ${circle}`,
    });
    return false;
  }

  private select(name: string, patterns: readonly string[]): readonly HostName[] | undefined {
    const { hosts, problems, warnings, complete } = selectHosts(patterns, {
      ...this.hosts,
      groups: new Map([...this.groupsTakenAway(name).map((group) => [group, []] as const), ...this.members]),
      takenAway: this.hostsTakenAway(name),
      mayMatchNothing: true,
    });
    const pathOf = (index: number) => patternPath(name, this.groups[name]?.hosts, index);
    for (const { index, ...fault } of problems) this.findings.atValue(pathOf(index), fault);
    for (const { index, ...fault } of warnings) this.findings.warnAtValue(pathOf(index), fault);
    if (!complete) return undefined;
    if (hosts.length === 0)
      this.findings.warnAtKey(["groups", name], {
        code: "empty_group",
        message: `the group has no hosts in ${this.planSeenFrom(["groups", name])}, so it makes no wave`,
      });
    return hosts;
  }

  /** The plan that is read, for a message at a path that may be in a file that several plans extend. */
  private planSeenFrom(path: Path): string {
    const { file } = this.document.rangeOfKey([]);
    return this.document.rangeOfKey(path).file === file ? "this plan" : basename(file);
  }

  /** What `null` has taken away may still be named, unless in the same file. */
  private hostsTakenAway(name: string): ReadonlySet<HostName> {
    const { file } = this.document.rangeOfValue(["groups", name, "hosts"]);
    return new Set([...this.hosts.takenAway].filter(([, place]) => place.file !== file).map(([host]) => host));
  }

  private groupsTakenAway(name: string): string[] {
    const { file } = this.document.rangeOfValue(["groups", name, "hosts"]);
    return this.document
      .keysTakenAwayAt(["groups"])
      .filter((group) => this.document.rangeOfValue(["groups", group]).file !== file);
  }

  /** A group's name must work after an `@`. */
  private judgeNames(): void {
    for (const name of Object.keys(this.groups)) {
      if (/^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u.test(name)) continue;
      this.findings.atKey(["groups", name], {
        code: "invalid_group_name",
        message: "a group's name has letters, digits, _, - and . only, and starts with a letter or digit",
      });
    }
  }
}

function patternPath(group: string, hosts: OneOrMore | undefined, index: number): Path {
  return typeof hosts === "string" ? ["groups", group, "hosts"] : ["groups", group, "hosts", index];
}
