import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";
import type { VirtualTime } from "../virtual-time.ts";

/** As far as anybody here uses it. */
interface Timer {
  ref(): Timer;
  unref(): Timer;
  cancel(): void;
}

/**
 * Runs a function with all timers and clocks of Node in virtual time, for code that waits by itself and not by a port.
 * Nothing else may run in the process meanwhile. `setImmediate` stays as it is.
 */
export async function withVirtualTimers<T>(time: VirtualTime, act: () => Promise<T>): Promise<T> {
  const real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
    // Its methods are not called without it.
    dateNow: Date.now.bind(Date),
    performanceNow: performance.now.bind(performance),
    sleep: timersPromises.setTimeout,
  };
  const epochMs = Date.UTC(2026, 10, 22, 10);
  const clear = (timer: unknown) => (timer as Timer | undefined)?.cancel();
  Object.assign(globalThis, {
    setTimeout: (act: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
      timerOf(time.after(ms, () => act(...args))),
    clearTimeout: clear,
    setInterval: (act: () => void, ms: number) => repeated(time, ms, act),
    clearInterval: clear,
  });
  Date.now = () => epochMs + time.now;
  performance.now = () => time.now;
  timersPromises.setTimeout = ((ms: number, value: unknown, { signal }: { signal?: AbortSignal } = {}) =>
    sleep(time, ms, value, signal)) as typeof timersPromises.setTimeout;
  syncBuiltinESMExports();
  try {
    return await act();
  } finally {
    const { setTimeout, clearTimeout, setInterval, clearInterval } = real;
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
    Date.now = real.dateNow;
    performance.now = real.performanceNow;
    timersPromises.setTimeout = real.sleep;
    syncBuiltinESMExports();
  }
}

function timerOf(entry: { cancel(): void }): Timer {
  const timer: Timer = { ref: () => timer, unref: () => timer, cancel: () => entry.cancel() };
  return timer;
}

function repeated(time: VirtualTime, everyMs: number, act: () => void): Timer {
  let next: { cancel(): void };
  const again = () => {
    next = time.after(everyMs, again);
    act();
  };
  next = time.after(everyMs, again);
  return timerOf({ cancel: () => next.cancel() });
}

function sleep(time: VirtualTime, ms: number, value: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      timer.cancel();
      reject(new Error("The operation was aborted"));
    };
    const timer = time.after(ms, () => {
      signal?.removeEventListener("abort", abort);
      resolve(value);
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
