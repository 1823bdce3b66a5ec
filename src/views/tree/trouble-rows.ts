import type { EventOf } from "../../domain/events.ts";
import { counted } from "../../domain/counted.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import { failingText } from "../words/check-text.ts";
import { driftText } from "../words/drift-text.ts";
import { failureMeaning } from "../words/failure-text.ts";
import { leftoversTitle, processText } from "../words/leftovers-text.ts";
import { logsOf } from "../words/logs.ts";
import { questionText } from "../words/question-text.ts";
import { subjectOf } from "../words/subject.ts";
import type { Frame } from "./frame.ts";
import { brokenLines, cut, textWidth, type Row } from "./row.ts";

type Failure = EventOf<"instance.failed">;

/**
 * Failures and how the rollout reacts to them, in at most `height` rows at the bottom of the tree.
 * The first failure is the likeliest cause of the others, so it is the last to lose its details.
 */
export function troubleRows(frame: Frame, height: number): Row[] {
  const notices = noticeRows(frame);
  const room = Math.max(1, height - notices.length);
  const { incidents, hosts } = frame.model;
  const count =
    incidents.failures.size +
    incidents.failedHooks.size +
    hosts.unreachable.size +
    (frame.live ? incidents.failingChecks.size : 0);
  const rows: Row[] = [];
  let shown = 0;
  for (const [first, ...details] of troubles(frame)) {
    const noteRows = shown + 1 < count ? 1 : 0;
    const left = room - rows.length - noteRows;
    if (left < 1) break;
    rows.push(first, ...details.slice(0, left - 1));
    shown++;
  }
  const note: Row[] =
    shown < count
      ? [{ key: "more trouble", state: "note", text: frame.paint.failed(`… and ${count - shown} more in trouble`) }]
      : [];
  return [...rows, ...note, ...notices];
}

function* troubles(frame: Frame): Generator<[Row, ...Row[]]> {
  for (const event of frame.model.incidents.failures) yield failureRows(event, frame);
  for (const event of frame.model.incidents.failedHooks.values()) yield [hookRow(event, frame)];
  for (const [host, reason] of frame.model.hosts.unreachable) yield [unreachableRow(host, reason, frame)];
  if (!frame.live) return;
  for (const failing of frame.model.incidents.failingChecks.values()) {
    const last = [...failing.values()].at(-1);
    if (last) yield failingCheckRows(last, failing.size - 1, frame);
  }
}

/** Why it fails first, then the whole check: it can be pasted. */
function failingCheckRows(event: EventOf<"check.failing">, others: number, { columns, paint }: Frame): [Row, ...Row[]] {
  const { host, instance, check } = event;
  const width = textWidth(columns, 1);
  const key = `failing check ${host} ${instance}`;
  const also = others > 0 ? `; ${counted(others, "more check")} ${others === 1 ? "fails" : "fail"}` : "";
  const [first, ...more] = brokenLines(onOneLine(`${host} ${instance}: ${failingText(event)}${also}`), width);
  const rows = [...more, ...brokenLines(onOneLine(check), width - 4).map((line) => `    ${line}`)];
  return [
    { key, state: "note", text: paint.notice(first ?? "") },
    ...rows.map((text, index): Row => ({ key: `${key} ${index}`, state: "note", text })),
  ];
}

/** The details are not subtasks: listr2 leaves out those of a failed task that it has not shown before. */
function failureRows(failure: Failure, { columns, paint }: Frame): [Row, ...Row[]] {
  const { host, instance, code, reason } = failure;
  const width = textWidth(columns, 1);
  const [log] = logsOf(failure);
  const lastLine = log?.title === undefined ? undefined : log.lines.at(-1);
  const details = [
    ...brokenLines(onOneLine(reason), width - 4),
    ...(lastLine === undefined ? [] : [cut(`| ${lastLine}`, width - 4)]),
  ];
  const key = `failure ${host} ${instance}`;
  const title = `${printable(`${host} ${instance}`)} ${printable(code.replaceAll("_", " "))}: ${failureMeaning(code)}`;
  return [
    { key, state: "failed", text: paint.failed(cut(title, width)) },
    ...details.map((text, index): Row => ({ key: `${key} ${index}`, state: "note", text: `    ${text}` })),
  ];
}

