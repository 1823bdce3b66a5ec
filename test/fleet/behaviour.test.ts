import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { raiseFleet, type Fleet, type FleetHost, type ProcessStateName } from "./fleet.ts";
import { until } from "./until.ts";

describe("an instance of the fleet", () => {
  const instance = "web:web_00";
  const quick = "quick:quick_00";
  const held = "held:held_00";
  let fleet: Fleet;
  let host: FleetHost;

  before(async () => {
    const web = { name: "web", processes: 1, startretries: 1, stopwaitsecs: 1 };
    // Without startsecs a start returns at once, for tests that are about something else.
    const groups = [web, { ...web, name: "quick", startsecs: 0 }, { ...web, name: "held", stopwaitsecs: 600 }];
    fleet = await raiseFleet({ hosts: 1, groups });
    host = fleet.host("host-1");
  });
  after(() => fleet.down());
  beforeEach(async () => {
    for (const each of [instance, quick]) {
      await host.stop(each).catch(() => undefined);
      await host.behave(each, { kind: "healthy" });
    }
  });

  const reaches = (state: ProcessStateName) =>
    until(async () => (await host.process(instance)).state === state, { deadlineMs: 15_000, what: state });

  /** supervisord's word comes before the program's first: it has to have read its behaviour. */
  async function startQuick(): Promise<number> {
    await host.start(quick);
    const { pid } = await host.process(quick);
    const begun = async () => (await host.instanceLog(quick, "stdout")).includes(`started, pid ${pid}, `);
    await until(begun, { deadlineMs: 5_000, what: `${quick} has begun` });
    return pid;
  }

  async function secondsOf(act: () => Promise<void>): Promise<number> {
    const beganMs = performance.now();
    await act();
    return (performance.now() - beganMs) / 1_000;
  }

  it("changes at its next start, and not before", async () => {
    const pid = await startQuick();
    const log = await host.supervisordLog();
    await host.behave(quick, { kind: "slow_stop", seconds: 3600 });
    assert.equal((await host.process(quick)).pid, pid);
    assert.ok((await secondsOf(() => host.stop(quick))) < 1);
    assert.equal((await host.supervisordLog()).slice(log.length).match(/stopped: quick_00/g)?.length, 1);
  });

  it("healthy: logs its start and is ready", async () => {
    const pid = await startQuick();
    assert.match(await host.instanceLog(quick, "stdout"), new RegExp(`^${quick} started, pid ${pid}, healthy$`, "m"));
    await until(() => readFileSync(host.readyFile(quick), "utf8") === `${pid}\n`, { deadlineMs: 5_000 });
  });

  it("crash_at_start: says why on stderr, and ends FATAL", async () => {
    await host.behave(instance, { kind: "crash_at_start" });
    await assert.rejects(host.start(instance), /SPAWN_ERROR|ABNORMAL_TERMINATION/);
    await reaches("FATAL");
    assert.match(await host.instanceLog(instance, "stderr"), /cannot read .*settings\.yml.*\n.*giving up/);
  });

  it("recovers: BACKOFF first, then RUNNING", async () => {
    const log = await host.supervisordLog();
    await host.behave(instance, { kind: "recovers", failures: 1 });
    await host.start(instance).catch(() => undefined);
    await reaches("RUNNING");
    // A supervisord that is late takes even what has exited for RUNNING, for a moment: that does not count.
    const events = (await host.supervisordLog()).slice(log.length).match(/spawned|exited/g);
    assert.deepEqual(events, ["spawned", "exited", "spawned"]);
  });

  it("crash_after: is RUNNING, and soon on another pid", async () => {
    await host.behave(instance, { kind: "crash_after", seconds: 1.3 });
    await host.start(instance);
    const { pid } = await host.process(instance);
    await until(async () => ![0, pid].includes((await host.process(instance)).pid), { deadlineMs: 10_000 });
  });

  it("slow_stop: takes its time, and ends by itself", async () => {
    await host.behave(quick, { kind: "slow_stop", seconds: 0.7 });
    await startQuick();
    assert.ok((await secondsOf(() => host.stop(quick))) >= 0.7);
    assert.doesNotMatch(await host.supervisordLog(), /killing 'quick_00'/);
  });

  it("held_stop: ends when it is let, and not before", async () => {
    await host.restartAs(held, { kind: "held_stop" });
    const stopped = host.stop(held);
    await until(async () => (await host.process(held)).state === "STOPPING", { deadlineMs: 20_000 });
    await host.letStop(held);
    await stopped;
    assert.doesNotMatch(await host.supervisordLog(), /killing 'held_00'/);
  });

  it("ignore_term: is killed after stopwaitsecs", async () => {
    await host.behave(quick, { kind: "ignore_term" });
    await startQuick();
    assert.ok((await secondsOf(() => host.stop(quick))) >= 1);
    assert.match(await host.supervisordLog(), /killing 'quick_00' \(\d+\) with SIGKILL/);
  });

  it("slow_start: is RUNNING well before it is ready", async () => {
    await host.behave(quick, { kind: "slow_start", seconds: 0.7 });
    await startQuick();
    assert.ok(!existsSync(host.readyFile(quick)));
    await until(() => existsSync(host.readyFile(quick)), { deadlineMs: 10_000 });
  });

  it("file_gone: cannot be started and stays STOPPED, until the file is back", async () => {
    await host.behave(quick, { kind: "file_gone" });
    await assert.rejects(host.start(quick), /NO_FILE/);
    assert.equal((await host.process(quick)).state, "STOPPED");
    await host.behave(quick, { kind: "healthy" });
    await host.start(quick);
  });

  it("that does not exist is an error, not a new file", async () => {
    await assert.rejects(host.behave("web:web_99", { kind: "healthy" }), /host-1 has no web:web_99/);
  });
});
