import assert from "node:assert/strict";
import type { HookName } from "../../src/domain/settings.ts";
import { simulated } from "./rollouts.ts";
import { simulate, type SimulateOptions } from "./simulate.ts";

const hook = (command: string) => ({ command, run: "host" as const });
const hooks = {
  before_host: hook("drain host"),
  before_restart: hook("drain"),
  after_healthy: hook("enable"),
  after_host: hook("enable host"),
};

/** A rollout whose disk is full as soon as this has happened; with all hooks that were really run. */
async function runUntilFull(isFull: (done: { hooks: HookName[]; changes: number }) => boolean) {
  const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2, hooks });
  const done = { hooks: [] as HookName[], changes: 0 };
  const options: SimulateOptions = {
    onHook: ({ hook }) => (done.hooks.push(hook), { kind: "succeeded" }),
    onChange: () => (done.changes++, { kind: "arrives" }),
    journalProblem: () => (isFull(done) ? "no space left on device" : undefined),
  };
  const run = await simulate(rollout(), fleet, time, options);
  return { run, done, fleet };
}

describe("a journal that can no longer be written", () => {
  it("lets no hook drain a host or an instance: what could not be recorded is not started, and stays untouched", async () => {
    for (const [full, ran] of [
      [() => true, []],
      [({ hooks }: { hooks: HookName[] }) => hooks.length === 1, ["before_host", "after_host"]],
    ] as const) {
      const { run, done, fleet } = await runUntilFull(full);
      assert.equal(run.outcome, "halted");
      assert.deepEqual(
        run.events.flatMap((event) => (event.type === "rollout.halted" ? [event.code] : [])),
        ["journal_unwritable"],
      );
      assert.deepEqual(done, { hooks: ran, changes: 0 });
      const finished = run.events.at(-1);
      assert.deepEqual(finished?.type === "rollout.finished" && finished.counts, {
        healthy: 0,
        failed: 0,
        skipped: 0,
        untouched: 2,
      });
      assert.deepEqual([...fleet.drained], []);
    }
  });

  it("keeps no hook from putting back what was drained before", async () => {
    const { run, done, fleet } = await runUntilFull(({ changes }) => changes === 1);
    assert.equal(run.outcome, "halted");
    assert.deepEqual(done.hooks, ["before_host", "before_restart", "after_healthy", "after_host"]);
    assert.equal(done.changes, 1);
    assert.deepEqual([...fleet.drained], []);
  });
});