function hookRow(event: EventOf<"hook.finished">, { columns, paint }: Frame): Row {
  const text = hookFailedText(event);
  return {
    key: `hook ${event.hook} ${subjectOf(event)}`,
    state: "failed",
    text: paint.failed(cut(text, textWidth(columns, 1))),
  };
}

function unreachableRow(host: string, reason: string, { columns, paint }: Frame): Row {
  const text = cut(`${printable(host)} ${onOneLine(reason)}`, textWidth(columns, 1));
  return { key: `unreachable ${host}`, state: "failed", text: paint.failed(text) };
}

/** How the rollout reacts to trouble, and warnings before it. */
function noticeRows(frame: Frame): Row[] {
  const { model, live, paint, columns } = frame;
  const width = textWidth(columns, 1);
  const texts = [
    haltReason(frame),
    ...(live
      ? [
          ...questionOf(frame, width),
          stoppingText(frame),
          warnedHookOf(frame, width),
          leftoversOf(frame, width),
          driftOf(frame, width),
          warningText(frame, width),
        ]
      : []),
  ];
  return texts
    .filter((text) => text !== undefined)
    .map((text) => ({
      key: `notice ${text}`,
      state: "note",
      text: (model.halted ? paint.failed : paint.notice)(cut(text, width)),
    }));
}

/** Why the rollout halts, unless the first failure says it. */
function haltReason({ model: { halted, incidents } }: Frame): string | undefined {
  const { value: first } = incidents.failures.values().next();
  if (!halted || (first && halted.reason === `${first.host} ${first.instance}: ${first.reason}`)) return undefined;
  return `halted because ${onOneLine(halted.reason)}`;
}

/** Nothing new starts before the answer, so the question names its subject even where the failure itself has no room. */
function questionOf({ model: { asking } }: Frame, width: number): string[] {
  if (!asking) return [];
  const about = `${printable(subjectOf(asking))}?`;
  const keys = questionText(asking.answers);
  const line = `${about}  ${keys}`;
  // The keys must be readable in any case.
  return line.length <= width ? [line] : [about, keys];
}

function stoppingText({ model: { halted, interrupted, instances } }: Frame): string | undefined {
  const open = instances.counts.under_restart + instances.counts.indeterminate;
  const waits = open > 0 ? `; waiting for ${open} in progress` : "";
  if (halted) return `halting: no new restarts${waits}`;
  return interrupted && `${interrupted.signal}: no new restarts${waits}; press again to quit`;
}

function leftoversOf({ model: { incidents } }: Frame, width: number): string | undefined {
  const { lastLeftovers: last, leftovers } = incidents;
  if (!last) return undefined;
  const processes = last.processes.map(processText).join(", ");
  return withMore(`${last.host} ${last.instance}: ${leftoversTitle(last)}: ${processes}`, leftovers.size - 1, width);
}

function warnedHookOf({ model: { incidents } }: Frame, width: number): string | undefined {
  const last = [...incidents.warnedHooks.values()].at(-1);
  return last && withMore(`warning: ${hookFailedText(last)}`, incidents.warnedHooks.size - 1, width);
}

function hookFailedText(event: EventOf<"hook.finished">): string {
  return onOneLine(`${subjectOf(event)} hook ${event.hook} failed: ${event.reason ?? ""}`.trimStart());
}

function driftOf({ model: { incidents } }: Frame, width: number): string | undefined {
  const { lastDrift: last, drifts } = incidents;
  return last && withMore(`${last.host} ${last.instance}: ${driftText(last)}`, drifts.size - 1, width);
}

function warningText({ model: { planned, instances } }: Frame, width: number): string | undefined {
  const [warning, ...more] = planned?.warnings ?? [];
  if (!warning || instances.counts.healthy > 0) return undefined;
  const about = subjectOf(warning);
  return withMore(`warning: ${about === "" ? "" : `${about}: `}${warning.message}`, more.length, width);
}

/** That there is more of the kind is said even where the text itself has to be cut. */
function withMore(text: string, count: number, width: number): string {
  const more = count > 0 ? ` (and ${count} more)` : "";
  return `${cut(onOneLine(text), width - more.length)}${more}`;
}
