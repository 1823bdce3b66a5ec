import assert from "node:assert/strict";
import type { Check } from "../../src/domain/settings.ts";
import { CheckRun } from "../../src/rollout/check-run.ts";

describe("the checks of an instance whose time is up", () => {
  const check: Check = { kind: "tcp", address: "127.0.0.1:80", from: "host", timeout_ms: 2000 };
  const run = () => new CheckRun([check], () => undefined);

  it("tell how the last try ended, not of the one that was cut off", () => {
    const checks = run();
    checks.begin();
    checks.finished(0, { kind: "failed", reason: "refused" });
    checks.begin();
    assert.deepEqual(checks.failure(), {
      code: "check_failed",
      reason: "tcp 127.0.0.1:80 did not pass until healthy_deadline: refused",
    });
  });

  it("say that there was no answer where no try has ended", () => {
    const checks = run();
    checks.begin();
    assert.deepEqual(checks.failure(), {
      code: "check_timed_out",
      reason: "tcp 127.0.0.1:80 gave no answer until healthy_deadline",
    });
    checks.finished(0, { kind: "timed_out", after_ms: 2000 });
    assert.equal(checks.failure().reason, "tcp 127.0.0.1:80 gave no answer within 2s");
  });
});
