import { takeAtOnce } from "../../domain/quantity.ts";
import type { HostBatches } from "../plan/plan.ts";

/** One batch of hosts, and how many of them are worked on at once. */
export interface HostBatch<Item> {
  readonly at_once: number;
  readonly hosts: readonly Item[];
}

/** A wave's hosts as batches; percentages are of these hosts. */
export function inBatches<Item>(hosts: readonly Item[], { sizes, mode }: HostBatches): HostBatch<Item>[] {
  if (hosts.length === 0) return [];
  const counts = sizes.map((size) => takeAtOnce(size, hosts.length));
  if (mode === "sliding") return [{ at_once: counts[0] ?? 1, hosts }];
  return chunks(hosts, counts).map((chunk) => ({ at_once: chunk.length, hosts: chunk }));
}

/** Cuts a list into pieces of these sizes; the last size repeats. */
export function chunks<Item>(items: readonly Item[], sizes: readonly number[]): Item[][] {
  const pieces: Item[][] = [];
  let start = 0;
  while (start < items.length) {
    const size = sizes[Math.min(pieces.length, sizes.length - 1)] ?? 1;
    pieces.push(items.slice(start, start + size));
    start += size;
  }
  return pieces;
}
