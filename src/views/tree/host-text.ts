import { doingText } from "../words/action-text.ts";
import { INSTANCE_FAILURES } from "../../domain/failures.ts";
import { processOf } from "../../domain/ids.ts";
import { remaining, wholeSeconds } from "../words/counting.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import type { Palette } from "./palette.ts";
import { cut, widthOf } from "./row.ts";
import type { RunningHook, HostProgress, InstanceProgress } from "../model/progress.ts";

/** What the text of a host depends on, other than the host. */
export interface HostTextFrame {
  readonly nowMs: number;
  readonly width: number;
  /** Of the host's name, so that what follows stands in a column. */
  readonly nameWidth: number;
  readonly paint: Palette;
  /** False once the rollout has ended: nothing is counted up or down. */
  readonly live: boolean;
  /** Why the host cannot be reached, if so. */
  readonly lost: string | undefined;
}

/** More instances than this are counted instead of drawn one by one. */
const LONGEST_STRIP = 24;

/** The room for ` running 10s/10s on 12345` instead of a mark, the widest text that comes and goes; without it a row would keep changing its form. */
const PASSING_WIDTH = 23;

/** The room for ` 1234567 59m59s` after each name: the pid of the new process, and its age. */
const PROCESS_WIDTH = 15;

/** A host and the state of each of its instances: by name if the width allows it, else as a strip of marks and the names that matter. */
export function hostText(host: HostProgress, frame: HostTextFrame): string {
  const { nameWidth, paint, width } = frame;
  const name = cut(printable(host.name), nameWidth).padEnd(nameWidth);
  if (frame.lost !== undefined) return `${name}  ${compact(host, frame)}  ${paint.failed(onOneLine(frame.lost))}`;
  const shortNameOf = shortNamesOf(host);
  const spelt = host.instances.reduce(
    (sum, instance) => sum + shortNameOf(instance).length + 4,
    nameWidth + PASSING_WIDTH,
  );
  const forms = [
    ...(spelt + host.instances.length * PROCESS_WIDTH <= width ? [spelledOut(host, frame, processText)] : []),
    ...(spelt <= width || host.instances.length === 1 ? [spelledOut(host, frame)] : []),
  ].map((form) => `${name}  ${form}`);
  return forms.find((form) => widthOf(form) <= width) ?? `${name}  ${compact(host, frame)}`;
}

function spelledOut(host: HostProgress, frame: HostTextFrame, behind: typeof processText = () => ""): string {
  const shortNames = shortNamesOf(host);
  const parts = host.instances.map(
    (instance) =>
      instanceText(instance, shortNames, frame) + (instance.status === "healthy" ? behind(instance, frame) : ""),
  );
  const next = host.instances.findIndex(({ status }) => status === "untouched");
  const rest = restText(host, frame);
  if (rest !== undefined) parts.splice(next === -1 ? parts.length : next, 0, rest);
  return parts.join("  ");
}

function compact(host: HostProgress, frame: HostTextFrame): string {
  const shortNames = shortNamesOf(host);
  const { counts, instances } = host;
  const marks =
    instances.length <= LONGEST_STRIP
      ? instances.map((instance) => markOf(instance, frame.paint)).join("")
      : `${frame.paint.healthy(`${counts.healthy} ✓`)}  ${frame.paint.faint(`${counts.untouched} ·`)}`;
  const telling = instances.filter(isTelling);
  const parts = [marks, ...telling.map((instance) => instanceText(instance, shortNames, frame)), restText(host, frame)];
  return parts.filter((part) => part !== undefined).join("  ");
}

function isTelling({ status, waiting, hook }: InstanceProgress): boolean {
  return (
    hook !== undefined ||
    status === "under_restart" ||
    status === "failed" ||
    status === "indeterminate" ||
    waiting !== undefined
  );
}

