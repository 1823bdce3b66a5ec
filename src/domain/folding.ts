import type { HostName, InstanceName } from "./ids.ts";
import { expandNodeSet, foldNames } from "./node-set.ts";
import { printable } from "./printable.ts";

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

/** Hosts that have the same instances, both folded, and the places that these are. */
export interface FoldedRow<Of extends Place> {
  readonly hosts: string;
  readonly instances: string;
  readonly places: readonly Of[];
}

/** Places folded, those of one host being one row with those of all hosts alike; places without a host are left out. */
export function foldedRows<Of extends Place>(places: readonly Of[]): FoldedRow<Of>[] {
  const byHost = groupedBy(
    places.filter(({ host }) => host !== undefined),
    ({ host }) => host ?? "",
  );
  const ofHosts = byHost.map((some) => ({ some, instances: folded(some.flatMap(({ instance }) => instance ?? [])) }));
  return groupedBy(ofHosts, ({ instances }) => instances).map((alike) => ({
    hosts: folded(alike.flatMap(({ some }) => some[0]?.host ?? [])),
    instances: alike[0]?.instances ?? "",
    places: alike.flatMap(({ some }) => some),
  }));
}

/** Places as few lines; if some are of no host, an empty text comes last. */
export function foldedPlaces(places: readonly Place[]): string[] {
  const lines = foldedRows(places).map(({ hosts, instances }) => `${hosts} ${instances}`.trimEnd());
  return places.some(({ host }) => host === undefined) ? [...lines, ""] : lines;
}

/** Groups items of the same kind, in the order of the first of each. */
export function groupedBy<Item>(items: Iterable<Item>, keyOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()];
}

/** `1 started`, `1 started and 2 again`, `1 started, 2 again and 3 only checked`. */
export function enumerated(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
