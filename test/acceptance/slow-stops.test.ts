import assert from "node:assert/strict";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import { eventsOf, orchestrate, quickTimings, writePlan } from "./orchestrate.ts";

const WORKER = "web:web_00";

describeEachWay("a worker that may take an hour to stop", (reachedBy) => {
  let fleet: Fleet;
  before(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 1, stopwaitsecs: 3600 }], reachedBy });
    await fleet.host("host-1").restartAs(WORKER, { kind: "held_stop" });
  });
  after(() => fleet.down());

  it("is warned of, with the deadline to set, without server_url", async () => {
    const plan = await writePlan(fleet);
    const preview = await orchestrate(plan, "--dry-run");
    assert.match(
      preview.stdout,
      /host-1 web:web_00: Supervisor may take 3600s to stop it \(stopwaitsecs\), and stop_deadline is 1m: .*; set timings\.stop_deadline: 1h1m$/m,
    );
    const patient = await writePlan(fleet, { timings: { ...quickTimings, stop_deadline: "1h1m" } }, "patient");
    assert.doesNotMatch((await orchestrate(patient, "--dry-run")).stdout, /stopwaitsecs/);
  });

  it("counts as done by --resume once its restart has completed by itself, and is not restarted again", async () => {
    const host = fleet.host("host-1");
    const before = await host.process(WORKER);
    const timings = { ...quickTimings, stop_deadline: "1s" };
    const plan = await writePlan(fleet, { timings }, "impatient");
    const halted = await orchestrate(plan, "--output", "json");
    assert.equal(halted.code, 1, halted.stderr);
    const failed = eventsOf(halted).flatMap((event) => (event.type === "instance.failed" ? [event.code] : []));
    assert.deepEqual(failed, ["stop_deadline"]);
    assert.equal((await host.process(WORKER)).state, "STOPPING");
    await host.letStop(WORKER);
    const isBack = async () => (await host.process(WORKER)).state === "RUNNING";
    await until(isBack, { deadlineMs: 60_000, what: "the restart completes by itself" });
    const late = await host.process(WORKER);
    assert.notEqual(late.pid, before.pid);
    const resumed = await orchestrate(plan, "--resume", "--output", "json");
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    const healthy = eventsOf(resumed).flatMap((event) => (event.type === "instance.healthy" ? [event.pid] : []));
    assert.deepEqual(healthy, [late.pid]);
    assert.equal((await host.process(WORKER)).pid, late.pid);
  });
});
