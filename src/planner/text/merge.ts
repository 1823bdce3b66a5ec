import { isPlainMap, type Origin, type Origins } from "./compose.ts";

/**
 * Merges data over other data: maps are merged key by key, lists and single values are replaced. An empty section
 * (`ssh:` with nothing after it) changes nothing, and `null` takes a value away. Every part keeps the origin of the
 * data that it comes from; what was taken away has that of its `null`.
 */
export function mergeData(base: unknown, over: unknown, origins: Origins): unknown {
  if (!isPlainMap(base)) return over;
  if (over === null) return base;
  if (!isPlainMap(over)) return over;
  const data = Object.assign(Object.create(null), base) as Record<string, unknown>;
  const places = new Map<string | number, Origin>(origins.get(base));
  for (const [key, origin] of origins.get(over) ?? []) {
    if (origin.isTakenAway || (origin.isNull && key in data)) {
      Reflect.deleteProperty(data, key);
      places.set(key, { ...origin, isTakenAway: true });
      continue;
    }
    const isInherited = key in data;
    data[key] = isInherited ? mergeData(data[key], over[key], origins) : over[key];
    // A section that comes from the base is also reported there.
    if (over[key] !== null || !isInherited) places.set(key, origin);
  }
  origins.set(data, places);
  return data;
}

/** The data of a map without some of its keys. */
export function withoutKeys(
  map: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  origins: Origins,
): Record<string, unknown> {
  const data = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(map)) if (!keys.includes(name)) data[name] = value;
  const places = new Map(origins.get(map));
  for (const key of keys) places.delete(key);
  origins.set(data, places);
  return data;
}
