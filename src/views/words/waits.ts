import { doingText } from "./action-text.ts";
import { counted } from "../../domain/counted.ts";
import type { EventOf } from "../../domain/events.ts";
import { failingText } from "./check-text.ts";
import { wholeSeconds } from "./counting.ts";
import { subjectOf } from "./subject.ts";
import type { RunningHook, HostProgress, InstanceProgress } from "../model/progress.ts";
import { isDone } from "../model/progress.ts";
import type { RolloutModel } from "../model/rollout-model.ts";

/** What the rollout waits for. */
export interface Wait {
  /** `web-02 web:web_01 (+3) STOPPING 12s`. Not sanitised: it contains text of hosts. */
  readonly text: string;
  /** The end of the wait, or its deadline. */
  readonly untilMs?: number;
  readonly atMost: boolean;
}

/** The reason that the rollout waits now: one of the whole rollout first, then the instance that is longest in its state. */
export function waitOf(model: RolloutModel, nowMs: number): Wait | undefined {
  if (model.finished) return undefined;
  if (model.lock) return { text: `a lock: ${model.lock.reason}`, untilMs: model.lock.untilMs, atMost: true };
  if (!model.planned)
    return { text: `the fleet to answer, ${counted(model.hosts.connected.size, "host")} connected`, atMost: false };
  const overall = overallWait(model, nowMs);
  if (overall) return overall;
  const hosts = activeHosts(model);
  return instanceWait(hosts, model, nowMs) ?? hostWait(hosts, model, nowMs) ?? lastWait(model, nowMs);
}

/** Waits that only the operator or time can end. */
function overallWait({ asking, paused, restingUntilMs }: RolloutModel, nowMs: number): Wait | undefined {
  if (asking) return { text: `the operator's answer about ${subjectOf(asking)}`, atMost: false };
  if (paused && paused.untilMs === undefined)
    return { text: `the operator's answer after ${paused.group}`, atMost: false };
  if (paused?.untilMs !== undefined && paused.untilMs > nowMs)
    return { text: `the end of the pause after ${paused.group}`, untilMs: paused.untilMs, atMost: false };
  if (restingUntilMs !== undefined && restingUntilMs > nowMs)
    return { text: "the next batch", untilMs: restingUntilMs, atMost: false };
  return undefined;
}

function activeHosts({ waves }: RolloutModel): readonly HostProgress[] {
  const current = waves.findLast(({ startedAtMs }) => startedAtMs !== undefined)?.current;
  return current && current.endedAtMs === undefined ? [...current.active] : [];
}

function instanceWait(hosts: readonly HostProgress[], model: RolloutModel, nowMs: number): Wait | undefined {
  const busy: InstanceProgress[] = [];
  const short: InstanceProgress[] = [];
  for (const { instances } of hosts)
    for (const instance of instances) {
      if (isBusy(instance)) busy.push(instance);
      else if (instance.waiting) short.push(instance);
    }
  const [first, ...more] = busy.sort((a, b) => sinceOf(a) - sinceOf(b));
  if (first) {
    const failing = model.incidents.failingCheckOf({ host: first.at.name, instance: first.name });
    const text = `${nameOf(first)}${othersText(more.length)} ${busyText(first, failing, nowMs)}`;
    return { ...busyWait(first, failing !== undefined, nowMs), text };
  }
  const [waiting, ...others] = short;
  if (!waiting?.waiting) return undefined;
  const { healthy, minHealthy } = waiting.waiting;
  const text = `${nameOf(waiting)}${othersText(others.length)} (${healthy} healthy, floor ${minHealthy})`;
  return { text, atMost: true, ...(waiting.untilMs !== undefined && { untilMs: waiting.untilMs }) };
}

function isBusy({ status, hook }: InstanceProgress): boolean {
  return hook !== undefined || status === "under_restart" || status === "indeterminate";
}

function sinceOf({ hook, sinceMs }: InstanceProgress): number {
  return hook?.sinceMs ?? sinceMs;
}

function busyWait(
  { hook, proving, sinceMs, untilMs, work }: InstanceProgress,
  hasFailingCheck: boolean,
  nowMs: number,
): Pick<Wait, "untilMs" | "atMost"> {
  if (hook) return { untilMs: hook.untilMs, atMost: true };
  const provenAtMs = sinceMs + work.timings.min_healthy_time_ms;
  if (proving && nowMs < provenAtMs && !hasFailingCheck) return { untilMs: provenAtMs, atMost: false };
  return untilMs === undefined ? { atMost: true } : { untilMs, atMost: true };
}

function busyText(
  { hook, status, state, proving, action, signal, sinceMs, work }: InstanceProgress,
  failing: EventOf<"check.failing"> | undefined,
  nowMs: number,
): string {
  if (hook) return hookText(hook, nowMs);
  const { timings, checks } = work;
  const elapsed = wholeSeconds(nowMs - sinceMs);
  if (status === "indeterminate") return `not seen for ${elapsed}`;
  if (proving && failing) return `RUNNING ${elapsed}, ${failingText(failing)}`;
  if (proving && nowMs < sinceMs + timings.min_healthy_time_ms)
    return `RUNNING ${elapsed} of ${wholeSeconds(timings.min_healthy_time_ms)}`;
  if (proving) return `RUNNING ${elapsed}, ${checks.length > 0 ? "its checks" : "a final check"}`;
  return `${state ?? doingText(action, signal)} ${elapsed}`;
}

function hostWait(hosts: readonly HostProgress[], model: RolloutModel, nowMs: number): Wait | undefined {
  const open = hosts.filter((host) => !isDone(host) || host.hook);
  const [hooked] = open.filter(({ hook }) => hook);
  if (hooked?.hook)
    return { text: `${hooked.name} ${hookText(hooked.hook, nowMs)}`, untilMs: hooked.hook.untilMs, atMost: true };
  const [lost] = open.filter(({ name }) => model.hosts.unreachable.has(name));
  if (lost) return { text: `${lost.name} to answer again`, atMost: true };
  const resting = open.filter(({ restingUntilMs }) => restingUntilMs !== undefined && restingUntilMs > nowMs);
  const [first, ...more] = resting.sort((a, b) => (a.restingUntilMs ?? 0) - (b.restingUntilMs ?? 0));
  if (first?.restingUntilMs === undefined) return undefined;
  return {
    text: `the next instance of ${first.name}${othersText(more.length)}`,
    untilMs: first.restingUntilMs,
    atMost: false,
  };
}

/** Without another reason: a hook of a wave or of the rollout, or the next status check. */
function lastWait({ stepHook, hook: ofRollout }: RolloutModel, nowMs: number): Wait {
  const hook = stepHook ?? ofRollout;
  return hook
    ? { text: hookText(hook, nowMs), untilMs: hook.untilMs, atMost: true }
    : { text: "the next status check", atMost: false };
}

function hookText({ name, sinceMs }: RunningHook, nowMs: number): string {
  return `${name} hook ${wholeSeconds(nowMs - sinceMs)}`;
}

function nameOf({ at, name }: InstanceProgress): string {
  return `${at.name} ${name}`;
}

function othersText(count: number): string {
  return count === 0 ? "" : ` (+${count})`;
}
