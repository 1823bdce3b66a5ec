import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import {
  Gate,
  eventsOf,
  orchestrate,
  quickTimings,
  restartedIn,
  startOrchestrate,
  writePlan,
  type Ended,
} from "./orchestrate.ts";
import { FULL, itInFull } from "../amount.ts";

function haltCode(ended: Ended): string | undefined {
  return eventsOf(ended).flatMap((event) => (event.type === "rollout.halted" ? [event.code] : []))[0];
}

describeEachWay("what keeps a rollout safe, on real hosts", (reachedBy) => {
  let fleet: Fleet;
  beforeEach(
    async () => void (fleet = await raiseFleet({ hosts: 2, groups: [{ name: "web", processes: 2 }], reachedBy })),
  );
  afterEach(() => fleet.down());

  it("a canary that dies during its pause halts the rollout with regressed", async () => {
    const groups = { canary: { hosts: "host-1" }, rest: { hosts: "host-2" } };
    const rollout = [{ group: "canary", pause: "5m" }, { group: "rest" }];
    const plan = await writePlan(fleet, { groups, rollout });
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(() => running.stdout().includes('"rollout.paused"'), { deadlineMs: 30_000 });
    await fleet.host("host-1").stop("web:web_01");
    const ended = await running.ended;
    assert.equal(ended.code, 1, ended.stderr);
    assert.equal(haltCode(ended), "regressed");
    assert.deepEqual(restartedIn(eventsOf(ended)), ["host-1 web:web_00", "host-1 web:web_01"]);
  });

  it("with min_healthy it waits for what broke meanwhile, says so, and goes on when it is back", async () => {
    const gate = new Gate(fleet.dir);
    const plan = await writePlan(fleet, { limits: { min_healthy: 3 }, checks: gate.checks });
    const broken = fleet.host("host-2");
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(() => running.stdout().includes('"instance.restarting"'), { deadlineMs: 60_000 });
    await broken.stop("web:web_01");
    await gate.open();
    await until(() => running.stdout().includes('"instance.waiting"'), { deadlineMs: 60_000 });
    await broken.start("web:web_01");
    const ended = await running.ended;
    assert.equal(ended.code, 0, ended.stdout);
    assert.equal(restartedIn(eventsOf(ended)).length, 4);
  });

  it("refuses a floor above what there is, before the first change", async () => {
    const plan = await writePlan(fleet, { limits: { min_healthy: 5 } });
    const ended = await orchestrate(plan);
    assert.equal(ended.code, 3);
    assert.match(ended.stderr, /floor_impossible/);
  });

  it("refuses a floor under which nothing could ever be restarted, before the first change, and says what would do", async () => {
    const plan = await writePlan(fleet, { limits: { min_healthy: 4 } });
    for (const dry of [["--dry-run"], []]) {
      const ended = await orchestrate(plan, ...dry);
      assert.equal(ended.code, 3, ended.stdout);
      assert.match(
        ended.stderr,
        /min_healthy: 4 keeps 4 of 4 web healthy.*at most 3 would allow one restart at a time/,
      );
    }
  });

  itInFull(
    "a service that becomes ready late passes its check; one that never does halts with check_failed",
    async () => {
      const checks = [{ command: `test -e ${fleet.dir}/{host}/ready/{process}` }];
      const plan = await writePlan(fleet, { checks, batches: { hosts: 2, instances: 2 } });
      await fleet.host("host-1").behave("web:web_00", { kind: "slow_start", seconds: 3 });
      const late = await orchestrate(plan, "--output", "json");
      assert.equal(late.code, 0, late.stdout);
      const never = [{ command: "test -e /no/such/file" }];
      const failing = await writePlan(fleet, {
        checks: never,
        timings: { between_checks: "200ms", healthy_deadline: "10s", min_healthy_time: "100ms" },
      });
      const ended = await orchestrate(failing, "--output", "json");
      assert.equal(ended.code, 1);
      assert.equal(haltCode(ended), "check_failed");
    },
  );

  itInFull("a check that hangs halts with check_timed_out, from the host and from here", async () => {
    const timings = { ...quickTimings, healthy_deadline: "10s" };
    const check = { command: "sleep 600", timeout: "1s" };
    for (const each of [{ ...check, from: "controller" }, ...(FULL ? [check] : [])]) {
      const plan = await writePlan(fleet, { checks: [each], timings });
      const ended = await orchestrate(plan, "--output", "json");
      assert.equal(ended.code, 1, ended.stdout + ended.stderr);
      assert.equal(haltCode(ended), "check_timed_out");
    }
  });

  if (FULL)
    it("an instance that dies 10 s after RUNNING is flapping where min_healthy_time is 15 s", async () => {
      await fleet.host("host-1").behave("web:web_00", { kind: "crash_after", seconds: 10 });
      const plan = await writePlan(fleet, { timings: { ...quickTimings, min_healthy_time: "15s" } });
      const ended = await orchestrate(plan, "--output", "json");
      assert.equal(ended.code, 1, ended.stdout + ended.stderr);
      assert.equal(haltCode(ended), "flapping");
      assert.deepEqual(restartedIn(eventsOf(ended)), ["host-1 web:web_00"]);
    });

  it("drains before and enables after each restart, and names what is still drained after a failure", async () => {
    const log = join(fleet.dir, "hooks.log");
    const hooks = {
      before_restart: `echo drain {host} {process} >> ${log}`,
      after_healthy: `echo enable {host} {process} >> ${log}`,
      on_failure: `echo page {host} {instance} {reason} >> ${log}`,
    };
    const plan = await writePlan(fleet, { hooks });
    await fleet.host("host-1").behave("web:web_01", { kind: "file_gone" });
    const ended = await orchestrate(plan, "--output", "plain");
    assert.equal(ended.code, 1, ended.stdout);
    assert.match(ended.stdout, /still drained/);
    const lines = (await readFile(log, "utf8")).trim().split("\n");
    assert.deepEqual(lines.slice(0, 3), ["drain host-1 web_00", "enable host-1 web_00", "drain host-1 web_01"]);
    assert.match(lines[3] ?? "", /^page host-1 web:web_01 it is STOPPED/);
    assert.equal(lines.length, 4);
  });

  itInFull(
    "tolerates as many failures as the plan says, and exits 1 for an incomplete rollout, which can be gone on with",
    async () => {
      const plan = await writePlan(fleet, { limits: { max_failures: 1 } });
      await fleet.host("host-1").behave("web:web_00", { kind: "file_gone" });
      const ended = await orchestrate(plan, "--output", "json");
      assert.equal(ended.code, 1);
      const finished = eventsOf(ended).at(-1);
      assert.deepEqual(finished?.type === "rollout.finished" && [finished.outcome, finished.counts], [
        "incomplete",
        { healthy: 3, failed: 1, skipped: 0, untouched: 0 },
      ]);
      await fleet.host("host-1").behave("web:web_00", { kind: "healthy" });
      const unnamed = await orchestrate(plan, "--resume");
      assert.equal(unnamed.code, 2);
      assert.ok(unnamed.stderr.includes(`try again what failed in its last one: --resume ${finished!.rollout}`));
      const resumed = await orchestrate(plan, "--output", "json", "--resume", finished!.rollout);
      assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
      assert.deepEqual(restartedIn(eventsOf(resumed)), ["host-1 web:web_00"]);
    },
  );

  itInFull("slides: a free slot is filled at once, within the sizes", async () => {
    const plan = await writePlan(fleet, { batches: { hosts: 2, instances: 1, mode: "sliding" } });
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout);
    assert.equal(restartedIn(eventsOf(ended)).length, 4);
  });
});
