import assert from "node:assert/strict";
import type { RolloutEvent } from "../../src/domain/events.ts";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import type { LeftoverPolicy } from "../../src/domain/settings.ts";
import { simulated, type Sizes } from "./rollouts.ts";
import { healthy } from "./sim-process.ts";
import { simulate, type SimulateOptions } from "./simulate.ts";

const MIN_HEALTHY_MS = 5000;

/** Runs a rollout over a host whose first instance leaves a child behind for so long. */
async function run(
  leavesForMs: number | undefined,
  {
    sizes = {},
    policy = "fail",
    ...options
  }: { sizes?: Partial<Sizes>; policy?: LeftoverPolicy } & SimulateOptions = {},
) {
  const made = simulated({ hosts: 1, instances: 2, timings: { min_healthy_time_ms: MIN_HEALTHY_MS }, ...sizes });
  const { fleet, time } = made;
  if (leavesForMs !== undefined) fleet.add("host-1" as HostName, "web:0" as InstanceName, { ...healthy, leavesForMs });
  const looks: number[] = [];
  const processes = fleet.processes.bind(fleet);
  fleet.processes = (...asked) => {
    looks.push(time.now);
    return processes(...asked);
  };
  const ran = await simulate(withPolicy(made.rollout(), policy), fleet, time, options);
  const types = (type: RolloutEvent["type"]) => ran.events.filter((event) => event.type === type);
  const failed = ran.events.flatMap((event) => (event.type === "instance.failed" ? [event.code] : []));
  return { ...ran, fleet, looks, failed, left: types("instance.leftovers").length, healthy: types("instance.healthy") };
}

function withPolicy(rollout: Rollout, leftovers: LeftoverPolicy): Rollout {
  const waves = rollout.waves.map((wave) => ({
    ...wave,
    batches: wave.batches.map((batch) => ({ ...batch, hosts: batch.hosts.map((work) => ({ ...work, leftovers })) })),
  }));
  return { ...rollout, waves };
}

describe("what an instance leaves behind, in the simulator", () => {
  it("fails it once the new process is proven, and nothing further is restarted", async () => {
    const { outcome, failed, left, events } = await run(Infinity);
    assert.deepEqual([outcome, failed, left], ["halted", ["leftovers"], 1]);
    assert.equal(events.filter(({ type }) => type === "instance.restarting").length, 1);
  });

  it("is nothing to speak of where it ends within min_healthy_time", async () => {
    const { outcome, left, healthy: proven } = await run(MIN_HEALTHY_MS - 1000);
    assert.deepEqual([outcome, left, proven.length], ["succeeded", 0, 2]);
  });

  it("is asked for by one look for all instances that wait for one, and never again once there is nothing left", async () => {
    const { outcome, looks } = await run(undefined, { sizes: { instances: 6, instancesAtOnce: 6 } });
    // The first to come back asks at once, all that come back meanwhile by one more.
    assert.deepEqual([outcome, looks.length], ["succeeded", 2]);
  });

  it("answers no check: none is asked before it is gone", async () => {
    const command = { kind: "command", command: "true", from: "host", timeout_ms: 1000 } as const;
    const asked: number[] = [];
    const made = simulated({ hosts: 1, instances: 1, timings: { min_healthy_time_ms: MIN_HEALTHY_MS } });
    const { fleet, time } = made;
    fleet.add("host-1" as HostName, "web:0" as InstanceName, { ...healthy, leavesForMs: 3000 });
    const rollout = made.rollout();
    const [wave] = rollout.waves;
    const waves = [{ ...wave!, batches: wave!.batches.map((batch) => checked(batch)) }];
    function checked(batch: (typeof rollout.waves)[number]["batches"][number]) {
      return { ...batch, hosts: batch.hosts.map((work) => ({ ...work, checks: [command] })) };
    }
    const ran = await simulate({ ...rollout, waves }, fleet, time, {
      onCheck: ({ host, instance }) => {
        asked.push(fleet.leftoversOf(host, instance).length);
        return { kind: "passed" };
      },
    });
    assert.deepEqual([ran.outcome, asked], ["succeeded", [0]]);
  });

  it("with `warn` is reported and tolerated; with `ignore` nobody looks", async () => {
    const warned = await run(Infinity, { policy: "warn" });
    assert.deepEqual([warned.outcome, warned.left, warned.healthy.length], ["succeeded", 1, 2]);
    const ignored = await run(Infinity, { policy: "ignore" });
    assert.deepEqual([ignored.outcome, ignored.left, ignored.looks], ["succeeded", 0, []]);
  });

  it("is named where the new process fails for another reason: it may hold its port", async () => {
    const made = simulated({ hosts: 1, instances: 1 });
    const { fleet, time } = made;
    fleet.add("host-1" as HostName, "web:0" as InstanceName, { ...healthy, leavesForMs: Infinity });
    fleet.behave("host-1", "web:0", { crashesAtStart: Infinity, leavesForMs: Infinity });
    const { events } = await simulate(made.rollout(), fleet, time);
    const failed = events.find((event) => event.type === "instance.failed");
    assert.ok(failed?.type === "instance.failed");
    assert.equal(failed.code, "fatal");
    assert.match(failed.reason, /pid \d+ \(a child of web:0\) of its old process group was still running/);
  });

  it("is looked for again when the operator has the failed instance restarted", async () => {
    let asked = 0;
    const { failed, events } = await run(Infinity, {
      sizes: { onFailure: "ask" },
      onQuestion: () => ({ answer: asked++ === 0 ? "retry" : "stop", afterMs: 1000 }),
    });
    assert.deepEqual(failed, ["leftovers", "leftovers"]);
    const processes = events.flatMap((event) => (event.type === "instance.leftovers" ? [event.processes.length] : []));
    assert.deepEqual(processes, [1, 2]);
  });
});
