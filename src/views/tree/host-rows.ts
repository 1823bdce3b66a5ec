import { counted } from "../../domain/counted.ts";
import type { Frame } from "./frame.ts";
import { hostText } from "./host-text.ts";
import { textWidth, type Row, type RowState } from "./row.ts";
import { isDone, type BatchProgress, type HostProgress } from "../model/progress.ts";
import { openOf } from "../model/status.ts";

/** Long names leave at least half of the line to the instances. */
const LARGEST_NAME_SHARE = 0.5;

/**
 * The hosts of a batch in at most `height` rows, in the order of the plan. Where they are too many, those in trouble
 * come before those in progress, these before the waiting ones, and a note counts the rest.
 */
export function hostRows(batch: BatchProgress, height: number, depth: number, frame: Frame): Row[] {
  const fits = batch.hosts.length <= height;
  const shown = fits ? batch.hosts : mostTelling(batch, height - 1);
  const width = textWidth(frame.columns, depth);
  const nameWidth = Math.min(
    Math.floor(width * LARGEST_NAME_SHARE),
    shown.reduce((longest, { name }) => Math.max(longest, name.length), 0),
  );
  const rows = shown.map((host) => ({
    key: `host ${host.name}`,
    state: stateOf(host, frame),
    text: hostText(host, { ...frame, width, nameWidth, lost: lostReason(host, frame) }),
  }));
  return fits ? rows : [...rows, restNote(batch, shown, frame)];
}

/** Why a host cannot be reached; once it is done, that no longer matters. */
function lostReason(host: HostProgress, { model }: Frame): string | undefined {
  return isDone(host) ? undefined : model.hosts.unreachable.get(host.name);
}

function stateOf(host: HostProgress, { live }: Frame): RowState {
  const { counts } = host;
  if (live && !isDone(host)) return host.batch.active.has(host) ? "running" : "waiting";
  if (counts.failed + counts.indeterminate + counts.under_restart > 0) return "failed";
  return openOf(counts) > 0 ? "stopped" : "done";
}

function mostTelling({ trouble, active, waiting }: BatchProgress, count: number): HostProgress[] {
  const chosen = new Set<HostProgress>();
  for (const group of [trouble, active, waiting])
    for (const host of group) {
      if (chosen.size >= count) break;
      chosen.add(host);
    }
  return [...chosen].sort((a, b) => a.order - b.order);
}

function restNote(
  { hosts, trouble: troubled, active, waiting }: BatchProgress,
  shown: readonly HostProgress[],
  { model, paint }: Frame,
): Row {
  const waitingMore = waiting.size - shown.filter((host) => waiting.has(host)).length;
  const busyMore = active.size - shown.filter((host) => active.has(host)).length;
  const troubleMore = troubled.size - shown.filter((host) => troubled.has(host)).length;
  const doneMore = hosts.length - shown.length - waitingMore - busyMore;
  const parts = [
    ...(busyMore > 0 ? [`${counted(busyMore, "more host")} in progress`] : []),
    ...(doneMore > 0 ? [`${counted(doneMore, "host")} ${model.halted || model.interrupted ? "ended" : "done"}`] : []),
    ...(waitingMore > 0 ? [`${counted(waitingMore, "more host")} waiting`] : []),
  ];
  const trouble = troubleMore > 0 ? paint.failed(` (${troubleMore} of them in trouble)`) : "";
  return { key: "rest", state: "note", text: `${paint.faint(`… and ${parts.join(", ")}`)}${trouble}` };
}
