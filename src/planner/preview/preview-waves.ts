import { printable } from "../../domain/printable.ts";
import type { Batch, HostWork, Rollout, Wave } from "../../domain/rollout.ts";
import { foldedInOrder, groupedBy } from "../../domain/folding.ts";
import { instancesText } from "./preview-instances.ts";
import { stepLines } from "./preview-steps.ts";
import { batchesTitle, betweenBatches, pauseLines, slidingTitle } from "./preview-words.ts";

/** A host's name and the text of its work. */
interface Entry {
  readonly host: string;
  readonly text: string;
}

/** Batches that follow each other and are alike: as many hosts each, all with the same work. */
interface AlikeBatches {
  readonly first: number;
  readonly last: number;
  readonly size: number;
  readonly rows: readonly Entry[][];
}

/** All waves: how each goes, its batches in order, and in each the hosts and instances. */
export function waveLines({ waves }: Pick<Rollout, "waves">): string[] {
  return waves.flatMap((wave, index) => [
    "",
    `wave ${index + 1} of ${waves.length}: ${printable(wave.group)}`,
    ...stepLines(wave),
    ...(isSliding(wave) ? wave.batches.flatMap(slidingLines) : lockstepLines(wave)),
    ...(index < waves.length - 1 ? pauseLines(wave.pause) : []),
  ]);
}

function isSliding({ batches }: Wave): boolean {
  return batches.some(({ at_once, hosts }) => at_once < hosts.length);
}

/** The hosts of a sliding wave start in this order, so only neighbours share a row. */
function slidingLines({ at_once, hosts }: Batch): string[] {
  const rows: Entry[][] = [];
  for (const entry of hosts.map(entryOf)) {
    const row = rows.at(-1);
    if (row?.[0]?.text === entry.text) row.push(entry);
    else rows.push([entry]);
  }
  return [slidingTitle(hosts.length, at_once), ...rowLines(rows)];
}

function lockstepLines(wave: Wave): string[] {
  const lines = alikeBatches(wave.batches).flatMap(({ first, last, size, rows }) => [
    batchesTitle(first, last, wave.batches.length, size),
    ...rowLines(rows),
  ]);
  return [...betweenBatches(wave), ...lines];
}

function alikeBatches(batches: readonly Batch[]): AlikeBatches[] {
  const alike: { first: number; last: number; size: number; rows: Entry[][] }[] = [];
  for (const [index, { hosts }] of batches.entries()) {
    const rows = groupedBy(hosts.map(entryOf), ({ text }) => text);
    const before = alike.at(-1);
    const [row] = rows;
    const [rowBefore] = before?.rows ?? [];
    const same = rows.length === 1 && before?.rows.length === 1 && rowBefore?.[0]?.text === row?.[0]?.text;
    if (same && row && before.size === hosts.length) {
      rowBefore?.push(...row);
      before.last = index + 1;
    } else alike.push({ first: index + 1, last: index + 1, size: hosts.length, rows });
  }
  return alike;
}

function entryOf(work: HostWork): Entry {
  return { host: work.host, text: instancesText(work) };
}

function rowLines(rows: readonly (readonly Entry[])[]): string[] {
  const folded = rows.map((row) => ({ hosts: foldedInOrder(row.map(({ host }) => host)), text: row[0]?.text ?? "" }));
  const width = Math.max(...folded.map(({ hosts }) => hosts.length));
  return folded.map(({ hosts, text }) => `    ${hosts.padEnd(width)}  ${text}`);
}
