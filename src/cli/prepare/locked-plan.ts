import { setTimeout as rest } from "node:timers/promises";
import type { ExitCode } from "../../domain/failures.ts";
import type { HostName } from "../../domain/ids.ts";
import type { Rollout } from "../../domain/rollout.ts";
import { takeLocks } from "../../executor/locks.ts";
import type { LockOwner, World } from "../../executor/ports.ts";
import { systemClock } from "../../executor/system-clock.ts";
import type { Planned, Preflight } from "./preflight.ts";

/** Between two attempts to get locks that another rollout holds. */
const TRY_EVERY_MS = 1000;

/**
 * Makes a rollout of what the fleet reports, and locks the groups that it will restart.
 * @param waitMs how long to wait for locks that another rollout holds
 */
export async function planUnderLock(
  preflight: Preflight,
  world: World,
  owner: LockOwner,
  waitMs: number,
): Promise<Planned> {
  const untilMs = systemClock.monotonicMs() + waitMs;
  for (;;) {
    const planned = await preflight.plan(world.fleet, true);
    if ("exitCode" in planned) return planned;
    const locked = await lock(planned.rollout, preflight, world, owner, untilMs);
    if ("exitCode" in locked) return locked;
    if ("leftOut" in locked) continue;
    // The fleet may have changed during the wait.
    if (locked.waited) continue;
    preflight.accept(planned.rollout);
    return planned;
  }
}

async function lock(
  rollout: Rollout,
  preflight: Preflight,
  world: World,
  owner: LockOwner,
  untilMs: number,
): Promise<{ readonly waited: boolean } | { readonly exitCode: ExitCode } | { readonly leftOut: HostName }> {
  let reported: string | undefined;
  while (!preflight.isInterrupted()) {
    const refusal = await takeLocks(world.fleet, rollout, owner);
    if (preflight.isInterrupted()) break;
    if (!refusal) return { waited: reported !== undefined };
    const { host } = refusal;
    if (
      refusal.code === "lock_unavailable" &&
      host !== undefined &&
      preflight.leaveOut(host as HostName, refusal.reason)
    )
      return { leftOut: host as HostName };
    const restMs = untilMs - systemClock.monotonicMs();
    if (refusal.code !== "locked" || restMs <= 0) return { exitCode: preflight.endRefused([refusal]) };
    const { reason } = refusal;
    if (reported !== reason)
      preflight.recorder.record({ type: "lock.waiting", ...(host && { host }), reason, ms: Math.round(restMs) });
    reported = reason;
    await rest(Math.min(TRY_EVERY_MS, restMs), undefined, { signal: preflight.interrupted }).catch(() => undefined);
  }
  return { exitCode: preflight.endInterrupted() };
}
