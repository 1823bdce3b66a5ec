import type { HostName, InstanceName } from "../domain/ids.ts";
import { expandNodeSet, foldNames } from "../domain/node-set.ts";
import { printable } from "../domain/printable.ts";

/** A host, an instance on it, or neither: what a line of a list is about. */
export interface Place {
  readonly host?: HostName;
  readonly instance?: InstanceName;
}

/**
 * Names as few node sets that stand for them in this very order, ready for a terminal. Names whose order a node set
 * would not keep are written out; in quotes if they would read as node sets.
 */
export function foldedInOrder(names: readonly string[]): string {
  const sets = foldNames(names);
  const unfolded = sets.flatMap((text) => {
    const expansion = expandNodeSet(text);
    return "names" in expansion ? expansion.names : [text];
  });
  const keepsOrder = unfolded.length === names.length && unfolded.every((name, index) => name === names[index]);
  return printable((keepsOrder ? sets : names.map(writtenOut)).join(" "));
}

function writtenOut(name: string): string {
  return /[[\]]/.test(name) ? JSON.stringify(name) : name;
}

/** Names as few node sets, whatever their order, ready for a terminal. */
export function folded(names: readonly string[]): string {
  return printable(foldNames(names).join(" "));
}

/** Hosts that have the same instances: both folded. Places without a host are left out. */
export function foldedRows(places: Iterable<Place>): { readonly hosts: string; readonly instances: string }[] {
  const instancesByHost = new Map<HostName, InstanceName[]>();
  for (const { host, instance } of places) {
    if (host === undefined) continue;
    const instances = entryOf(instancesByHost, host, () => []);
    if (instance !== undefined) instances.push(instance);
  }
  const hostsByInstances = new Map<string, string[]>();
  for (const [host, instances] of instancesByHost) entryOf(hostsByInstances, folded(instances), () => []).push(host);
  return [...hostsByInstances].map(([instances, hosts]) => ({ hosts: folded(hosts), instances }));
}

/** Places as few lines; if some are of no host, an empty text comes last. */
export function foldedPlaces(places: readonly Place[]): string[] {
  const lines = foldedRows(places).map(({ hosts, instances }) => `${hosts} ${instances}`.trimEnd());
  return places.some(({ host }) => host === undefined) ? [...lines, ""] : lines;
}

/** Gathers what is alike, in the order of the first of each kind. */
export function groupedBy<Item>(items: Iterable<Item>, keyOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) entryOf(groups, keyOf(item), () => []).push(item);
  return [...groups.values()];
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, empty: () => Value): Value {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = empty();
  map.set(key, made);
  return made;
}
