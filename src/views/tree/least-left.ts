import { inSlots, leastGateMs, leastHostMs, leastMs, type StartSeconds } from "../../domain/least-duration.ts";
import type { HostWork } from "../../domain/rollout.ts";
import { isDone, type BatchProgress, type HostProgress, type InstanceProgress } from "../model/progress.ts";
import type { RolloutModel } from "../model/rollout-model.ts";

/** The least time that the plan's own timings still take; undefined where nothing more starts. */
export function leastLeftMs(model: RolloutModel, nowMs: number): number | undefined {
  const { waves, planned, halted, interrupted, finished, restingUntilMs, paused } = model;
  if (!planned || halted || interrupted || finished) return undefined;
  const index = waves.findLastIndex(({ startedAtMs }) => startedAtMs !== undefined);
  const wave = waves[index];
  if (!wave) return leastMs(planned);
  const { startsecs = {} } = planned;
  const later = waves.slice(index + 1).map(({ work }) => work);
  const rest = { ...wave.work, batches: wave.work.batches.slice(wave.current?.number ?? 0) };
  const open = wave.current && wave.current.endedAtMs === undefined ? wave.current : undefined;
  // The finished part of this wave takes no more time, but the rests and pauses after it do.
  const followed = rest.batches.length > 0 ? [rest, ...later] : later;
  const resting = Math.max(0, (restingUntilMs ?? paused?.untilMs ?? nowMs) - nowMs);
  return (
    resting +
    (open ? batchLeftMs(open, startsecs, nowMs) + restAfter(open, followed.length > 0) : 0) +
    leastMs({ waves: followed, startsecs })
  );
}

function restAfter({ number, wave }: BatchProgress, somethingFollows: boolean): number {
  const { between_batches_ms, pause } = wave.work;
  if (!somethingFollows) return 0;
  if (number < wave.batches.length || pause === undefined) return between_batches_ms;
  return pause === "ask" ? 0 : pause.ms;
}

function batchLeftMs({ hosts, active, work }: BatchProgress, startsecs: StartSeconds, nowMs: number): number {
  // Those that have started hold their slots; the others take what gets free, in their order.
  const open = [...active, ...hosts.filter((host) => !active.has(host))].filter((host) => !isDone(host));
  return inSlots(
    open.map((host) => hostLeftMs(host, startsecs, nowMs)),
    work.at_once,
  );
}

function hostLeftMs(host: HostProgress, startsecs: StartSeconds, nowMs: number): number {
  const { work, instances, restingUntilMs = nowMs } = host;
  const open = new Set(instances.filter(({ status }) => status === "untouched").map(({ name }) => name));
  const batches: HostWork["batches"] = work.batches
    .map((batch) => ({ ...batch, instances: batch.instances.filter(({ instance }) => open.has(instance)) }))
    .filter((batch) => batch.instances.length > 0);
  const soaks = instances.map((instance) => ({ instance, leftMs: soakLeftMs(instance, nowMs) }));
  const soaking = soaks.reduce((most, { leftMs }) => Math.max(most, leftMs), 0);
  const last = soaks.find(({ leftMs }) => leftMs === soaking)?.instance.work ?? work;
  const rest =
    soaking > 0 && batches.length > 0 ? last.timings.between_restarts_ms : Math.max(0, restingUntilMs - nowMs);
  return soaking + rest + leastHostMs({ ...work, batches }, startsecs);
}

function soakLeftMs({ status, proving, sinceMs, work }: InstanceProgress, nowMs: number): number {
  if (status !== "under_restart" && status !== "indeterminate") return 0;
  const soakMs = leastGateMs(work);
  return proving ? Math.max(0, sinceMs + soakMs - nowMs) : soakMs;
}
