import assert from "node:assert/strict";
import { systemClock } from "../../src/executor/system-clock.ts";

describe("the clock of a rollout", () => {
  it("counts whole milliseconds, so that a wait of 1m is never told as a hair more", () => {
    const beganMs = systemClock.monotonicMs();
    assert.ok(Number.isInteger(beganMs));
    assert.equal(beganMs + 60_000 - beganMs, 60_000);
  });

  it("wakes no sooner than asked", async () => {
    const atMs = systemClock.monotonicMs() + 20;
    await new Promise<void>((resolve) => systemClock.wakeAt(atMs, resolve));
    assert.ok(systemClock.monotonicMs() >= atMs);
  });
});
