import assert from "node:assert/strict";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { CheckOutcome } from "../../src/domain/outcomes.ts";
import type { Check } from "../../src/domain/settings.ts";
import {
  askChecks,
  beforeRestartWarnings,
  passingText,
  questionsAbout,
  type CheckQuestion,
} from "../../src/executor/ask-checks.ts";

const check: Check = { kind: "tcp", address: "127.0.0.1:80{number}", from: "host", timeout_ms: 2000 };
const still = { monotonicMs: () => 0 };

function questions(hosts: number, instances: number): CheckQuestion[] {
  return Array.from({ length: hosts * instances }, (_, index) => ({
    host: `host-${index % hosts}` as HostName,
    instance: `web:web_${index}` as InstanceName,
    check,
    vars: {},
    pid: 100 + index,
  }));
}

function fleetOf(hosts: number, answer: (instance: InstanceName) => Promise<CheckOutcome>) {
  const checker = { check: (_: Check, { instance }: { instance: InstanceName }) => answer(instance) };
  return new Map(Array.from({ length: hosts }, (_, index) => [`host-${index}` as HostName, { checker }]));
}

describe("checks that are asked before anything is taken down", () => {
  it("are each asked once, so many at once and no more, on one host and on all", async () => {
    const asked: string[] = [];
    let now = 0;
    let most = 0;
    const fleet = fleetOf(20, async (instance) => {
      asked.push(instance);
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      return { kind: "passed" };
    });
    const answers = await askChecks(fleet, questions(20, 10), still);
    assert.equal(new Set(asked).size, 200);
    assert.equal(asked.length, 200);
    assert.ok(most > 4 && most <= 32, `${most} at once`);
    assert.equal(passingText(answers), "200 of 200 checks pass now");
    assert.deepEqual(beforeRestartWarnings(answers), []);
  });

  it("that do not pass are warned of, with the reason", async () => {
    const fleet = fleetOf(1, (instance) =>
      Promise.resolve(instance === "web:web_1" ? { kind: "failed", reason: "connection refused" } : { kind: "passed" }),
    );
    const answers = await askChecks(fleet, questions(1, 3), still);
    assert.equal(passingText(answers), "2 of 3 checks pass now");
    assert.deepEqual(beforeRestartWarnings(answers), [
      {
        host: "host-0",
        instance: "web:web_1",
        message: "its check tcp 127.0.0.1:80{number} does not pass even before the restart: connection refused",
      },
    ]);
  });

  it("are not asked for longer than a minute, and that is said", async () => {
    let nowMs = 0;
    const fleet = fleetOf(1, () => {
      nowMs += 20_000;
      return Promise.resolve({ kind: "timed_out", after_ms: 20_000 });
    });
    const answers = await askChecks(fleet, questions(1, 10), { monotonicMs: () => nowMs });
    const unasked = answers.filter(({ outcome }) => outcome === undefined).length;
    assert.ok(unasked > 0 && unasked < 10);
    assert.match(beforeRestartWarnings(answers).at(-1)?.message ?? "", /^\d of 10 checks were not asked/);
  });

  it("are not asked of what does not run", () => {
    const settings = { checks: [check], vars: {} };
    const host = "host-0" as HostName;
    const instance = "web:web_0" as InstanceName;
    assert.deepEqual(questionsAbout(host, { instance, state: "FATAL" }, settings), []);
    assert.equal(questionsAbout(host, { instance, state: "RUNNING", pid: 7 }, settings).length, 1);
  });
});
