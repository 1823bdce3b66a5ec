/** The details of an instance that an event changes, other than its status. */
import type { EventOf } from "../../domain/events.ts";
import type { InstanceProgress } from "./progress.ts";
import type { StatusEvent } from "./instances.ts";

export function observe(instance: InstanceProgress, { state, pid }: EventOf<"instance.observed">, nowMs: number): void {
  // Another process has taken its place: min_healthy_time counts from here on.
  const isReplaced = state === "RUNNING" && instance.proving && instance.process?.pid !== pid;
  if (instance.state !== state || isReplaced) instance.sinceMs = nowMs;
  // Its stop has ended: from here on healthy_deadline counts.
  const isStopping = state === "STOPPING" || (state === "RUNNING" && pid === instance.previousPid);
  if (!isStopping && !instance.stopEnded) {
    instance.stopEnded = true;
    instance.untilMs = nowMs + instance.work.timings.healthy_deadline_ms;
  }
  instance.state = state;
  instance.proving = state === "RUNNING" && pid !== instance.previousPid;
  if (instance.proving && pid !== undefined) runOn(instance, pid, nowMs);
}

export function wait(
  instance: InstanceProgress,
  { healthy, min_healthy, ms }: EventOf<"instance.waiting">,
  nowMs: number,
): void {
  if (!instance.waiting) instance.sinceMs = nowMs;
  instance.untilMs = nowMs + ms;
  instance.waiting = { healthy, minHealthy: min_healthy };
}

/** Call it after the status of the instance has changed. */
export function changeStatus(instance: InstanceProgress, event: StatusEvent, nowMs: number): void {
  instance.sinceMs = nowMs;
  instance.state = undefined;
  instance.waiting = undefined;
  if (event.type === "instance.healthy" && event.pid !== undefined) runOn(instance, event.pid, nowMs);
  if (event.type === "instance.failed") instance.failureCode = event.code;
  if (event.type === "instance.restarting") restart(instance, event, nowMs);
}

function restart(
  instance: InstanceProgress,
  { action, signal, previous_pid }: EventOf<"instance.restarting">,
  nowMs: number,
): void {
  const { at, work } = instance;
  const { stop_deadline_ms, healthy_deadline_ms } = work.timings;
  instance.previousPid = previous_pid;
  instance.action = action;
  instance.signal = signal;
  instance.proving = false;
  instance.process = undefined;
  instance.stopEnded = action === "start";
  instance.untilMs = nowMs + (action === "start" ? healthy_deadline_ms : stop_deadline_ms);
  at.restingUntilMs = undefined;
}

function runOn(instance: InstanceProgress, pid: number, nowMs: number): void {
  if (instance.process?.pid !== pid) instance.process = { pid, sinceMs: nowMs };
}
