import assert from "node:assert/strict";
import { itInFull } from "../amount.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { observe, type Observation, type Stop } from "../fleet/observer.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import { Gate, eventsOf, quickTimings, startOrchestrate, writePlan } from "./orchestrate.ts";

/** Soon FATAL where its file is gone. */
const WEB = { name: "web", processes: 4, startretries: 1 };
const CRASHED = ["web:web_02", "web:web_03"];

describeEachWay("a program with 8 instances and min_healthy 6, two of which crash between restarts", (reachedBy) => {
  let fleet: Fleet;
  beforeEach(async () => void (fleet = await raiseFleet({ hosts: 2, groups: [WEB], reachedBy })));
  afterEach(() => fleet.down());

  async function crashTwo(): Promise<void> {
    const host = fleet.host("host-2");
    for (const instance of CRASHED) {
      // Not started again, and so never RUNNING again by a supervisord that is late.
      await host.behave(instance, { kind: "file_gone" });
      process.kill((await host.process(instance)).pid, "SIGKILL");
    }
    for (const instance of CRASHED)
      await until(async () => (await host.process(instance)).state !== "RUNNING", { deadlineMs: 60_000 });
  }

  /** A rollout that has not proven its first instance when two others crash; it then waits. */
  async function waitingRollout(progressDeadline: string) {
    const timings = { ...quickTimings, between_restarts: "2s", progress_deadline: progressDeadline };
    const gate = new Gate(fleet.dir);
    const plan = await writePlan(fleet, { limits: { min_healthy: 6 }, timings, checks: gate.checks });
    const observed = await observe(fleet);
    const running = startOrchestrate([plan, "--output", "json"]);
    const stopped = async () => (await fleet.host("host-1").supervisordLog()).includes("stopped: web_00");
    await until(stopped, { deadlineMs: 60_000, what: "the first has been stopped" });
    await crashTwo();
    await gate.open();
    await until(() => running.stdout().includes('"instance.waiting"'), { deadlineMs: 60_000 });
    return { running, observed };
  }

  it("waits, says for what and until when, goes on when one is back, and began no stop with fewer than 7 healthy", async () => {
    const { running, observed } = await waitingRollout("1m");
    const host = fleet.host("host-2");
    await until(async () => (await host.process("web:web_02")).state === "FATAL", { deadlineMs: 60_000 });
    for (const instance of CRASHED) await host.behave(instance, { kind: "healthy" });
    await host.start("web:web_02");
    const ended = await running.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const waiting = eventsOf(ended).find((event) => event.type === "instance.waiting");
    assert.deepEqual([waiting?.healthy, waiting?.min_healthy], [6, 6]);
    assert.ok(waiting && waiting.ms > 0 && waiting.ms <= 60_000);
    assert.deepEqual(await tooFew(observed), []);
  });

  itInFull("halts with floor_not_met when they do not come back, and leaves the rest untouched", async () => {
    const { running, observed } = await waitingRollout("3s");
    const ended = await running.ended;
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    const halted = eventsOf(ended).find((event) => event.type === "rollout.halted");
    assert.equal(halted?.code, "floor_not_met");
    const finished = eventsOf(ended).at(-1);
    assert.deepEqual(finished?.type === "rollout.finished" && finished.counts, {
      healthy: 1,
      failed: 0,
      skipped: 0,
      untouched: 7,
    });
    assert.deepEqual(await tooFew(observed), []);
  });
});

/** Of the stops, those that began with fewer RUNNING than one more than the floor. */
async function tooFew(observed: () => Promise<Observation>): Promise<Stop[]> {
  const stops = (await observed()).stops();
  assert.notEqual(stops.length, 0);
  return stops.filter(({ running }) => running < 7);
}
