import { doneWord } from "../words/done-word.ts";
import { counted } from "../../domain/counted.ts";
import { folded } from "../../domain/folding.ts";
import { remaining, wholeSeconds } from "../words/counting.ts";
import { printable } from "../../domain/printable.ts";
import type { Frame } from "./frame.ts";
import { hostRows } from "./host-rows.ts";
import { PAUSE_CHOICES } from "../words/question-text.ts";
import { cut, textWidth, type Row, type RowState } from "./row.ts";
import type { BatchProgress, WaveProgress, Span } from "../model/progress.ts";
import { openOf, type StatusCounts } from "../model/status.ts";

/** Names of more hosts than this are not worth folding for a line that cannot hold them. */
const MOST_NAMED_HOSTS = 50;

/** The batches of the wave that has its turn: the ended ones in a line, the current one with its hosts, the rest in a line. */
export function batchRows(wave: WaveProgress, height: number, depth: number, frame: Frame): Row[] {
  const { batches, current } = wave;
  if (!current) return [];
  const endedCount = isFolded(current, frame) ? current.number : current.number - 1;
  const ended = endedCount > 0 ? [endedBatchesRow(wave, endedCount, frame)] : [];
  const waiting = current.number < batches.length ? [waitingBatchesRow(wave, current, frame)] : [];
  const resting = restRow(frame);
  const room = height - ended.length - resting.length - waiting.length - 1;
  const now = endedCount < current.number ? [currentBatchRow(current, Math.max(1, room), depth, frame)] : [];
  return [...ended, ...now, ...resting, ...waiting];
}

/** The pause after a wave, or the countdown to the next batch, if there is one. */
export function restRow({ model: { restingUntilMs, paused }, nowMs, columns, paint }: Frame): Row[] {
  if (paused) {
    const { group, untilMs } = paused;
    const end = untilMs === undefined ? `: continue?  ${PAUSE_CHOICES}` : ` for ${remaining(untilMs - nowMs)}`;
    const text = `${cut(`paused after ${printable(group)}`, textWidth(columns, 1) - end.length)}${end}`;
    return [{ key: "pause", state: "note", text: paint.notice(text) }];
  }
  if (restingUntilMs === undefined) return [];
  return [{ key: "rest", state: "note", text: `next batch in ${remaining(restingUntilMs - nowMs)}` }];
}

/** How many hosts of a batch have ended; for a single host its own row says it. */
export function hostsEndedText({ hosts, waiting, active }: BatchProgress, { model }: Frame): string {
  // Once the rollout is stopping, hosts end with untouched instances: they are not done.
  const word = model.halted || model.interrupted ? "ended" : "done";
  return hosts.length === 1
    ? "1 host"
    : `${hosts.length - waiting.size - active.size} of ${hosts.length} hosts ${word}`;
}

/** `8 healthy, 1 failed`: the decided ones; with a total, `8/12 healthy, 1 failed`. */
export function statusText(
  { healthy, failed, skipped, indeterminate }: StatusCounts,
  { paint, model }: Frame,
  ofTotal = "",
): string {
  return [
    `${healthy}${ofTotal} ${doneWord(model.planned)}`,
    ...(failed > 0 ? [paint.failed(`${failed} failed`)] : []),
    ...(indeterminate > 0 ? [paint.notice(`${indeterminate} not seen`)] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(", ");
}

/** How long something has had its turn. */
export function spanText({ startedAtMs = 0, endedAtMs }: Span, { model, nowMs, paint }: Frame): string {
  return paint.faint(wholeSeconds((endedAtMs ?? model.endedAtMs ?? nowMs) - startedAtMs));
}

/** The mark of a wave or batch that will not change. */
export function endedState(counts: StatusCounts): RowState {
  if (counts.failed + counts.indeterminate + counts.under_restart > 0) return "failed";
  return openOf(counts) > 0 ? "stopped" : "done";
}

/** An ended batch keeps its hosts only in the last frame of a rollout that did not finish its work. */
function isFolded(batch: BatchProgress, { live }: Frame): boolean {
  return batch.endedAtMs !== undefined && (live || openOf(batch.counts) + batch.counts.failed === 0);
}

function currentBatchRow(batch: BatchProgress, height: number, depth: number, frame: Frame): Row {
  const text = [`batch ${batch.number}`, hostsEndedText(batch, frame), spanText(batch, frame)].join("  ");
  return {
    key: `batch ${batch.number}`,
    state: frame.live ? "running" : endedState(batch.counts),
    text,
    children: hostRows(batch, height, depth + 1, frame),
  };
}

function endedBatchesRow({ batches, counts, current }: WaveProgress, count: number, frame: Frame): Row {
  const last = batches[count - 1];
  const open = current && current.number > count ? current.counts : undefined;
  // Batches that have not started count nothing here, so the wave without the open batch is the ended ones.
  const ended = {
    ...counts,
    healthy: counts.healthy - (open?.healthy ?? 0),
    failed: counts.failed - (open?.failed ?? 0),
    skipped: counts.skipped - (open?.skipped ?? 0),
    indeterminate: 0,
  };
  const hosts = counted((last?.hostsBefore ?? 0) + (last?.hosts.length ?? 0), "host");
  const parts =
    count === 1 && last
      ? ["batch 1", namesOf(last), statusText(ended, frame), spanText(last, frame)]
      : [`batches 1-${count}`, hosts, statusText(ended, frame)];
  return { key: "batches before", state: ended.failed > 0 ? "failed" : "done", text: parts.join("  ") };
}

function waitingBatchesRow(
  { batches, hostCount }: WaveProgress,
  { number, hostsBefore, hosts }: BatchProgress,
  { paint, live }: Frame,
): Row {
  const next = batches[number];
  const more = batches.length - number;
  const which =
    more === 1 && next
      ? `batch ${next.number}  ${namesOf(next)}`
      : `${counted(more, "more batch")}  ${counted(hostCount - hostsBefore - hosts.length, "host")}`;
  return { key: "batches after", state: "waiting", text: paint.faint(`${which}${live ? "" : "  untouched"}`) };
}

function namesOf({ hosts }: BatchProgress): string {
  if (hosts.length > MOST_NAMED_HOSTS) return counted(hosts.length, "host");
  return cut(folded(hosts.map(({ name }) => name)), 40);
}
