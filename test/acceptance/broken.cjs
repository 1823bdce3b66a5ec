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
  /** Nothing that is awaited keeps the process alive, now or later: what was on its way may start another wait. */
  starves() {
    const starve = () => {
      for (const each of [...timers, ...process._getActiveHandles()]) each.unref?.();
    };
    const again = setInterval(starve, 1);
    starve();
    // What is then done about it may wait.
    process.prependOnceListener("beforeExit", () => clearInterval(again));
  },
};

process.on("SIGUSR2", BREAKS[process.env.BROKEN]);
