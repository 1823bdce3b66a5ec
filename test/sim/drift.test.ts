import assert from "node:assert/strict";
import type { RolloutEvent } from "../../src/domain/events.ts";
import type { HostName, InstanceName, RolloutId } from "../../src/domain/ids.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { factsOf } from "../../src/views/words/facts.ts";
import { RolloutModel } from "../../src/views/model/rollout-model.ts";
import { reportText } from "../../src/views/report/report.ts";
import { simulated } from "./rollouts.ts";
import { simulate } from "./simulate.ts";

/** The rollout in two waves: its first host, then, after a pause, the others. */
function inTwoWaves(rollout: Rollout): Rollout {
  const [wave] = rollout.waves;
  const [first, ...others] = wave?.batches ?? [];
  assert.ok(wave && first);
  const canary = { ...wave, group: "canary", batches: [first], pause: { ms: 60_000 } };
  return { ...rollout, waves: [canary, { ...wave, batches: others }] };
}

type Fleet = ReturnType<typeof simulated>["fleet"];

async function run(meddle: (fleet: Fleet) => void, before: (fleet: Fleet) => void = () => undefined) {
  const { time, fleet, rollout } = simulated({ hosts: 2, instances: 3, maxFailures: 1 });
  before(fleet);
  const planned = inTwoWaves(rollout());
  const { events, outcome } = await simulate(planned, fleet, time, {
    onEvent: (event) => event.type === "rollout.paused" && time.after(1000, () => meddle(fleet)),
  });
  const beforeWave = events.slice(
    0,
    events.findLastIndex(({ type }) => type === "wave.started"),
  );
  const told = (among: readonly RolloutEvent[]) =>
    among
      .filter(({ type }) => type === "instance.drifted")
      .flatMap(factsOf)
      .map(({ about, text }) => `${about} ${text}`);
  const report = reportText(RolloutModel.of([{ type: "rollout.planned", ...planned }, ...events]));
  return { events, outcome, told: told(events), toldBeforeWave: told(beforeWave), report };
}

describe("what others change while a rollout runs", () => {
  it("is not, in a revert, what the reverted rollout had not touched: it was there", async () => {
    const drifts = async (own: Partial<Rollout>) => {
      const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2 });
      const { waves, ...more } = rollout();
      const [wave] = waves;
      const [batch] = wave?.batches ?? [];
      const [work] = batch?.hosts ?? [];
      assert.ok(wave && batch && work);
      const hosts = [{ ...work, batches: work.batches.slice(0, 1) }];
      const planned = { ...more, ...own, waves: [{ ...wave, batches: [{ ...batch, hosts }] }] };
      const { events } = await simulate(planned, fleet, time);
      return events.flatMap((event) => (event.type === "instance.drifted" ? [event.instance] : []));
    };
    assert.deepEqual(await drifts({}), ["web:1"]);
    assert.deepEqual(await drifts({ reverts: "20261122T000000Z-0000" as RolloutId }), []);
  });

  it("is reported before the wave that it concerns: a restart by hand, which does not replace the planned one", async () => {
    const { events, outcome, toldBeforeWave, report } = await run(
      (fleet) => (fleet.process("host-2", "web:1").pid = 77),
    );
    const [line = "", ...more] = toldBeforeWave;
    assert.match(
      line,
      /^host-2 web:1 changed since the preview, not by this rollout: it was RUNNING on pid \d+ and is RUNNING on pid 77$/,
    );
    assert.deepEqual(more, []);
    assert.equal(outcome, "succeeded");
    assert.equal(events.filter(({ type }) => type === "instance.restarting").length, 6);
    assert.match(
      report,
      /^changed since the preview\n {2}host-2 web:1: changed since the preview, not by this rollout/m,
    );
  });

  it("is reported within a wave: an instance that appears on a host while that has its turn is left alone", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 3 });
    const { events, outcome } = await simulate(rollout(), fleet, time, {
      onEvent: (event) =>
        event.type === "instance.healthy" &&
        event.instance === "web:0" &&
        fleet.add("host-1" as HostName, "web:7" as InstanceName),
    });
    assert.equal(outcome, "succeeded");
    const drifted = events.filter(({ type }) => type === "instance.drifted").flatMap(factsOf);
    assert.deepEqual(
      drifted.map(({ about }) => about),
      ["host-1 web:7"],
    );
    const last = events.findLastIndex(({ type }) => type === "instance.restarting");
    assert.ok(events.findIndex(({ type }) => type === "instance.drifted") < last, "it was noticed at the end only");
  });

  it("is reported once: a new instance, which is left alone, and one that is gone, which fails at its turn", async () => {
    const { events, outcome, told, toldBeforeWave } = await run((fleet) => {
      fleet.remove("host-2" as HostName, "web:2" as InstanceName);
      fleet.add("host-2" as HostName, "web:7" as InstanceName);
      fleet.add("host-2" as HostName, "other:0" as InstanceName);
    });
    assert.deepEqual(toldBeforeWave, told);
    assert.deepEqual(
      told.map((line) => line.replace(/pid \d+/, "pid N")),
      [
        "host-2 web:7 new since the preview, left alone; it is RUNNING on pid N",
        "host-2 web:2 gone since the preview: Supervisor no longer lists it",
      ],
    );
    const failed = events.filter((event) => event.type === "instance.failed");
    assert.deepEqual(
      failed.map(({ instance, code }) => [instance, code]),
      [["web:2", "vanished"]],
    );
    assert.equal(outcome, "incomplete");
  });

  it("is reported right before the restart where it came after the last look at the wave", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2 });
    const { events } = await simulate(rollout(), fleet, time, {
      onEvent: (event) => event.type === "host.resting" && (fleet.process("host-1", "web:1").pid = 77),
    });
    const types = events.filter(({ type }) => type === "instance.drifted" || type === "instance.restarting");
    assert.deepEqual(
      types.map(({ type }) => type),
      ["instance.restarting", "instance.drifted", "instance.restarting"],
    );
  });

  it("is a restart by hand as supervisord's own log has it: the process was stopped", async () => {
    const { told } = await run((fleet) => fleet.process("host-2", "web:1").meddle("restart"));
    assert.equal(told.length, 1);
    assert.match(
      told[0] ?? "",
      /^host-2 web:1 changed since the preview, not by this rollout: it was RUNNING on pid \d+/,
    );
  });

  it("is not what Supervisor does itself: it starts again what has crashed, and finishes a start that was seen in the preview", async () => {
    const crashed = await run((fleet) => {
      const process = fleet.process("host-2", "web:1");
      process["ended"](false);
    });
    assert.deepEqual(crashed.told, []);
    assert.equal(crashed.outcome, "succeeded");
    for (const state of ["STARTING", "BACKOFF"] as const) {
      const finished = await run(
        (fleet) => (fleet.process("host-2", "web:1").state = "RUNNING"),
        (fleet) => (fleet.process("host-2", "web:1").state = state),
      );
      assert.deepEqual(finished.told, [], state);
    }
  });

  it("is not what this rollout does itself", async () => {
    const { told } = await run(() => undefined);
    assert.deepEqual(told, []);
  });
});
