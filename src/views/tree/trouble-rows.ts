import type { RolloutEvent } from "../../domain/events.ts";
import { meaningOf } from "../failure-text.ts";
import { onOneLine, printable, printableLines } from "../printable.ts";
import type { Frame } from "./frame.ts";
import { cut, textWidth, type Row } from "./row.ts";

type Failure = Extract<RolloutEvent, { type: "instance.failed" }>;

/**
 * What went wrong and what the rollout does about it, in at most `height` rows: it stands at the bottom, where one looks.
 * The first failure is the likeliest cause of the others, so it is the last to lose its details.
 */
export function troubleRows(frame: Frame, height: number): Row[] {
  const notices = noticeRows(frame);
  const room = Math.max(1, height - notices.length);
  const { failures, unreachable } = frame.model;
  const count = failures.size + unreachable.size;
  const rows: Row[] = [];
  let shown = 0;
  for (const [first, ...details] of troubles(frame)) {
    const noteRows = shown + 1 < count ? 1 : 0;
    const left = room - rows.length - noteRows;
    if (left < 1) break;
    rows.push(first, ...details.slice(0, left - 1));
    shown++;
  }
  const note: Row[] = shown < count ? [{ key: "more trouble", state: "note", text: frame.paint.failed(`… and ${count - shown} more in trouble`) }] : [];
  return [...rows, ...note, ...notices];
}

function* troubles(frame: Frame): Generator<[Row, ...Row[]]> {
  for (const event of frame.model.failures.values()) yield failureRows(event, frame);
  for (const [host, reason] of frame.model.unreachable) yield [unreachableRow(host, reason, frame)];
}

/** The details are no subtasks: listr2 leaves out those of a failed task that it has not shown before. */
function failureRows({ host, instance, code, reason, log_tail }: Failure, { columns, paint }: Frame): [Row, ...Row[]] {
  const width = textWidth(columns, 1);
  const lastLine = printableLines(log_tail).at(-1);
  const details = [onOneLine(reason), ...(lastLine === undefined ? [] : [`| ${lastLine}`])];
  const key = `failure ${host} ${instance}`;
  const title = `${printable(`${host} ${instance}`)} ${code.replaceAll("_", " ")}: ${meaningOf(code)}`;
  return [
    { key, state: "failed", text: paint.failed(cut(title, width)) },
    ...details.map((text, index): Row => ({ key: `${key} ${index}`, state: "note", text: cut(`    ${text}`, width) })),
  ];
}

function unreachableRow(host: string, reason: string, { columns, paint }: Frame): Row {
  const text = cut(`${printable(host)} ${onOneLine(reason)}`, textWidth(columns, 1));
  return { key: `unreachable ${host}`, state: "failed", text: paint.failed(text) };
}

function noticeRows({ model, live, paint, columns }: Frame): Row[] {
  const { halted, interrupted, planned, ledger, failures } = model;
  const width = textWidth(columns, 1);
  const open = ledger.counts.under_restart + ledger.counts.indeterminate;
  const ending = open > 0 ? `, ${open} under restart ${open === 1 ? "is" : "are"} waited for` : "";
  const rows: Row[] = [];
  const saidAbove = [...failures.values()].slice(0, 1).some(({ host, instance, reason }) => halted?.reason === `${host} ${instance}: ${reason}`);
  if (halted && !saidAbove) rows.push({ key: "halt reason", state: "note", text: paint.failed(cut(`halted because ${onOneLine(halted.reason)}`, width)) });
  if (halted && live) rows.push({ key: "halting", state: "note", text: paint.failed(`halting: nothing further begins${ending}`) });
  else if (interrupted && live)
    rows.push({ key: "interrupted", state: "note", text: paint.notice(`interrupted (${interrupted.signal}): nothing further begins${ending}; again: leave now`) });
  const [warning] = planned?.warnings ?? [];
  if (warning && live && ledger.counts.healthy === 0) {
    const about = [warning.host, warning.instance].filter((part) => part !== undefined).join(" ");
    const more = (planned?.warnings.length ?? 1) - 1;
    const text = `warning: ${about === "" ? "" : `${about}: `}${warning.message}${more > 0 ? ` (and ${more} more)` : ""}`;
    rows.push({ key: "warning", state: "note", text: paint.notice(cut(onOneLine(text), width)) });
  }
  return rows;
}
