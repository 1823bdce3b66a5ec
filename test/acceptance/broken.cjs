"use strict";
// Loaded into orchestrate before its own code (node --require), to break it at a moment that a test chooses: SIGUSR2.

const timers = new Set();
for (const name of ["setTimeout", "setInterval"]) {
  const original = globalThis[name];
  globalThis[name] = Object.assign((...args) => {
    const timer = original(...args);
    timers.add(timer);
    return timer;
  }, original);
}

const BREAKS = {
  /** A listener that throws. */
  throws() {
    throw new Error("a listener that throws\nand says more");
  },
  /** A promise that nobody has caught. */
  rejects() {
    void Promise.reject(new Error("a rejection that nobody handles"));
  },
  /** Nothing that is awaited now keeps the process alive. */
  starves() {
    for (const each of [...timers, ...process._getActiveHandles()]) each.unref?.();
  },
};

process.on("SIGUSR2", BREAKS[process.env.BROKEN]);
