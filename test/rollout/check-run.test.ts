import assert from "node:assert/strict";
import type { CheckOutcome } from "../../src/domain/outcomes.ts";
import type { Check } from "../../src/domain/settings.ts";
import { CheckRun } from "../../src/rollout/check-run.ts";

const tcp: Check = { kind: "tcp", address: "127.0.0.1:80", from: "host", timeout_ms: 2000 };
const BETWEEN_MS = 5000;
const passed: CheckOutcome = { kind: "passed" };
const refused: CheckOutcome = { kind: "failed", reason: "refused" };

/** The checks of an instance, and what was asked so far: indexes. */
function running(...checks: readonly Partial<Check>[]) {
  const asked: number[] = [];
  const all = checks.map((check) => ({ ...tcp, ...check }) as Check);
  const run = new CheckRun(all, BETWEEN_MS, (index) => void asked.push(index));
  /** What a look at this time makes it ask. */
  const askedAt = (nowMs: number) => {
    const before = asked.length;
    run.askDue(nowMs);
    return asked.slice(before);
  };
  return { run, askedAt };
}

describe("the checks of an instance", () => {
  it("are asked again between_checks after they were asked, and never while they have not answered", () => {
    const { run, askedAt } = running({}, {});
    assert.deepEqual(askedAt(0), [0, 1]);
    run.answered(0, passed, 100);
    assert.deepEqual(askedAt(4999), []);
    assert.deepEqual(askedAt(5000), [0]);
    run.answered(1, refused, 9000);
    assert.deepEqual(askedAt(9001), [1]);
    assert.deepEqual(askedAt(60_000), []);
  });

  it("say when the next of them is due", () => {
    const { run } = running({}, {});
    assert.equal(run.askDue(0), Infinity);
    run.answered(0, passed, 100);
    run.answered(1, passed, 200);
    assert.equal(run.askDue(1000), 5000);
  });

  it("have not passed before min_healthy_time is over: what passed before is asked once more then", () => {
    const { run, askedAt } = running({});
    askedAt(0);
    run.answered(0, passed, 100);
    run.proven(2000);
    assert.equal(run.allPassed, false);
    assert.deepEqual(askedAt(2000), [0]);
    run.answered(0, passed, 2100);
    assert.equal(run.allPassed, true);
  });

  it("do not pass by what they said before: the last answers of all of them count", () => {
    const { run, askedAt } = running({}, {});
    run.proven(0);
    askedAt(0);
    run.answered(0, passed, 100);
    run.answered(1, refused, 100);
    askedAt(5000);
    run.answered(1, passed, 5100);
    assert.equal(run.allPassed, true);
    run.answered(0, refused, 5200);
    assert.equal(run.allPassed, false);
    askedAt(10_000);
    run.answered(0, passed, 10_100);
    run.answered(1, passed, 10_100);
    assert.equal(run.allPassed, true);
  });

  it("pass as often in a row as their passes say, those before min_healthy_time was over included", () => {
    const { run, askedAt } = running({ passes: 3 });
    const answers = [passed, refused, passed, passed];
    for (const [index, answer] of answers.entries()) {
      askedAt(index * BETWEEN_MS);
      run.answered(0, answer, index * BETWEEN_MS + 100);
    }
    run.proven(19_000);
    assert.equal(run.allPassed, false);
    assert.deepEqual(askedAt(19_000), [0]);
    run.answered(0, passed, 19_100);
    assert.equal(run.allPassed, true);
  });

  it("are over at once where one of them can never pass, and say which and why", () => {
    const { run, askedAt } = running({}, { address: "127.0.0.1:{pid}" });
    askedAt(0);
    run.answered(0, refused, 100);
    run.answered(1, { kind: "impossible", reason: "it is not an address with a port" }, 100);
    assert.ok(run.impossible);
    assert.equal(run.impossible.reason, "it is not an address with a port: this check can never pass");
    assert.equal(run.impossible.check.kind === "tcp" && run.impossible.check.address, "127.0.0.1:{pid}");
  });

  it("do not hear what was not asked", () => {
    const { run, askedAt } = running({});
    run.proven(0);
    run.answered(0, passed, 100);
    assert.equal(run.allPassed, false);
    assert.deepEqual(askedAt(200), [0]);
  });
});

describe("the checks of an instance whose time is up", () => {
  it("say how the last try ended, not of the one that was cut off", () => {
    const { run } = running({});
    run.proven(0);
    run.askDue(0);
    run.answered(0, refused, 100);
    run.askDue(5000);
    assert.deepEqual(trouble(run), ["check_failed", "refused, still so at healthy_deadline (20s)"]);
  });

  it("say that there was no answer where no try has ended, or none since min_healthy_time was over", () => {
    const { run } = running({});
    run.askDue(0);
    assert.deepEqual(trouble(run), ["check_timed_out", "no answer, still so at healthy_deadline (20s)"]);
    run.answered(0, { kind: "timed_out", after_ms: 2000 }, 2000);
    assert.deepEqual(trouble(run), ["check_timed_out", "no answer within 2s, still so at healthy_deadline (20s)"]);
    run.askDue(5000);
    run.answered(0, passed, 5100);
    run.proven(6000);
    assert.deepEqual(trouble(run), [
      "check_timed_out",
      "no answer since min_healthy_time was over, still so at healthy_deadline (20s)",
    ]);
  });

  it("say how often they passed in a row, where that was not enough", () => {
    const { run } = running({ passes: 3 });
    run.proven(0);
    run.askDue(0);
    run.answered(0, refused, 100);
    run.askDue(5000);
    run.answered(0, passed, 5100);
    assert.deepEqual(trouble(run), [
      "check_failed",
      "refused, then passed only 1 of 3 times in a row at healthy_deadline (20s)",
    ]);
  });
});

function trouble(run: CheckRun) {
  const found = run.failure("healthy_deadline (20s)");
  return found && [found.code, found.reason];
}
