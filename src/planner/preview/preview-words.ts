import { counted } from "../../domain/counted.ts";
import { formatDuration } from "../../domain/duration.ts";
import type { Wave } from "../../domain/rollout.ts";

/** `one at a time`, `3 at a time`. */
export function atATime(number: number): string {
  return `${number === 1 ? "one" : number} at a time`;
}

/** `batch 3 of 7: 2 hosts together`, `batches 3-5 of 7: 2 hosts each`; they count from 1. */
export function batchesTitle(first: number, last: number, all: number, size: number): string {
  const which = first === last ? `batch ${first}` : `batches ${first}-${last}`;
  const each = first === last ? (size > 1 ? " together" : "") : " each";
  return `  ${which} of ${all}: ${counted(size, "host")}${each}`;
}

/** The title of a wave that has no batches. */
export function slidingTitle(size: number, atOnce: number): string {
  return `  ${counted(size, "host")}, ${atATime(atOnce)}, the next as soon as one is done`;
}

/** The pause between a wave's batches, if there is one. */
export function betweenBatches(wave: { between_batches_ms: number; batches: readonly unknown[] }): string[] {
  const { between_batches_ms: ms, batches } = wave;
  return ms > 0 && batches.length > 1 ? [`  ${formatDuration(ms)} between batches`] : [];
}

/** What comes between a wave and the next one, if the plan has a pause there. */
export function pauseLines(pause: Wave["pause"]): string[] {
  if (pause === undefined) return [];
  return [pause === "ask" ? "  then it asks whether to continue" : `  then a pause of ${formatDuration(pause.ms)}`];
}

/** Lines under a title, after an empty line; nothing without lines. */
export function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
}
