import { doneWord } from "../words/done-word.ts";
import { formatElapsed } from "../../domain/duration.ts";
import { remaining, wholeSeconds } from "../words/counting.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import type { Frame } from "./frame.ts";
import { leastLeftMs } from "./least-left.ts";
import type { Palette } from "./palette.ts";
import { cut, heightOf, textWidth, widthOf, type Row, type RowState } from "./row.ts";
import type { RolloutModel } from "../model/rollout-model.ts";
import { troubleRows } from "./trouble-rows.ts";
import { waitOf } from "../words/waits.ts";
import { waveRows } from "./wave-rows.ts";

export interface ScreenSize {
  readonly rows: number;
  readonly columns: number;
}

/** More rows cannot be taken in at a glance, however high the terminal is. */
const MOST_ROWS = 40;

/** Fewer leave no room for a wave, a batch and a host. */
const FEWEST_ROWS = 8;

/** The tree at a moment: a header row with everything under it, in a row less than the screen has. */
export function treeFrame(
  model: RolloutModel,
  title: string,
  nowMs: number,
  { rows, columns }: ScreenSize,
  paint: Palette,
): Row {
  const frame: Frame = { model, nowMs, columns, paint, live: model.finished === undefined };
  const height = Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, rows - 1));
  const trouble = troubleRows(frame, Math.max(3, Math.floor(height / 3)));
  const programs = programsRow(frame);
  const wait = waitRows(frame);
  const waves = waveRows(frame, height - 1 - heightOf([...programs, ...trouble, ...wait]));
  const children = [...programs, ...waves, ...trouble, ...wait];
  return { key: "rollout", state: stateOf(model), text: header(frame, title), children };
}

function stateOf({ finished }: RolloutModel): RowState {
  if (!finished) return "running";
  if (finished.outcome === "interrupted") return "stopped";
  return finished.outcome === "succeeded" ? "done" : "failed";
}

function header(frame: Frame, title: string): string {
  const { model, nowMs, paint, columns } = frame;
  const { finished, planned, startedAtMs = nowMs } = model;
  // Other views say how long it took by the event as well.
  const elapsed = finished ? formatElapsed(finished.seconds * 1000) : wholeSeconds(nowMs - startedAtMs);
  const text = [
    paint.strong(printable(planned?.name ?? title)),
    finished
      ? paint[finished.outcome === "succeeded" ? "healthy" : "failed"](`${finished.outcome} after ${elapsed}`)
      : elapsed,
    ...(planned ? progress(frame) : preflight(frame)),
  ].join("  ");
  const room = textWidth(columns, 0) - widthOf(text) - 2;
  return planned?.reason === undefined || room < 4
    ? text
    : `${text}  ${paint.faint(cut(onOneLine(planned.reason), room))}`;
}

function progress({ model, nowMs, paint, live }: Frame): string[] {
  const { instances } = model;
  const leftMs = leastLeftMs(model, nowMs) ?? 0;
  const least = leftMs > 0 ? `, at least ${remaining(leftMs)}` : "";
  const { healthy, failed, skipped, indeterminate, under_restart, untouched } = instances.counts;
  const unseen = under_restart + indeterminate;
  const open = unseen + untouched;
  return [
    `${healthy}/${instances.planned} ${doneWord(model.planned)}`,
    ...(failed > 0 ? [paint.failed(`${failed} failed`)] : []),
    ...(!live && unseen > 0 ? [paint.failed(`${unseen} not seen`)] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(open > 0 ? [live ? `${open} to go${least}` : `${untouched} untouched`] : []),
  ];
}

/** Where there are several programs, the progress of each. */
function programsRow({ model: { instances }, columns, paint }: Frame): Row[] {
  if (instances.programs.size < 2) return [];
  const texts = [...instances.programs].map(
    ([name, { planned, healthy }]) => `${printable(name)} ${healthy}/${planned}`,
  );
  return [{ key: "programs", state: "note", text: paint.faint(cut(texts.join("  "), textWidth(columns, 1))) }];
}

/** What the rollout waits for, and until when; nothing where the header or the row of a pause says it. */
function waitRows({ model, nowMs, columns, paint }: Frame): Row[] {
  const isSaid = !model.planned || (model.asking ?? model.paused ?? model.restingUntilMs) !== undefined;
  const wait = isSaid ? undefined : waitOf(model, nowMs);
  if (!wait) return [];
  const until = wait.untilMs === undefined ? "" : `: ${wait.atMost ? "up to " : ""}${remaining(wait.untilMs - nowMs)}`;
  const width = textWidth(columns, 1);
  const text = `${cut(onOneLine(`waiting for ${wait.text}`), width - until.length)}${until}`;
  return [{ key: "wait", state: "note", text: paint.faint(text) }];
}

/** Before there is a plan to show: how many hosts have answered, and whose lock the rollout waits for. */
function preflight({ model: { hosts, finished, lock }, nowMs, paint }: Frame): string[] {
  if (lock && !finished)
    return [`waiting ${wholeSeconds(lock.untilMs - nowMs)} for a lock`, paint.notice(onOneLine(lock.reason))];
  return [
    ...(finished ? [] : ["querying the fleet"]),
    `${hosts.connected.size} connected`,
    ...(hosts.unreachable.size > 0 ? [paint.failed(`${hosts.unreachable.size} unreachable`)] : []),
  ];
}
