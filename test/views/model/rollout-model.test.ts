import assert from "node:assert/strict";
import type { EventOf, RecordedEvent } from "../../../src/domain/events.ts";
import type { HostName, InstanceName } from "../../../src/domain/ids.ts";
import { RolloutModel } from "../../../src/views/model/rollout-model.ts";
import type { StatusCounts } from "../../../src/views/model/status.ts";
import { failed, healthy, planned, restarting, unchanged } from "../rollout-script.ts";
import { simulatedJournal } from "../simulated-journal.ts";

const PLAN = planned({
  waves: [{ group: "web", hosts: ["web-01"], hostsAtOnce: 1 }],
  instances: ["web:0", "web:1"],
});

/** It crashes at every start, so that the rollout halts with some instances failed and some untouched. */
function halting(): Promise<RecordedEvent[]> {
  return simulatedJournal({
    hosts: 6,
    instances: 3,
    hostsAtOnce: 2,
    prepare: (fleet) => fleet.behave("host-4", "web:1", { crashesAtStart: Infinity }),
  });
}

function sum(counts: readonly StatusCounts[]): StatusCounts {
  const total: StatusCounts = { untouched: 0, under_restart: 0, indeterminate: 0, healthy: 0, failed: 0, skipped: 0 };
  for (const each of counts)
    for (const status of Object.keys(total) as (keyof StatusCounts)[]) total[status] += each[status];
  return total;
}

describe("the model of a rollout", () => {
  it("has the same counts for its instances, hosts, batches and waves after every event", async () => {
    const model = new RolloutModel();
    for (const event of await halting()) {
      model.apply(event);
      const batches = model.waves.flatMap((wave) => wave.batches);
      const hosts = batches.flatMap((batch) => batch.hosts);
      const { counts } = model.instances;
      assert.deepEqual(sum(model.waves.map((wave) => wave.counts)), counts, event.type);
      assert.deepEqual(sum(batches.map((batch) => batch.counts)), counts, event.type);
      assert.deepEqual(sum(hosts.map((host) => host.counts)), counts, event.type);
      for (const status of Object.keys(counts) as (keyof StatusCounts)[])
        assert.equal(model.instances.withStatus(status).length, counts[status], `${event.type}: ${status}`);
    }
    assert.deepEqual([model.finished?.outcome, model.instances.counts.failed], ["halted", 1]);
  });

  it("ends with the counts that the rollout itself reports", async () => {
    const events = await halting();
    const { healthy, failed, skipped, untouched } = RolloutModel.of(events).instances.counts;
    const end = events.at(-1) as EventOf<"rollout.finished">;
    assert.deepEqual({ healthy, failed, skipped, untouched }, end.counts);
  });

  it("lets a failure of several instances stand until the last of them is healthy", () => {
    const model = RolloutModel.of([PLAN, both()]);
    assert.equal(model.failed().length, 1);
    for (const event of [restarting("web-01", "web:0"), healthy("web-01", "web:0")]) model.apply(event);
    assert.equal(model.failed().length, 1, "web:1 is still failed");
    for (const event of [restarting("web-01", "web:1"), healthy("web-01", "web:1")]) model.apply(event);
    assert.deepEqual([model.failed(), model.incidents.failures.size], [[], 0]);
  });

  it("lists a failure that comes back after a retry where it happened last", () => {
    const first = broken("web:0");
    const model = RolloutModel.of([PLAN, first, broken("web:1"), healthy("web-01", "web:0"), first]);
    assert.deepEqual(
      model.failed().map(({ instance }) => instance),
      ["web:1", "web:0"],
    );
  });

  it("takes an instance whose restart was not done for what it was before", () => {
    const model = RolloutModel.of([
      PLAN,
      broken("web:0"),
      restarting("web-01", "web:0"),
      unchanged("web-01", "web:0", "it is on its old pid"),
    ]);
    for (const event of [restarting("web-01", "web:1"), unchanged("web-01", "web:1", "it is on its old pid")])
      model.apply(event);
    const statusOf = (name: string) => model.instances.statusOf("web-01" as HostName, name as InstanceName);
    assert.deepEqual([statusOf("web:0"), statusOf("web:1")], ["failed", "untouched"]);
  });
});

function broken(instance: string): EventOf<"instance.failed"> {
  return failed("web-01", instance, "fatal", "it is FATAL") as EventOf<"instance.failed">;
}

function both(): EventOf<"instance.failed"> {
  return { ...broken("web:0"), also: ["web:1" as InstanceName] };
}
