import { keyOf } from "../../src/domain/ids.ts";
import assert from "node:assert/strict";
import type { RolloutEvent } from "../../src/domain/events.ts";
import type { SimBehaviour } from "./sim-process.ts";
import { simulate, type Simulated } from "./simulate.ts";
import { simulated } from "./rollouts.ts";
import { FULL } from "../amount.ts";

type TimedEvent = Simulated["events"][number];

function ofType<T extends RolloutEvent["type"]>(
  events: readonly TimedEvent[],
  type: T,
): Extract<TimedEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TimedEvent, { type: T }> => event.type === type);
}

/** What was restarted, in order. */
function restarted({ events }: Simulated): string[] {
  return ofType(events, "instance.restarting").map(({ host, instance }) => keyOf({ host, instance }));
}

function countsOf({ events }: Simulated) {
  return ofType(events, "rollout.finished")[0]?.counts;
}

function pidsOf(fleet: ReturnType<typeof simulated>["fleet"]): Map<string, number | undefined> {
  return new Map(
    [...fleet.hosts].flatMap(([host, processes]) =>
      [...processes].map(([instance, process]) => [keyOf({ host, instance }), process.pid] as const),
    ),
  );
}

describe("the machine over a simulated fleet", () => {
  it("restarts every instance once, host by host, in order, and ends succeeded", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 2, instances: 3 });
    const run = await simulate(rollout(), fleet, time);
    assert.equal(run.outcome, "succeeded");
    assert.deepEqual(restarted(run), [
      "host-1 web:0",
      "host-1 web:1",
      "host-1 web:2",
      "host-2 web:0",
      "host-2 web:1",
      "host-2 web:2",
    ]);
    assert.deepEqual(countsOf(run), { healthy: 6, failed: 0, skipped: 0, untouched: 0 });
  });

  it("rests between a host's restarts and between batches, and never after the last", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 3, instances: 2, timings: { between_batches_ms: 60_000 } });
    const run = await simulate(rollout(), fleet, time);
    assert.equal(ofType(run.events, "host.resting").length, 3);
    assert.equal(ofType(run.events, "batch.resting").length, 2);
    const [lastHealthy, finished] = run.events
      .filter(({ type }) => type === "instance.healthy" || type === "wave.finished")
      .slice(-2);
    assert.equal(finished?.atMs, lastHealthy?.atMs);
  });

  it("never has more hosts or instances under restart than the batch sizes say", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 7, instances: 5, hostsAtOnce: 3, instancesAtOnce: 2 });
    const underRestart = new Map<string, number>();
    const most = { hosts: 0, instances: 0 };
    await simulate(rollout(), fleet, time, {
      onEvent(event) {
        if (event.type === "instance.restarting") underRestart.set(event.host, (underRestart.get(event.host) ?? 0) + 1);
        if (event.type === "instance.healthy") underRestart.set(event.host, (underRestart.get(event.host) ?? 0) - 1);
        const counts = [...underRestart.values()].filter((count) => count > 0);
        most.hosts = Math.max(most.hosts, counts.length);
        most.instances = Math.max(most.instances, ...counts);
      },
    });
    assert.deepEqual(most, { hosts: 3, instances: 2 });
  });

  const failing: [string, Partial<SimBehaviour>, string][] = [
    ["crashes at every start", { crashesAtStart: Infinity }, "fatal"],
    ["has lost its file", { fileGone: true }, "stayed_stopped"],
    ["dies 3 s after RUNNING", { diesAfterMs: 3000 }, "flapping"],
    ["does not stop", { stopMs: 1e9 }, "stop_deadline"],
    ["is not RUNNING in time", { startsecsMs: 1e9 }, "healthy_deadline"],
  ];
  for (const [what, behaviour, code] of failing)
    it(`halts with ${code} for an instance that ${what}, and touches nothing further`, async () => {
      const { time, fleet, rollout } = simulated({ hosts: 3, instances: 4 });
      fleet.behave("host-2", "web:1", behaviour);
      const before = pidsOf(fleet);
      const run = await simulate(rollout(), fleet, time);
      assert.equal(run.outcome, "halted");
      const [failed] = ofType(run.events, "instance.failed");
      assert.deepEqual([failed?.host, failed?.instance, failed?.code], ["host-2", "web:1", code]);
      assert.equal(ofType(run.events, "rollout.halted")[0]?.code, code);
      assert.deepEqual(countsOf(run), { healthy: 5, failed: 1, skipped: 0, untouched: 6 });
      for (const untouched of ["host-2 web:2", "host-2 web:3", "host-3 web:0", "host-3 web:3"])
        assert.equal(pidsOf(fleet).get(untouched), before.get(untouched));
    });

  it("continues after BACKOFF that recovers", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 3 });
    fleet.behave("host-1", "web:1", { crashesAtStart: 2 });
    const run = await simulate(rollout(), fleet, time);
    assert.equal(run.outcome, "succeeded");
    assert.equal(restarted(run).length, 3);
  });

  it("lets the other hosts of a batch finish their gate after a failure, and begins nothing on them", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 3, instances: 4, hostsAtOnce: 3 });
    fleet.behave("host-2", "web:0", { fileGone: true });
    const run = await simulate(rollout(), fleet, time);
    assert.deepEqual(countsOf(run), { healthy: 2, failed: 1, skipped: 0, untouched: 9 });
    assert.deepEqual(restarted(run), ["host-1 web:0", "host-2 web:0", "host-3 web:0"]);
  });

  it("leaves alone what is STOPPED, also what was stopped since the preview, and reports it", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 3 });
    fleet.process("host-1", "web:0").state = "STOPPED";
    const planned = rollout();
    fleet.process("host-1", "web:1").state = "STOPPED";
    const run = await simulate(planned, fleet, time);
    assert.deepEqual(restarted(run), ["host-1 web:2"]);
    assert.deepEqual(countsOf(run), { healthy: 1, failed: 0, skipped: 2, untouched: 0 });
    assert.deepEqual(
      ofType(run.events, "instance.skipped").map(({ instance, why }) => `${instance}: ${why}`),
      ["web:0: it was STOPPED before the rollout", "web:1: it has become STOPPED since the preview"],
    );
  });

  it("compares with the pid at the restart, not with the one at the preview", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1 });
    const planned = rollout();
    const process = fleet.process("host-1", "web:0");
    process.pid = 77;
    // The restart does nothing at all, so it must not pass for a new process.
    process.restart = (done) => done("nothing");
    const run = await simulate(planned, fleet, time);
    assert.equal(ofType(run.events, "instance.failed")[0]?.code, "not_restarted");
  });

  it("finishes what is in progress after an interrupt and begins nothing further", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 2, instances: 3 });
    const run = await simulate(rollout(), fleet, time, {
      onEvent: (event, feed) =>
        event.type === "instance.restarting" &&
        event.instance === "web:1" &&
        feed({ type: "interrupted", signal: "SIGINT" }),
    });
    assert.equal(run.outcome, "interrupted");
    assert.deepEqual(countsOf(run), { healthy: 2, failed: 0, skipped: 0, untouched: 4 });
  });

  it("ends at once when interrupted in a rest", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2 });
    const run = await simulate(rollout(), fleet, time, {
      onEvent: (event, feed) => event.type === "host.resting" && feed({ type: "interrupted", signal: "SIGTERM" }),
    });
    assert.equal(run.outcome, "interrupted");
    assert.equal(run.events.at(-1)?.atMs, ofType(run.events, "host.resting")[0]?.atMs);
  });

  it("is halted, not interrupted, when what was in progress fails after the interrupt", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 3 });
    fleet.behave("host-1", "web:0", { fileGone: true });
    const run = await simulate(rollout(), fleet, time, {
      onEvent: (event, feed) => event.type === "instance.restarting" && feed({ type: "interrupted", signal: "SIGINT" }),
    });
    assert.equal(run.outcome, "halted");
  });

  it("leaves at once when asked twice, and says what it left in progress", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 3 });
    const run = await simulate(rollout(), fleet, time, {
      onEvent(event, feed) {
        if (event.type !== "instance.restarting") return;
        feed({ type: "interrupted", signal: "SIGINT" });
        feed({ type: "abandoned" });
      },
    });
    assert.equal(run.outcome, "interrupted");
    assert.equal(ofType(run.events, "instance.indeterminate")[0]?.instance, "web:0");
    assert.deepEqual(countsOf(run), { healthy: 0, failed: 1, skipped: 0, untouched: 2 });
  });
});

const [MOST, FEWER] = FULL ? [10_000, 1000] : [1000, 250];

describe(`a rollout of ${MOST} hosts x 8`, () => {
  /** How many inputs a rollout takes is what its time grows with, and unlike time it is the same on every run. */
  async function work(hosts: number) {
    const { time, fleet, rollout } = simulated({ hosts, instances: 8, hostsAtOnce: 500, instancesAtOnce: 2 });
    let events = 0;
    const run = await simulate(rollout(), fleet, time, { keepEvents: false, onEvent: () => events++ });
    assert.equal(run.outcome, "succeeded");
    return events;
  }

  it(`ends, with work that grows linearly from ${FEWER} hosts`, async () => {
    const perHost = (await work(FEWER)) / FEWER;
    assert.ok(Math.abs((await work(MOST)) / MOST / perHost - 1) < 0.01);
  });
});
