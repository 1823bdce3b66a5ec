import { isPlainMap, type Origin, type Origins } from "./compose.ts";

/**
 * Merges data over other data: maps are merged key by key, lists and single values are replaced. An empty section
 * (`ssh:` with nothing after it) changes nothing. Every part keeps the origin of the data that it comes from.
 */
export function mergeData(base: unknown, over: unknown, origins: Origins): unknown {
  if (!isPlainMap(base)) return over;
  if (over === null) return base;
  if (!isPlainMap(over)) return over;
  const data = Object.assign(Object.create(null), base) as Record<string, unknown>;
  const places = new Map<string | number, Origin>(origins.get(base));
  for (const [key, origin] of origins.get(over) ?? []) {
    data[key] = key in data ? mergeData(data[key], over[key], origins) : over[key];
    // A section that comes from the base is also reported there.
    if (over[key] !== null || !places.has(key)) places.set(key, origin);
  }
  origins.set(data, places);
  return data;
}

/** The data of a map without one of its keys. */
export function withoutKey(map: Readonly<Record<string, unknown>>, key: string, origins: Origins): unknown {
  const data = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(map)) if (name !== key) data[name] = value;
  const places = new Map(origins.get(map));
  places.delete(key);
  origins.set(data, places);
  return data;
}
