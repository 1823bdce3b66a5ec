import type { Path } from "./path.ts";
import { childPointer } from "./path.ts";

/**
 * What the plan language has and this version has not. It is refused by name: a check or a limit that was silently
 * ignored would be taken for protection. A line goes when its key enters the schema.
 */
const KEYS: ReadonlySet<string> = new Set([
  "extends",
  "hosts_from",
  "vars",
  "hosts.*.vars",
  "groups.*.vars",
  "checks",
  "groups.*.checks",
  "hooks",
  "groups.*.hooks",
  "lock",
  ...onEachLevel("ssh", ["proxy_jump", "config_file"]),
  "timings.progress_deadline",
  "groups.*.timings.progress_deadline",
  "rollout.*.pause",
]);

/** Values of keys that exist already. Today's own behaviour is in the schema; the rest of the language is here. */
const VALUES: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ["limits.max_failures", isQuantity],
  ["limits.max_unreachable", isQuantity],
  ["limits.min_healthy", isQuantity],
  ["on_failure", oneOf("ask")],
  ["stopped", oneOf("start")],
  ["batches.mode", oneOf("sliding")],
  ["groups.*.batches.mode", oneOf("sliding")],
  ["batches.hosts", Array.isArray],
  ["groups.*.batches.hosts", Array.isArray],
  ...onEachLevel("ssh", ["client"]).map((key) => [key, oneOf("system")] as const),
  ...onEachLevel("ssh", ["host_key_checking"]).map((key) => [key, oneOf("accept-new", "off")] as const),
]);

/** What is said of a key or value of the language that this version does not have; undefined for all others. */
export function refusalOfKey(path: Path): string | undefined {
  return KEYS.has(patternOf(path)) ? "is part of the plan language but not built yet in this version" : undefined;
}

/** Likewise for a value that the schema does not allow. */
export function refusalOfValue(path: Path, value: unknown): string | undefined {
  if (!VALUES.get(patternOf(path))?.(value)) return undefined;
  const written = Array.isArray(value) ? "a list" : JSON.stringify(value);
  return `${written} is part of the plan language but not built yet in this version`;
}

/** What is said of a value with a reference to the environment: as a literal text it would be somebody's surprise. */
export const REFERENCE_REFUSED = 'a reference such as "${NAME}" is part of the plan language but not built yet in this version';

/** The JSON pointers of all texts with `${` in them; keys do not count. */
export function* pointersOfReferences(data: unknown, pointer = ""): Generator<string> {
  if (typeof data === "string" && data.includes("${")) yield pointer;
  if (typeof data !== "object" || data === null) return;
  for (const [key, value] of Object.entries(data)) yield* pointersOfReferences(value, childPointer(pointer, key));
}

/** The path with a star for each name and index: `hosts.*.ssh.client`. */
function patternOf(path: Path): string {
  const named = path[0] === "hosts" || path[0] === "groups" || path[0] === "rollout";
  return path.map((part, index) => (named && index === 1 ? "*" : String(part))).join(".");
}

function onEachLevel(section: string, keys: readonly string[]): string[] {
  return ["", "groups.*.", "hosts.*."].flatMap((level) => keys.map((key) => `${level}${section}.${key}`));
}

function oneOf(...values: readonly unknown[]): (value: unknown) => boolean {
  return (value) => values.includes(value);
}

function isQuantity(value: unknown): boolean {
  return typeof value === "number" ? Number.isInteger(value) && value >= 0 : typeof value === "string" && /^\d+(\.\d+)?%?$/.test(value);
}
