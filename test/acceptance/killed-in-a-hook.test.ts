import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { RecordedEvent } from "../../src/domain/events.ts";
import { readJournal } from "../../src/state/read-journal.ts";
import { FULL, itInFull, sampled } from "../amount.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import { Gate, eventsOf, orchestrate, restartedIn, startOrchestrate, writePlan } from "./orchestrate.ts";

const HOOKS = [
  "before_rollout",
  "before_host",
  "before_restart",
  "after_healthy",
  "after_host",
  "before_wave",
  "before_batch",
  "after_batch",
  "after_wave",
  "after_rollout",
] as const;

describeEachWay("a controller that is killed (kill -9) in the middle of a hook", (reachedBy) => {
  let fleet: Fleet;
  let kills = 0;
  before(async () => void (fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 2 }], reachedBy })));
  after(() => fleet.down());

  /** Kills it as soon as the hook itself has started, on its host or here, and lets the hook go on. */
  async function killedIn(hook: (typeof HOOKS)[number], run: "host" | "controller" = "host") {
    kills += 1;
    const gate = new Gate(fleet.dir, `go-on-${kills}`);
    const started = join(fleet.dir, `started-${kills}`);
    const state = ["--state-dir", join(fleet.dir, `state-${kills}`)];
    const command = `touch ${started}; ${gate.waiting}`;
    const ofBatches = { before_batch: "true", after_batch: "true" };
    const others = {
      before_restart: "true",
      after_healthy: "true",
      before_host: "true",
      after_host: "true",
      ...ofBatches,
    };
    const isOfController = !/_(host|restart|healthy)$/.test(hook);
    const hooks = { ...others, [hook]: isOfController ? command : { command, run } };
    const plan = await writePlan(fleet, { hooks }, `plan-${kills}`);
    const running = startOrchestrate([plan, "--output", "json", ...state]);
    await until(() => existsSync(started), { deadlineMs: 60_000, everyMs: 1, what: `${hook} has started` });
    running.child.kill("SIGKILL");
    await running.ended;
    await gate.open();
    const [folder = ""] = await readdir(state[1]!);
    const [journal = ""] = await readdir(join(state[1]!, folder));
    const { events, damage } = readJournal(join(state[1]!, folder, journal));
    assert.equal(damage, undefined);
    return { plan, state, events, id: journal.replace(/\.ndjson$/, "") };
  }

  const startsOf = (events: readonly RecordedEvent[], hook: string) =>
    events.filter((event) => event.type === "hook.started" && event.hook === hook).length;

  for (const hook of sampled(HOOKS))
    it(`has written down before that it starts ${hook}`, async () => {
      const { plan, state, events } = await killedIn(hook);
      assert.equal(startsOf(events, hook), 1, JSON.stringify(events.map(({ type }) => type)));
      const resumed = await orchestrate(plan, "--output", "json", "--resume", "--wait-for-lock", "1m", ...state);
      const isAllDone = resumed.code === 2 && resumed.stderr.includes("no unfinished rollout");
      assert.ok(resumed.code === 0 || isAllDone, resumed.stdout + resumed.stderr);
    });

  for (const run of FULL ? (["host", "controller"] as const) : (["controller"] as const))
    it(`names what a drain hook on the ${run} may have drained, and a resume drains, restarts and enables it`, async () => {
      const { plan, state, id } = await killedIn("before_restart", run);
      const report = await orchestrate("report", id, ...state);
      assert.match(report.stdout, /^still drained\n {2}host-1 web:web_00\n/m);
      assert.match(report.stdout, new RegExp(`^ {4}orchestrate \\S+ --resume ${id} `, "m"));
      const preview = await orchestrate(plan, "--resume", "--dry-run", "--output", "json", ...state);
      const planned = eventsOf(preview).find((event) => event.type === "rollout.planned");
      assert.deepEqual(planned?.left_drained?.instances, [{ host: "host-1", instance: "web:web_00" }]);
      const resumed = await orchestrate(plan, "--output", "json", "--resume", "--wait-for-lock", "1m", ...state);
      assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
      assert.deepEqual(restartedIn(eventsOf(resumed)), ["host-1 web:web_00", "host-1 web:web_01"]);
      assert.equal(startsOf(eventsOf(resumed), "before_restart"), 2);
      assert.equal(startsOf(eventsOf(resumed), "after_healthy"), 2);
      const after = await orchestrate("report", eventsOf(resumed)[0]?.rollout ?? "", ...state);
      assert.doesNotMatch(after.stdout, /still drained/);
    });

  it("names the batch that a before_batch hook may have drained, and a resume runs its after_batch", async () => {
    const { plan, state, id } = await killedIn("before_batch");
    const report = await orchestrate("report", id, ...state);
    assert.match(report.stdout, /^still drained\n {2}all: host-1\n {4}before_batch ran for them and after_batch/m);
    assert.match(report.stdout, new RegExp(`^ {4}orchestrate \\S+ --resume ${id} `, "m"));
    const resumed = await orchestrate(plan, "--output", "json", "--resume", "--wait-for-lock", "1m", ...state);
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    const planned = eventsOf(resumed).find((event) => event.type === "rollout.planned");
    assert.deepEqual(planned?.left_drained?.batches, [{ group: "all", hosts: ["host-1"] }]);
    assert.equal(startsOf(eventsOf(resumed), "before_batch"), 1);
    assert.equal(startsOf(eventsOf(resumed), "after_batch"), 1);
    const after = await orchestrate("report", eventsOf(resumed)[0]?.rollout ?? "", ...state);
    assert.doesNotMatch(after.stdout, /still drained/);
  });

  itInFull("names a host that a before_host hook may have drained, and how to continue", async () => {
    const { id, state } = await killedIn("before_host", "controller");
    const report = await orchestrate("report", id, ...state);
    assert.match(report.stdout, /^still drained\n {2}host-1\n/m);
    assert.match(report.stdout, new RegExp(`^ {4}orchestrate \\S+ --resume ${id} `, "m"));
  });
});
