import assert from "node:assert/strict";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { observe, type Observation, type Sample } from "../fleet/observer.ts";
import { until } from "../fleet/until.ts";
import { eventsOf, quickTimings, startOrchestrate, writePlan } from "./orchestrate.ts";

/** Soon FATAL where it crashes. */
const WEB = { name: "web", processes: 4, startretries: 1 };
const CRASHED = ["web:web_02", "web:web_03"];

describe("a program with 8 instances and min_healthy 6, two of which crash between restarts", () => {
  let fleet: Fleet;
  beforeEach(async () => void (fleet = await raiseFleet({ hosts: 2, groups: [WEB] })));
  afterEach(() => fleet.down());

  async function crashTwo(): Promise<void> {
    const host = fleet.host("host-2");
    for (const instance of CRASHED) {
      await host.behave(instance, { kind: "crash_at_start" });
      process.kill((await host.process(instance)).pid, "SIGKILL");
    }
  }

  /** A rollout whose first rest is when two instances crash; it then waits. */
  async function waitingRollout(progressDeadline: string) {
    const timings = { ...quickTimings, between_restarts: "2s", progress_deadline: progressDeadline };
    const plan = await writePlan(fleet, { limits: { min_healthy: 6 }, timings });
    const observer = await observe(fleet, { everyMs: 50 });
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(() => running.stdout().includes('"host.resting"'), { deadlineMs: 30_000 });
    await crashTwo();
    await until(() => running.stdout().includes('"instance.waiting"'), { deadlineMs: 30_000 });
    return { running, observer };
  }

  it("waits, says for what and until when, goes on when one is back, and began no stop with fewer than 7 healthy", async () => {
    const { running, observer } = await waitingRollout("1m");
    const host = fleet.host("host-2");
    await until(async () => (await host.process("web:web_02")).state === "FATAL", { deadlineMs: 60_000 });
    for (const instance of CRASHED) await host.behave(instance, { kind: "healthy" });
    await host.start("web:web_02");
    const ended = await running.ended;
    await observer.stop();
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const waiting = eventsOf(ended).find((event) => event.type === "instance.waiting");
    assert.deepEqual([waiting?.healthy, waiting?.min_healthy], [6, 6]);
    assert.ok(waiting && waiting.ms > 0 && waiting.ms <= 60_000);
    assertNoStopBelow(observer, 7);
  });

  it("halts with floor_not_met when they do not come back, and leaves the rest untouched", async () => {
    const { running, observer } = await waitingRollout("3s");
    const ended = await running.ended;
    await observer.stop();
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
    assertNoStopBelow(observer, 7);
  });
});

/** Each stop that is none of the crashes was begun with at least so many RUNNING a sample before. */
function assertNoStopBelow({ samples }: Observation, least: number): void {
  let stops = 0;
  for (const [index, after] of samples.entries()) {
    const before = samples[index - 1];
    if (!before) continue;
    const stopped = runningIn(before).filter((key) => !runningIn(after).includes(key));
    const byUs = stopped.filter((key) => !isCrashed(key) || wasBack(samples.slice(0, index), key));
    if (byUs.length === 0) continue;
    stops++;
    assert.ok(
      runningIn(before).length >= least,
      `${byUs.join()} was stopped at ${after.atMs} ms with ${runningIn(before).length} RUNNING`,
    );
  }
  assert.ok(stops > 0, "the observer saw no stop");
}

function runningIn({ hosts }: Sample): string[] {
  return [...hosts].flatMap(([host, instances]) =>
    [...instances].flatMap(([instance, { state }]) => (state === "RUNNING" ? [`${host} ${instance}`] : [])),
  );
}

function isCrashed(key: string): boolean {
  return CRASHED.some((instance) => key === `host-2 ${instance}`);
}

/** It had crashed and was RUNNING again: what stops it now is the rollout. */
function wasBack(earlier: readonly Sample[], key: string): boolean {
  const crashedAt = earlier.findIndex((sample) => !runningIn(sample).includes(key));
  return crashedAt !== -1 && earlier.slice(crashedAt).some((sample) => runningIn(sample).includes(key));
}
