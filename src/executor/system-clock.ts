import { performance } from "node:perf_hooks";
import type { Clock } from "./ports.ts";

/** setTimeout takes 32 bits of milliseconds and fires at once beyond that. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const TICK_MS = 1000;

/** A tick that comes later than this means that the process was stopped. */
const STOPPED_MS = 5000;

/**
 * The time during which this process could act. What it was stopped for (Ctrl-Z, SIGSTOP) does not count: a deadline
 * that passed while nobody could look proves nothing.
 */
class ActiveTime {
  private lastMs = performance.now();
  private stoppedMs = 0;

  constructor() {
    // eslint-disable-next-line no-restricted-syntax -- it measures, and nothing awaits it
    setInterval(() => this.nowMs(), TICK_MS).unref();
  }

  /** Whole milliseconds: sums of fractions would let a deadline be a hair longer than the plan's. Never goes back. */
  nowMs(): number {
    const nowMs = performance.now();
    if (nowMs - this.lastMs >= STOPPED_MS) this.stoppedMs += nowMs - this.lastMs;
    this.lastMs = nowMs;
    return Math.floor(nowMs - this.stoppedMs);
  }
}

const active = new ActiveTime();

/** The real time. Timers fire early by up to a millisecond in Node, hence the look at the clock before the callback. */
export const systemClock: Clock = {
  monotonicMs: () => active.nowMs(),
  now: () => new Date(),
  wakeAt(atMs, callback) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const restMs = atMs - active.nowMs();
      timer = setTimeout(
        () => (atMs > active.nowMs() ? arm() : callback()),
        Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(restMs))),
      );
    };
    arm();
    return { cancel: () => clearTimeout(timer) };
  },
};
