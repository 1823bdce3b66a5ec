import { expandNodeSet } from "../../domain/node-set.ts";
import { isPlainMap, type Origin } from "../text/compose.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import { mergeData } from "../text/merge.ts";

/** Asks Ansible for the hosts and groups of an inventory: the JSON of `ansible-inventory --list`, or why there is none. */
export type ReadInventory = (path: string) => string | { readonly problem: string; readonly suggestion?: string };

/** Where the plan names its inventory. */
const PATH = ["hosts_from", "ansible"];

/** Merges a plan over the hosts and groups of its inventory; undefined if that cannot be read, which is reported. */
export function withInventory(
  document: PlanDocument,
  path: string,
  read: ReadInventory,
  findings: Findings,
): PlanDocument | undefined {
  const answer = read(path);
  if (typeof answer !== "string") {
    findings.atValue(PATH, { code: "inventory_unreadable", message: answer.problem, suggestion: answer.suggestion });
    return undefined;
  }
  const inventory = parse(answer);
  if (!inventory) {
    findings.atValue(PATH, {
      code: "inventory_unreadable",
      message: "ansible-inventory did not answer with the JSON of an inventory",
    });
    return undefined;
  }
  const hosts = hostsOf(inventory, findings);
  if (Object.keys(hosts).length === 0) {
    findings.atValue(PATH, { code: "inventory_empty", message: "the inventory has no hosts" });
    return undefined;
  }
  const data = { hosts, groups: groupsOf(inventory) };
  const origin: Origin = { rangeOf: () => document.rangeOfValue(PATH), key: [0, 0], value: [0, 0] };
  noteOrigins(data, origin, document);
  return document.with(mergeData(data, withSingleHosts(document, hosts), document.origins));
}

type Json = Readonly<Record<string, unknown>>;

function parse(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainMap(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Ansible's own groups: of all hosts, and of hosts in no other group. */
const ALL = "all";
const UNGROUPED = "ungrouped";

/** Groups as patterns: their own hosts, and the groups in them. Ansible keeps groups without hosts, a plan has none. */
function groupsOf(inventory: Json): Record<string, unknown> {
  const names = Object.keys(inventory).filter((name) => name !== "_meta" && name !== ALL);
  const filled = new Set(names.filter((name) => hostsIn(name, inventory, new Set()) > 0));
  const groups: Record<string, unknown> = {};
  for (const name of names) {
    if (!filled.has(name)) continue;
    const { hosts, children } = partsOf(inventory[name]);
    groups[name] = { hosts: [...hosts, ...children.filter((child) => filled.has(child)).map((child) => `@${child}`)] };
  }
  // If nothing is grouped, all hosts are in `ungrouped`: then one wave of all hosts is meant.
  return Object.keys(groups).every((name) => name === UNGROUPED) ? {} : groups;
}

function hostsIn(group: string, inventory: Json, seen: Set<string>): number {
  if (seen.has(group)) return 0;
  seen.add(group);
  const { hosts, children } = partsOf(inventory[group]);
  return children.reduce((sum, child) => sum + hostsIn(child, inventory, seen), hosts.length);
}

function partsOf(group: unknown): { hosts: string[]; children: string[] } {
  const list = (value: unknown) => (Array.isArray(value) ? value.filter((item) => typeof item === "string") : []);
  return isPlainMap(group)
    ? { hosts: list(group["hosts"]), children: list(group["children"]) }
    : { hosts: [], children: [] };
}

function hostsOf(inventory: Json, findings: Findings): Record<string, unknown> {
  const meta = isPlainMap(inventory["_meta"]) ? inventory["_meta"]["hostvars"] : undefined;
  const names = new Set([
    ...Object.keys(inventory).flatMap((name) => partsOf(inventory[name]).hosts),
    ...(isPlainMap(meta) ? Object.keys(meta) : []),
  ]);
  const hosts = Object.create(null) as Record<string, unknown>;
  for (const name of names) hosts[name] = hostOf(name, isPlainMap(meta) ? meta[name] : undefined, findings);
  return hosts;
}

/** The connection settings in Ansible's variables of a host. */
function hostOf(name: string, vars: unknown, findings: Findings): unknown {
  if (!isPlainMap(vars)) return null;
  const value = (key: string) => {
    const found = vars[key] ?? vars[key.replace("ansible_", "ansible_ssh_")];
    if (typeof found !== "string" || !found.includes("{{")) return found ?? undefined;
    findings.atValue(PATH, {
      code: "inventory_template",
      message: `${key} of ${name} is a template in the inventory, which only a playbook can fill in`,
      suggestion: "set it in the plan, under hosts",
    });
    return undefined;
  };
  if (value("ansible_connection") === "local") return { connection: "local" };
  const port = value("ansible_port");
  const ssh = {
    user: value("ansible_user"),
    port: typeof port === "string" && /^\d+$/.test(port) ? Number(port) : port,
    identity_file: value("ansible_ssh_private_key_file") ?? value("ansible_private_key_file"),
  };
  return given({ address: value("ansible_host"), ssh: given(ssh) });
}

/** The keys that have a value; null for none. */
function given(map: Json): Json | null {
  const entries = Object.entries(map).filter(([, value]) => value !== undefined && value !== null);
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

/** The plan with its node sets expanded where they name hosts of the inventory, so that these are merged. */
function withSingleHosts({ data, origins }: PlanDocument, inventory: Json): unknown {
  const hosts = isPlainMap(data) ? data["hosts"] : undefined;
  if (!isPlainMap(data) || !isPlainMap(hosts)) return data;
  const single = Object.create(null) as Record<string, unknown>;
  const places = new Map<string | number, Origin>();
  for (const [key, origin] of origins.get(hosts) ?? []) {
    const expansion = expandNodeSet(String(key));
    const names =
      "names" in expansion && expansion.names.some((name) => name in inventory) ? expansion.names : [String(key)];
    for (const name of names) {
      // A name that stands there twice is reported when hosts are read: it must not get lost here.
      const free = !(name in single) ? name : String(key);
      places.set(free, origin);
      if (!origin.isTakenAway) single[free] = hosts[key];
    }
  }
  origins.set(single, places);
  const copy = Object.assign(Object.create(null), data, { hosts: single }) as Json;
  origins.set(copy, origins.get(data) ?? new Map());
  return copy;
}

/** Every value of the inventory gets the place where the plan names the inventory. */
function noteOrigins(data: unknown, origin: Origin, document: PlanDocument): void {
  if (typeof data !== "object" || data === null) return;
  const keys = Array.isArray(data) ? [...data.keys()] : Object.keys(data);
  document.origins.set(data, new Map(keys.map((key) => [key, origin])));
  for (const value of Object.values(data)) noteOrigins(value, origin, document);
}
