import type { SeededRandom } from "./random.ts";
import type { SimulateOptions } from "./simulate.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Who comes between a rollout and its end; all from when it began. */
export interface Interference {
  readonly interruptAfterMs?: number;
  /** The second Ctrl-C. */
  readonly leaveAfterMs?: number;
  /** The first Ctrl-C comes while a question is open, or right after an answer. */
  readonly interruptsAt?: "rollout.asking" | "rollout.answered";
  /** Another user takes the lock of a host that nothing is sent to. */
  readonly lockLostAfterMs?: number;
}

export function drawInterference(random: SeededRandom): Interference {
  const interruptAfterMs = random.chance(0.15) ? random.whole(0, 200_000) : undefined;
  const leaveAfterMs =
    interruptAfterMs !== undefined && random.chance(0.3) ? interruptAfterMs + random.whole(0, 30_000) : undefined;
  const interruptsAt = random.chance(0.15) ? random.pick(["rollout.asking", "rollout.answered"] as const) : undefined;
  const lockLostAfterMs = random.chance(0.03) ? random.whole(0, 200_000) : undefined;
  return {
    ...(interruptAfterMs !== undefined && { interruptAfterMs }),
    ...(leaveAfterMs !== undefined && { leaveAfterMs }),
    ...(interruptsAt && { interruptsAt }),
    ...(lockLostAfterMs !== undefined && { lockLostAfterMs }),
  };
}

/** The same, with this between. */
export function interfering(between: Interference, time: VirtualTime, options: SimulateOptions): SimulateOptions {
  const { interruptAfterMs, leaveAfterMs, interruptsAt, lockLostAfterMs } = between;
  return {
    ...options,
    onEvent(event, feed) {
      options.onEvent?.(event, feed);
      if (event.type === interruptsAt) feed({ type: "interrupted", signal: "SIGINT" });
      if (event.type !== "rollout.started") return;
      if (interruptAfterMs !== undefined)
        time.after(interruptAfterMs, () => feed({ type: "interrupted", signal: "SIGINT" }));
      if (leaveAfterMs !== undefined) time.after(leaveAfterMs, () => feed({ type: "abandoned" }));
      if (lockLostAfterMs !== undefined)
        time.after(lockLostAfterMs, () => feed({ type: "lock_lost", reason: "another user has it" }));
    },
  };
}
