/** A string that cannot be mistaken for another kind of string. Made by a cast at the one place that reads it. */
type Branded<Name extends string> = string & { readonly __brand: Name };

/** A host's name as the plan writes it, node sets expanded. */
export type HostName = Branded<"HostName">;

/** A Supervisor group, such as `web` (the unit that `min_healthy` counts). */
export type ProgramName = Branded<"ProgramName">;

/** `group:process` as Supervisor prints it, or `name` alone where group and process are called the same. */
export type InstanceName = Branded<"InstanceName">;

/** One instance of one host, as the key of a map: see {@link keyOf}. */
export type InstanceKey = Branded<"InstanceKey">;

/** Sorts by the time at which the rollout began: `20261122T100000Z-4f2a`. */
export type RolloutId = Branded<"RolloutId">;

/** When the rollout of an id began, ISO 8601; undefined if it is not an id. */
export function beganAt(id: string): string | undefined {
  const [, date, hours, minutes, seconds] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z-/.exec(id) ?? [];
  return date && `${date.replace(/(....)(..)(..)/, "$1-$2-$3")}T${hours}:${minutes}:${seconds}Z`;
}

/** No name of a host holds a blank, so that no two instances have one key. */
export function keyOf({ host, instance }: { readonly host: HostName; readonly instance: InstanceName }): InstanceKey {
  return `${host} ${instance}` as InstanceKey;
}

/**
 * The Supervisor group of an instance.
 * Supervisor shortens `web:web` to `web`: then group and process are the same word.
 */
export function programOf(instance: InstanceName): ProgramName {
  const colon = instance.indexOf(":");
  const group: string = colon === -1 ? instance : instance.slice(0, colon);
  return group as ProgramName;
}

/** The process name of an instance: what follows `group:`. */
export function processOf(instance: InstanceName): string {
  return instance.slice(instance.indexOf(":") + 1);
}

let natural: Intl.Collator | undefined;

/** Orders names as people count: `web_2` before `web_10`; equal to the collator but not the same: by code unit. */
export function compareNaturally(a: string, b: string): number {
  // Created lazily: it takes milliseconds, and most commands order nothing.
  natural ??= new Intl.Collator("en", { numeric: true });
  return natural.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}
