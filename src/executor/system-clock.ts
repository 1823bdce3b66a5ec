import { performance } from "node:perf_hooks";
import type { Clock } from "./ports.ts";

/** setTimeout takes 32 bits of milliseconds and fires at once beyond that. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The real time. Timers fire early by up to a millisecond in Node, hence the look at the clock before the callback. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  now: () => new Date(),
  wakeAt(atMs, callback) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const restMs = atMs - performance.now();
      timer = setTimeout(
        () => (atMs > performance.now() ? arm() : callback()),
        Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(restMs))),
      );
    };
    arm();
    return { cancel: () => clearTimeout(timer) };
  },
};
