import {
  ownWork,
  type Batch,
  type HostWork,
  type InstanceBatch,
  type PlannedInstance,
  type Rollout,
} from "./rollout.ts";

/** Supervisor's own `startsecs` by program, where they are known: a restart takes at least that long. */
export type StartSeconds = Readonly<Record<string, number>>;

/** What the plan's timings make of a rollout: soaks, rests and pauses. Stops, and starts beyond `startsecs`, come on top. */
export function leastMs({ waves, startsecs = {} }: Pick<Rollout, "waves" | "startsecs">): number {
  let sumMs = 0;
  for (const [index, { batches, between_batches_ms, pause }] of waves.entries()) {
    const isLast = index === waves.length - 1;
    for (const batch of batches) sumMs += batchMs(batch, startsecs);
    sumMs += between_batches_ms * (batches.length - 1);
    // A pause takes the place of the rest; a wait for an answer takes no time that is known.
    if (!isLast) sumMs += pause === undefined ? between_batches_ms : pause === "ask" ? 0 : pause.ms;
  }
  return sumMs;
}

function batchMs({ at_once, hosts }: Batch, startSeconds: StartSeconds): number {
  return inSlots(
    hosts.map((work) => leastHostMs(work, startSeconds)),
    at_once,
  );
}

/** How long hosts take together that take so long each and come one after the other, so many at once. */
export function inSlots(hostsMs: readonly number[], atOnce: number): number {
  if (atOnce >= hostsMs.length) return hostsMs.reduce((most, ms) => Math.max(most, ms), 0);
  const slots = Array.from({ length: atOnce }, () => 0);
  // The slot that is free first takes the next host.
  for (const ms of hostsMs) {
    const free = slots.indexOf(Math.min(...slots));
    slots[free] = (slots[free] ?? 0) + ms;
  }
  return Math.max(...slots);
}

/** Likewise for one host. */
export function leastHostMs(work: HostWork, startSeconds: StartSeconds = {}): number {
  let sumMs = 0;
  let restMs = 0;
  for (const batch of work.batches) {
    const own = ownWork(work, batch);
    restMs = own.timings.between_restarts_ms;
    const rounds = Math.ceil(batch.instances.length / batch.at_once);
    sumMs += rounds * (leastBatchGateMs(own, batch, startSeconds) + restMs);
  }
  // After the last of them comes no rest.
  return sumMs - restMs;
}

/** A stop proves nothing further, and a signal starts no process. */
function leastBatchGateMs(own: HostWork, { program, instances }: InstanceBatch, startSeconds: StartSeconds): number {
  const has = (...actions: readonly PlannedInstance["action"][]) =>
    instances.some(({ action }) => actions.includes(action));
  if (!has("restart", "start", "update")) return has("signal", "gate") ? leastGateMs(own) : 0;
  return leastGateMs(own) + (startSeconds[program] ?? 0) * 1000;
}

/** How long an instance runs at least before it is healthy. */
export function leastGateMs({ timings, checks }: Pick<HostWork, "timings" | "checks">): number {
  const { min_healthy_time_ms, between_checks_ms } = timings;
  return checks.reduce((most, { passes = 1 }) => Math.max(most, (passes - 1) * between_checks_ms), min_healthy_time_ms);
}
