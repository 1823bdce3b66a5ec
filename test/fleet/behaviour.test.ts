import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { raiseFleet, type Fleet, type FleetHost, type ProcessStateName } from "./fleet.ts";
import { until } from "./until.ts";

describe("an instance of the fleet", () => {
  const instance = "web:web_00";
  const quick = "quick:quick_00";
  const held = "held:held_00";
  const doomed = "doomed:doomed_00";
  let fleet: Fleet;
  let host: FleetHost;

  before(async () => {
    const web = { name: "web", processes: 1, startretries: 1, stopwaitsecs: 1 };
    const patient = { ...web, stopwaitsecs: 600 };
    const groups = [
      web,
      // Without startsecs a start returns at once, for tests that are about something else.
      { ...patient, name: "quick", startsecs: 0 },
      { ...patient, name: "held" },
      // However late supervisord is, it does not take what has exited for RUNNING.
      { ...web, name: "doomed", startsecs: 60, autostart: false },
    ];
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

  const reaches = (state: ProcessStateName, which = instance) =>
    until(async () => (await host.process(which)).state === state, { deadlineMs: 20_000, what: state });

  /** supervisord's word comes before the program's first: it has to have read its behaviour. */
  async function startAndBegin(which: string): Promise<number> {
    await host.start(which);
    const { pid } = await host.process(which);
    const begun = async () => (await host.instanceLog(which, "stdout")).includes(`started, pid ${pid}, `);
    await until(begun, { deadlineMs: 20_000, what: `${which} has begun` });
    return pid;
  }

  /** Gives what supervisord logs from now on. */
  async function logFromNow(): Promise<() => Promise<string>> {
    const { length } = await host.supervisordLog();
    return async () => (await host.supervisordLog()).slice(length);
  }

  async function secondsOf(act: () => Promise<void>): Promise<number> {
    const beganMs = performance.now();
    await act();
    return (performance.now() - beganMs) / 1_000;
  }

  it("changes at its next start, and not before", async () => {
    const pid = await startAndBegin(quick);
    const logged = await logFromNow();
    await host.behave(quick, { kind: "slow_stop", seconds: 3600 });
    assert.equal((await host.process(quick)).pid, pid);
    await host.stop(quick);
    assert.equal((await logged()).match(/stopped: quick_00 \(exit status 0\)/g)?.length, 1);
  });

  it("healthy: logs its start and is ready", async () => {
    const pid = await startAndBegin(quick);
    assert.match(await host.instanceLog(quick, "stdout"), new RegExp(`^${quick} started, pid ${pid}, healthy$`, "m"));
    await until(() => readFileSync(host.readyFile(quick), "utf8") === `${pid}\n`, { deadlineMs: 20_000 });
  });

  it("crash_at_start: says why on stderr, and ends FATAL", async () => {
    await host.behave(doomed, { kind: "crash_at_start" });
    await assert.rejects(host.start(doomed), /SPAWN_ERROR|ABNORMAL_TERMINATION/);
    await reaches("FATAL", doomed);
    assert.match(await host.instanceLog(doomed, "stderr"), /cannot read .*settings\.yml.*\n.*giving up/);
  });

  it("recovers: BACKOFF first, then RUNNING", async () => {
    const logged = await logFromNow();
    const events = async () => (await logged()).match(/spawned|exited/g) ?? [];
    await host.behave(instance, { kind: "recovers", failures: 1 });
    await host.start(instance).catch(() => undefined);
    // A supervisord that is late takes even what has exited for RUNNING, for a moment: that does not count.
    const again = async () => (await events()).filter((event) => event === "spawned").length === 2;
    await until(again, { deadlineMs: 20_000, what: "its second start" });
    await reaches("RUNNING");
    assert.deepEqual(await events(), ["spawned", "exited", "spawned"]);
  });

  it("crash_after: is RUNNING, and soon on another pid", async () => {
    await host.behave(instance, { kind: "crash_after", seconds: 4 });
    await host.start(instance);
    const { pid } = await host.process(instance);
    await until(async () => ![0, pid].includes((await host.process(instance)).pid), { deadlineMs: 20_000 });
  });

  it("slow_stop: takes its time, and ends by itself", async () => {
    await host.behave(quick, { kind: "slow_stop", seconds: 0.7 });
    await startAndBegin(quick);
    const logged = await logFromNow();
    assert.ok((await secondsOf(() => host.stop(quick))) >= 0.7);
    assert.doesNotMatch(await logged(), /killing 'quick_00'/);
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
    await host.behave(instance, { kind: "ignore_term" });
    await startAndBegin(instance);
    const logged = await logFromNow();
    assert.ok((await secondsOf(() => host.stop(instance))) >= 1);
    assert.match(await logged(), /killing 'web_00' \(\d+\) with SIGKILL/);
  });

  it("slow_start: is RUNNING well before it is ready", async () => {
    await host.behave(quick, { kind: "slow_start", seconds: 5 });
    await startAndBegin(quick);
    assert.ok(!existsSync(host.readyFile(quick)));
    await until(() => existsSync(host.readyFile(quick)), { deadlineMs: 20_000 });
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