/** Process names, unless two programs of the host have the same ones. */
function shortNamesOf({ instances }: HostProgress): (instance: InstanceProgress) => string {
  const ambiguous = new Set(instances.map(({ name }) => processOf(name))).size < instances.length;
  return ({ name }) => printable(ambiguous ? name : processOf(name));
}

function instanceText(
  instance: InstanceProgress,
  shortNameOf: (instance: InstanceProgress) => string,
  frame: HostTextFrame,
): string {
  const { paint, live, nowMs } = frame;
  const name = shortNameOf(instance);
  const mark = markOf(instance, paint);
  if (instance.hook && live) return paint.notice(`${name} ${hookText(instance.hook, nowMs)}`);
  const elapsed = live ? ` ${wholeSeconds(nowMs - instance.sinceMs)}` : "";
  switch (instance.status) {
    case "untouched":
      return instance.waiting && live
        ? paint.notice(`${name} waiting${elapsed} (${floorText(instance.waiting)})`)
        : `${paint.faint(name)} ${mark}`;
    case "under_restart":
      return paint.underWay(`${name} ${wordOf(instance)}${elapsed}${gateOf(instance, frame)}${onPid(instance)}`);
    case "indeterminate":
      return `${paint.notice(name)} ${mark} ${paint.notice(`not seen${elapsed}`)}`;
    case "failed":
      return `${paint.failed(name)} ${mark} ${paint.failed(shortCode(instance.failureCode))}`;
    case "healthy":
    case "skipped":
      return `${name} ${mark}`;
  }
}

function wordOf({ state, action, signal }: InstanceProgress): string {
  return state?.toLowerCase() ?? doingText(action, signal);
}

function onPid({ proving, process }: InstanceProgress): string {
  return proving && process ? ` on ${process.pid}` : "";
}

/** ` 4711 12s`: the process that has taken the old one's place, and its age. */
function processText({ process, hook }: InstanceProgress, { live, nowMs, paint }: HostTextFrame): string {
  if (!process || hook) return "";
  return paint.faint(` ${process.pid}${live ? ` ${wholeSeconds(nowMs - process.sinceMs)}` : ""}`);
}

function floorText({ healthy, minHealthy }: NonNullable<InstanceProgress["waiting"]>): string {
  return `${healthy} healthy, floor ${minHealthy}`;
}

/** How long it still has to stay RUNNING: `running 2s` of 5 s is `running 2s/5s`. */
function gateOf({ proving, sinceMs, work }: InstanceProgress, { live, nowMs }: HostTextFrame): string {
  const { min_healthy_time_ms } = work.timings;
  return live && proving && nowMs - sinceMs < min_healthy_time_ms ? `/${wholeSeconds(min_healthy_time_ms)}` : "";
}

function shortCode(code: string | undefined): string {
  return code !== undefined && code in INSTANCE_FAILURES ? code.replaceAll("_", " ") : "failed";
}

function markOf({ status }: InstanceProgress, paint: Palette): string {
  switch (status) {
    case "untouched":
      return paint.faint("·");
    case "under_restart":
      return paint.underWay("▸");
    case "indeterminate":
      return paint.notice("?");
    case "healthy":
      return paint.healthy("✓");
    case "failed":
      return paint.failed("✗");
    case "skipped":
      return paint.faint("–");
  }
}

function hookText({ name, sinceMs }: RunningHook, nowMs: number): string {
  return `${name} ${wholeSeconds(nowMs - sinceMs)}`;
}

/** The hook or the rest of the host itself, between its instances. */
function restText({ restingUntilMs, hook }: HostProgress, { live, nowMs, paint }: HostTextFrame): string | undefined {
  if (hook && live) return paint.notice(hookText(hook, nowMs));
  // Once the rest is over, the host waits for something else: an answer, or the floor.
  if (restingUntilMs === undefined || restingUntilMs <= nowMs || !live) return undefined;
  return paint.faint(`next instance in ${remaining(restingUntilMs - nowMs)}`);
}
