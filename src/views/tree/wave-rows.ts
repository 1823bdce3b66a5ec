import { doneWord } from "../words/done-word.ts";
import { counted } from "../../domain/counted.ts";
import { printable } from "../../domain/printable.ts";
import { batchRows, endedState, statusText, hostsEndedText, restRow, spanText } from "./batch-rows.ts";
import type { Frame } from "./frame.ts";
import { hostRows } from "./host-rows.ts";
import { cut, textWidth, type Row } from "./row.ts";
import type { WaveProgress } from "../model/progress.ts";
import { openOf } from "../model/status.ts";

/** Depth of a wave's row; its batches and hosts are further in. */
const WAVE_DEPTH = 1;

/** The share of the height that the other waves may take from the hosts of the current one; it leaves them most of it. */
const SHARE_OF_OTHERS = 1 / 3;

/** All waves in at most `height` rows: the one that has its turn with its batches and hosts, the others in a line each or folded. */
export function waveRows(frame: Frame, height: number): Row[] {
  const { waves } = frame.model;
  const lastBegun = waves.findLastIndex(({ startedAtMs }) => startedAtMs !== undefined);
  const last = waves[lastBegun];
  const current = last && !isFolded(last, frame) ? last : undefined;
  const before = waves.slice(0, current ? lastBegun : lastBegun + 1);
  const after = waves.slice(lastBegun + 1);
  const resting = current ? [] : restRow(frame);

  const wanted = current ? wantedHeight(current) : 0;
  const folded = foldWaves(before, after, Math.max(2, Math.floor(height * SHARE_OF_OTHERS), height - wanted), frame);
  const others = folded.before.length + folded.after.length + resting.length;
  const currentRows = current ? [currentWaveRow(current, height - others, frame)] : [];
  return [...folded.before, ...currentRows, ...resting, ...folded.after];
}

/** A wave that has ended takes one line, except in the last frame if it did not end well. */
function isFolded(wave: WaveProgress, { live }: Frame): boolean {
  return wave.endedAtMs !== undefined && (live || openOf(wave.counts) + wave.counts.failed === 0);
}

/** Itself, the ended, the current and the waiting batches, a rest, the hosts. */
function wantedHeight({ current }: WaveProgress): number {
  return 5 + (current?.hosts.length ?? 0);
}

function foldWaves(
  before: readonly WaveProgress[],
  after: readonly WaveProgress[],
  height: number,
  frame: Frame,
): { before: Row[]; after: Row[] } {
  const afterHeight = Math.min(after.length, Math.max(1, height - Math.min(before.length, 1)));
  const beforeHeight = Math.min(before.length, Math.max(1, height - afterHeight));
  const beforeFolded = before.length - (before.length > beforeHeight ? beforeHeight - 1 : before.length);
  const afterShown = after.length > afterHeight ? afterHeight - 1 : after.length;
  const first = beforeFolded > 0 ? [foldedBefore(before.slice(0, beforeFolded), frame)] : [];
  const rest = after.slice(afterShown);
  return {
    before: [...first, ...before.slice(beforeFolded).map((wave) => endedWaveRow(wave, frame))],
    after: [
      ...after.slice(0, afterShown).map((wave) => waitingWaveRow(wave, frame)),
      ...(rest.length > 0 ? [foldedAfter(rest, frame)] : []),
    ],
  };
}

function foldedBefore(waves: readonly WaveProgress[], { paint, model }: Frame): Row {
  const healthy = waves.reduce((sum, { counts }) => sum + counts.healthy, 0);
  const failed = waves.reduce((sum, { counts }) => sum + counts.failed, 0);
  const text = `${counted(waves.length, "wave")}  ${healthy} ${doneWord(model.planned)}${failed > 0 ? `  ${paint.failed(`${failed} failed`)}` : ""}`;
  return { key: "waves before", state: failed > 0 ? "failed" : "done", text };
}

function foldedAfter(waves: readonly WaveProgress[], { paint, columns }: Frame): Row {
  const names = waves.slice(0, 10).map(({ group }) => printable(group));
  const text = cut(
    `${counted(waves.length, "more wave")}: ${names.join(", ")}${waves.length > 10 ? ", …" : ""}`,
    textWidth(columns, WAVE_DEPTH),
  );
  return { key: "waves after", state: "waiting", text: paint.faint(text) };
}

function endedWaveRow(wave: WaveProgress, frame: Frame): Row {
  const { counts, hostCount, group, number } = wave;
  const text = [
    frame.paint.strong(printable(group)),
    counted(hostCount, "host"),
    statusText(counts, frame),
    spanText(wave, frame),
  ].join("  ");
  return { key: `wave ${number}`, state: endedState(counts), text };
}

function waitingWaveRow({ number, group, hostCount, counts, batches }: WaveProgress, { paint }: Frame): Row {
  const inBatches = batches.length > 1 ? ` in ${counted(batches.length, "batch")}` : "";
  const text = `${printable(group)}  ${counted(hostCount, "host")}, ${counted(openOf(counts), "instance")}${inBatches}`;
  return { key: `wave ${number}`, state: "waiting", text: paint.faint(text) };
}

function currentWaveRow(wave: WaveProgress, height: number, frame: Frame): Row {
  const { number, group, batches, current, counts } = wave;
  const total = openOf(counts) + counts.healthy + counts.failed + counts.skipped;
  const only = batches.length === 1 ? current : undefined;
  const parts = [
    frame.paint.strong(printable(group)),
    ...(current && !only ? [`batch ${current.number} of ${batches.length}`] : []),
    ...(only ? [hostsEndedText(only, frame)] : []),
    statusText(counts, frame, `/${total}`),
    spanText(wave, frame),
  ];
  const children = only
    ? hostRows(only, height - 1, WAVE_DEPTH + 1, frame)
    : batchRows(wave, height - 1, WAVE_DEPTH + 1, frame);
  const state = frame.live ? "running" : endedState(counts);
  return { key: `wave ${number}`, state, text: parts.join("  "), children };
}
