import assert from "node:assert/strict";
import type { HostName } from "../../src/domain/ids.ts";
import { RolloutModel } from "../../src/views/model/rollout-model.ts";
import { reportText } from "../../src/views/report/report.ts";
import { simulated, type Sizes } from "./rollouts.ts";
import { SimController, type ControllerOptions } from "./sim-controller.ts";

const [ONE, TWO] = ["host-1", "host-2"] as [HostName, HostName];
const FILE_GONE = { fileGone: true };

/** Runs a rollout with `on_failure: revert` whose last instance fails, unless something else is said. */
async function run(options: ControllerOptions = {}, sizes: Partial<Sizes> = {}, broken: object = FILE_GONE) {
  const { time, fleet, rollout } = simulated({ hosts: 2, instances: 2, ...sizes });
  fleet.behave(TWO, "web:0", broken);
  const planned = { ...rollout(), on_failure: "revert" as const };
  const controller = new SimController(planned.id, fleet, time, options);
  controller.recorder.keepIn(controller.journal);
  const outcome = await controller.run(planned);
  const finished = controller.events.find((event) => event.type === "rollout.finished");
  const report = () => reportText(RolloutModel.of([{ type: "rollout.planned", ...planned }, ...controller.events]));
  return { outcome, controller, fleet, time, planned, report, revert: finished?.revert };
}

describe("a rollout with on_failure: revert", () => {
  it("is to be reverted once it has halted, and says so", async () => {
    const { outcome, controller, revert, report } = await run();
    assert.deepEqual([outcome, revert, controller.isToBeReverted], ["halted", "follows", true]);
    assert.match(report(), /What it has restarted is reverted now/);
  });

  it("is not where nothing was restarted before it halted", async () => {
    const hook = { before_host: { command: "drain", run: "host" } } as const;
    const fails = { onHook: () => ({ kind: "failed", reason: "exit code 1" }) as const };
    const { outcome, controller, revert } = await run(fails, { hooks: hook });
    assert.deepEqual([outcome, revert, controller.isToBeReverted], ["halted", "untouched", false]);
  });

  it("is not where it has succeeded, or was interrupted", async () => {
    const well = await run({}, {}, {});
    assert.deepEqual([well.outcome, well.revert, well.controller.isToBeReverted], ["succeeded", undefined, false]);
    const left = await run({
      onEvent: (event, feed) => event.type === "instance.restarting" && feed({ type: "interrupted", signal: "SIGINT" }),
    });
    assert.deepEqual([left.outcome, left.revert, left.controller.isToBeReverted], ["interrupted", undefined, false]);
  });

  it("is not once the operator interrupts it after its halt, which is reported", async () => {
    // The second instance is still being restarted when the first one has failed.
    const { outcome, controller, revert, report } = await run(
      { onEvent: (event, feed) => event.type === "rollout.halted" && feed({ type: "interrupted", signal: "SIGINT" }) },
      { instancesAtOnce: 2 },
    );
    assert.deepEqual([outcome, revert, controller.isToBeReverted], ["halted", "interrupted", false]);
    assert.ok(controller.events.some(({ type }) => type === "rollout.interrupted"));
    assert.match(report(), /not reverted: the operator interrupted it/);
  });

  it("is not where the right to act is lost, before the halt or after it, and the report says so", async () => {
    for (const when of ["instance.restarting", "rollout.halted"] as const) {
      const { outcome, controller, revert, report } = await run(
        { onEvent: (event, feed) => event.type === when && feed({ type: "lock_lost", reason: "another user has it" }) },
        { instancesAtOnce: 2 },
      );
      assert.deepEqual([outcome, revert, controller.isToBeReverted], ["halted", "lock_lost", false], when);
      assert.match(report(), /not reverted: the lock of a host was lost/);
    }
  });

  it("is not where no record of it could be kept", async () => {
    const sent = { restarts: 0 };
    const { revert, controller, report } = await run({
      onChange: () => (sent.restarts++, { kind: "arrives" }),
      journalProblem: () => (sent.restarts > 0 ? "no space left on device" : undefined),
    });
    assert.deepEqual([revert, controller.isToBeReverted], ["journal_unwritable", false]);
    assert.match(report(), /not reverted: no record of a revert could be kept/);
  });

  it("is reverted only once a restart that has outlived its deadline can no longer act", async () => {
    const slow = { stopMs: 500_000 };
    const { controller, revert, fleet, time } = await run({}, { timings: { stop_deadline_ms: 10_000 } }, slow);
    assert.equal(revert, "follows");
    const haltedAtMs = time.now;
    const isActing = () => fleet.isActing;
    assert.ok(isActing());
    assert.deepEqual([...(await controller.settle(1000))], [TWO], "it still acts, and the host is to be left out");
    assert.deepEqual([...(await controller.settle(600_000))], []);
    assert.ok(!isActing() && time.now - haltedAtMs > 400_000);
    assert.equal(fleet.process(TWO, "web:0").state, "RUNNING");
    assert.equal(fleet.process(ONE, "web:0").stopsAtMs.length, 1);
  });
});
