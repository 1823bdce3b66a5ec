import assert from "node:assert/strict";
import { FULL, itInFull } from "../amount.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { unfoldedRestarts } from "../planner/preview/unfold.ts";
import { observe } from "../fleet/observer.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import { Gate, eventsOf, orchestrate, restartedIn, startOrchestrate, writePlan } from "./orchestrate.ts";

const HOSTS = ["host-1", "host-2", "host-3"];
const INSTANCES = ["web:web_00", "web:web_01", "web:web_02", "web:web_03"];
const ALL_IN_ORDER = HOSTS.flatMap((host) => INSTANCES.map((instance) => `${host} ${instance}`));

async function pidsOf(fleet: Fleet): Promise<Map<string, number>> {
  const hosts = await Promise.all(fleet.hosts.map(async (host) => ({ host, processes: await host.processes() })));
  return new Map(
    hosts.flatMap(({ host, processes }) =>
      processes.map(({ instance, pid }) => [`${host.name} ${instance}`, pid] as const),
    ),
  );
}

function unchanged(before: Map<string, number>, after: Map<string, number>): string[] {
  return [...before].filter(([instance, pid]) => after.get(instance) === pid).map(([instance]) => instance);
}

describeEachWay("a rollout on three real hosts with four instances each", (reachedBy) => {
  let fleet: Fleet;
  beforeEach(async () => void (fleet = await raiseFleet({ hosts: 3, reachedBy })));
  afterEach(() => fleet.down());

  it("restarts all twelve, exits 0, and never had more down than the batch sizes allow", async () => {
    const plan = await writePlan(fleet, { batches: { hosts: 2, instances: 2 } });
    const before = await pidsOf(fleet);
    const observed = await observe(fleet);
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(unchanged(before, await pidsOf(fleet)), []);
    const observation = await observed();
    const down = observation.mostDown();
    assert.ok(observation.hostsDownAtOnce() <= 2, `${observation.hostsDownAtOnce()} hosts had something down at once`);
    assert.deepEqual(
      Object.values(down.perHost).filter((most) => most > 2),
      [],
    );
    assert.ok(down.overall > 0, "the observer saw nothing of a rollout");
  });

  it("takes the very instances, in the very order, that the dry run named; and the dry run changed nothing", async () => {
    const plan = await writePlan(fleet, {
      groups: { last: { hosts: "host-1" }, first: { hosts: ["*", "!@last"] } },
      rollout: [{ group: "first" }, { group: "last" }],
    });
    const before = await pidsOf(fleet);
    const preview = await orchestrate(plan, "--dry-run");
    assert.equal(preview.code, 0, preview.stderr);
    assert.deepEqual(unchanged(before, await pidsOf(fleet)), ALL_IN_ORDER);
    const named = unfoldedRestarts(preview.stdout);
    const run = await orchestrate(plan, "--output", "json");
    assert.deepEqual(restartedIn(eventsOf(run)), named);
    assert.equal(named.length, 12);
    assert.ok(named[0]?.startsWith("host-2"), "the waves are not in the rollout's order");
  });

  it("leaves no trace of a dry run or a status in supervisord's own log", async () => {
    const plan = await writePlan(fleet);
    const before = await Promise.all(fleet.hosts.map((host) => host.supervisordLog()));
    const { code } = await orchestrate(plan, "--dry-run", "--output", "json");
    assert.equal(code, 0);
    assert.equal((await orchestrate("status", plan)).code, 0);
    assert.deepEqual(await Promise.all(fleet.hosts.map((host) => host.supervisordLog())), before);
  });

  /** On a busy machine a supervisord that is late takes an instance that exits within startsecs for RUNNING. */
  async function giveSupervisordTime(): Promise<void> {
    await fleet.down();
    const groups = [{ name: "web", processes: 4, startsecs: 4, startretries: 2 }];
    fleet = await raiseFleet({ hosts: 3, groups, reachedBy });
  }

  const failures = [
    { what: "crashes at start", behaviour: { kind: "crash_at_start" }, code: "fatal", log: true },
    { what: "has lost its file", behaviour: { kind: "file_gone" }, code: "stayed_stopped", log: false },
    { what: "dies 3 s after RUNNING", behaviour: { kind: "crash_after", seconds: 4 }, code: "flapping", log: true },
  ] as const;
  for (const { what, behaviour, code, log } of FULL ? failures : failures.slice(0, 1))
    it(`halts with ${code} at an instance that ${what}: exit 1, its reason and log are shown, the rest keep their pids`, async () => {
      if (behaviour.kind === "crash_at_start") await giveSupervisordTime();
      const plan = await writePlan(fleet, {
        timings: { between_checks: "1s", between_restarts: "0s", min_healthy_time: "5s" },
      });
      await fleet.host("host-1").behave("web:web_01", behaviour);
      const before = await pidsOf(fleet);
      const ended = await orchestrate(plan, "--output", "plain");
      assert.equal(ended.code, 1, ended.stdout + ended.stderr);
      assert.match(ended.stdout, new RegExp(`host-1 web:web_01: .*\\(?${code}`));
      if (log) {
        const lines = (await fleet.host("host-1").instanceLog("web:web_01", "stderr")).trim().split("\n");
        assert.ok(ended.stdout.includes(lines.at(-1)!), "the end of its stderr log is not shown");
      }
      assert.deepEqual(unchanged(before, await pidsOf(fleet)), ALL_IN_ORDER.slice(2));
    });

  itInFull("goes on after BACKOFF that recovers", async () => {
    await giveSupervisordTime();
    const plan = await writePlan(fleet, { batches: { hosts: 3, instances: 2 } });
    await fleet.host("host-2").behave("web:web_01", { kind: "recovers", failures: 2 });
    const before = await pidsOf(fleet);
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stderr);
    const seen = eventsOf(ended).flatMap((event) =>
      event.type === "instance.observed" && event.host === "host-2" ? [event.state] : [],
    );
    assert.ok(seen.includes("BACKOFF"), `it was never seen in BACKOFF: ${seen.join(" ")}`);
    assert.deepEqual(unchanged(before, await pidsOf(fleet)), []);
  });

  itInFull("skips what was STOPPED before, and tells it", async () => {
    const plan = await writePlan(fleet, { batches: { hosts: 3, instances: 4 } });
    await fleet.host("host-1").stop("web:web_00");
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stderr);
    const events = eventsOf(ended);
    assert.deepEqual(restartedIn(events).sort(), ALL_IN_ORDER.slice(1));
    assert.deepEqual(
      events.flatMap((event) => (event.type === "instance.skipped" ? [`${event.host} ${event.instance}`] : [])),
      ["host-1 web:web_00"],
    );
    assert.equal((await fleet.host("host-1").process("web:web_00")).state, "STOPPED");
  });

  it("ends the instance under way healthy after Ctrl-C, starts nothing further, and exits 4", async () => {
    const gate = new Gate(fleet.dir);
    const plan = await writePlan(fleet, { checks: gate.checks });
    const before = await pidsOf(fleet);
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(() => running.stdout().includes("instance.restarting"), { deadlineMs: 60_000 });
    running.child.kill("SIGINT");
    await until(() => running.stdout().includes("rollout.interrupted"), { deadlineMs: 60_000 });
    await gate.open();
    const ended = await running.ended;
    assert.equal(ended.code, 4, ended.stderr);
    const events = eventsOf(ended);
    assert.deepEqual(restartedIn(events), ["host-1 web:web_00"]);
    assert.equal(events.filter(({ type }) => type === "instance.healthy").length, 1);
    assert.deepEqual(unchanged(before, await pidsOf(fleet)), ALL_IN_ORDER.slice(1));
  });

  it("leaves at once after a second Ctrl-C, and the restart under way completes on its host", async () => {
    const plan = await writePlan(fleet);
    await fleet.host("host-1").restartAs("web:web_00", { kind: "held_stop" });
    const before = await pidsOf(fleet);
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(async () => (await fleet.host("host-1").process("web:web_00")).state === "STOPPING", {
      deadlineMs: 60_000,
    });
    running.child.kill("SIGINT");
    await until(() => running.stdout().includes("rollout.interrupted"), { deadlineMs: 60_000 });
    running.child.kill("SIGINT");
    const ended = await running.ended;
    await fleet.host("host-1").letStop("web:web_00");
    assert.equal(ended.code, 4, ended.stderr);
    const finished = eventsOf(ended).at(-1);
    assert.deepEqual(finished?.type === "rollout.finished" && finished.counts, {
      healthy: 0,
      failed: 1,
      skipped: 0,
      untouched: 11,
    });
    await until(async () => (await pidsOf(fleet)).get("host-1 web:web_00") !== before.get("host-1 web:web_00"), {
      deadlineMs: 20_000,
    });
    await until(async () => (await fleet.host("host-1").process("web:web_00")).state === "RUNNING", {
      deadlineMs: 20_000,
    });
  });

  itInFull("finishes the gate elsewhere after a failure, and begins nothing there", async () => {
    const gate = new Gate(fleet.dir);
    const others = new Gate(fleet.dir, "others-have-begun");
    const hooks = { before_restart: `[ {host} != host-2 ] || ${others.waiting}` };
    const plan = await writePlan(fleet, { batches: { hosts: 3 }, checks: gate.checks, hooks });
    await fleet.host("host-2").behave("web:web_00", { kind: "file_gone" });
    const running = startOrchestrate([plan, "--output", "json"]);
    const begun = () => running.stdout().match(/"instance.restarting"/g)?.length === 2;
    await until(begun, { deadlineMs: 60_000, what: "the others have begun" });
    await others.open();
    await until(() => running.stdout().includes("rollout.halted"), { deadlineMs: 60_000 });
    await gate.open();
    const ended = await running.ended;
    assert.equal(ended.code, 1);
    const finished = eventsOf(ended).at(-1);
    assert.deepEqual(finished?.type === "rollout.finished" && finished.counts, {
      healthy: 2,
      failed: 1,
      skipped: 0,
      untouched: 9,
    });
  });
});
