import assert from "node:assert/strict";
import { ExitPace } from "../../src/rollout/exit-pace.ts";

describe("how often a worker may exit", () => {
  it("is every min_healthy_time, on average", () => {
    const pace = new ExitPace(5000, 0);
    for (let exits = 1; exits < 100; exits++) assert.equal(pace.exited(1, exits * 5000), true);
  });

  it("is not every two seconds where min_healthy_time is five, whatever it did before", () => {
    const pace = new ExitPace(5000, 0);
    assert.equal(pace.exited(1, 3_600_000), true);
    const allowed = [1, 2, 3, 4, 5, 6, 7, 8].map((exits) => pace.exited(1, 3_600_000 + exits * 2000));
    assert.equal(allowed.includes(false), true);
  });

  it("counts all exits since the last look, and all the time since then", () => {
    assert.equal(new ExitPace(5000, 0).exited(20, 3_600_000), true);
    assert.equal(new ExitPace(5000, 0).exited(20, 40_000), false);
  });

  it("is as often as it likes where min_healthy_time is 0", () => {
    const pace = new ExitPace(0, 0);
    for (let exits = 1; exits < 100; exits++) assert.equal(pace.exited(5, exits), true);
  });
});
