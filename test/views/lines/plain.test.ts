import assert from "node:assert/strict";
import type { RolloutEvent } from "../../../src/domain/events.ts";
import type { HostName } from "../../../src/domain/ids.ts";
import { createJsonView } from "../../../src/views/lines/json.ts";
import { createPlainView } from "../../../src/views/lines/plain.ts";
import {
  answered,
  asking,
  batchFinished,
  batchResting,
  batchStarted,
  checkFailing,
  checkRecovered,
  connected,
  drifted,
  failed,
  finished,
  healthy,
  hostFinished,
  hostResting,
  leftBehind,
  observed,
  planned,
  recorded,
  restarted,
  restarting,
  skipped,
  unchanged,
  unreachable,
  waiting,
  waveFinished,
  waveStarted,
} from "../rollout-script.ts";
import { Sink } from "../sink.ts";

const PLAN = planned({
  reason: "release 4711",
  waves: [{ group: "web", hosts: ["web-01", "web-02"], hostsAtOnce: 1 }],
  instances: ["web:web_00"],
  skipped: [{ host: "web-02", instance: "web:spare", why: "it is STOPPED" }],
  warnings: [{ message: "its gate proves little: startsecs is 0" }],
});

const SCRIPT: RolloutEvent[] = [
  connected("web-01", 1),
  PLAN,
  skipped("web-02", "web:spare", "it is STOPPED"),
  { type: "rollout.started" },
  waveStarted(1, "web"),
  batchStarted(1, "web", 1, ["web-01"]),
  ...restarted("web-01", "web:web_00"),
  observed("web-01", "web:web_00", "RUNNING", 200),
  hostResting("web-01", 10_000),
  hostFinished("web-01"),
  batchFinished(1, "web", 1),
  batchResting(1, "web", 2, 8_000),
  batchStarted(1, "web", 2, ["web-02"]),
  restarting("web-02", "web:web_00"),
  unreachable("web-02", "the connection was lost"),
  failed(
    "web-02",
    "web:web_00",
    "fatal",
    "it is FATAL (Exited too quickly)\nsupervisorctl said: ERROR",
    "one\n\u001b[31mtwo\n",
  ),
  { type: "rollout.halted", code: "fatal", reason: "web-02 web:web_00: it is FATAL" },
  waveFinished(1, "web"),
  finished("halted", { healthy: 1, failed: 1, skipped: 1 }),
];

async function plainTextOf(events: readonly RolloutEvent[]): Promise<string> {
  const sink = new Sink();
  const view = createPlainView(sink, { plan: "plans/prod.yaml" });
  for (const event of recorded(events)) view.show(event);
  await view.end();
  return sink.text;
}

describe("the plain view", () => {
  it("has a line for each fact, without repeats, and then the report", async () => {
    const [lines, report] = (await plainTextOf(SCRIPT)).split("\n\n", 2);
    assert.equal(
      lines,
      `10:00:00 web-01 connected, 1 instance
10:00:01 prod: 2 instances on 2 hosts in 1 wave, reason: release 4711; times are UTC
10:00:01 warning: its gate proves little: startsecs is 0
10:00:01 web-02 web:spare skipped: it is STOPPED
10:00:03 started
10:00:04 wave 1 (web) started
10:00:05 wave 1 (web) batch 1 started: web-01
10:00:06 web-01 web:web_00 restarting, was RUNNING on pid 100
10:00:07 web-01 web:web_00 is STOPPING
10:00:08 web-01 web:web_00 is STARTING
10:00:09 web-01 web:web_00 is RUNNING on pid 200
10:00:10 web-01 web:web_00 healthy after 7s on pid 200
10:00:12 web-01 pausing 10s before its next instances
10:00:13 web-01 finished
10:00:14 wave 1 (web) batch 1 finished
10:00:15 pausing 8s before the next batch
10:00:16 wave 1 (web) batch 2 started: web-02
10:00:17 web-02 web:web_00 restarting, was RUNNING on pid 100
10:00:18 web-02 unreachable: the connection was lost
10:00:19 web-02 web:web_00 failed after 9s: Supervisor gave up starting it (fatal): it is FATAL (Exited too quickly); supervisorctl said: ERROR
10:00:19 web-02 web:web_00 | one
10:00:19 web-02 web:web_00 | \\x1b[31mtwo
10:00:20 halted: web-02 web:web_00: it is FATAL: Supervisor gave up starting it (fatal)
10:00:21 wave 1 (web) finished
10:00:22 halted after 42s: 1 healthy, 1 failed, 1 skipped`,
    );
    assert.match(report ?? "", /^halted: prod/);
  });

  it("says no duration of what failed without a restart, and names who started it", async () => {
    const regressed = { ...failed("web-01", "web:web_00", "regressed", "it ended", ""), seconds: 0 } as RolloutEvent;
    const lines = await plainTextOf([{ ...PLAN, who: "deploy@ci-1", pid: 4711 }, regressed]);
    assert.match(lines, /in 1 wave, started by deploy@ci-1, reason: release 4711; times are UTC\n/);
    assert.match(lines, /web-01 web:web_00 failed: [^]*\(regressed\): it ended/);
    assert.doesNotMatch(lines, /0ms/);
  });

  it("tells of hooks, pauses and waiting", async () => {
    const script: RolloutEvent[] = [
      { type: "hook.finished", hook: "before_rollout", succeeded: true },
      { type: "hook.finished", hook: "on_failure", succeeded: false, reason: "exit code 1" },
      { type: "hook.finished", hook: "before_batch", wave: 1, group: "web", batch: 2, succeeded: true },
      {
        type: "hook.finished",
        hook: "after_wave",
        wave: 1,
        group: "web",
        succeeded: false,
        reason: "no",
        on_error: "warn",
      },
      waiting("web-01", "web:web_00", 6, 6),
      { type: "rollout.paused", wave: 1, group: "canary", ms: 300_000 },
      { type: "rollout.resumed" },
      { type: "rollout.paused", wave: 2, group: "web" },
    ];
    assert.equal(
      (await plainTextOf(script)).trimEnd(),
      `10:00:00 hook before_rollout succeeded
10:00:01 hook on_failure failed: exit code 1
10:00:02 wave 1 (web) batch 2: hook before_batch succeeded
10:00:03 wave 1 (web): hook after_wave failed, which is only a warning: no
10:00:04 web-01 web:web_00 waiting: min_healthy keeps 6 web instances up and only 6 are; gives up in 10m
10:00:05 paused after wave 1 (canary) for 5m
10:00:06 pause over, continuing
10:00:07 paused after wave 2 (web) until the operator answers
10:00:07 | y: continue, n: stop here (resumable)`,
    );
  });

  it("says which check fails and why, and what is asked at the end of the line, to be copied", async () => {
    const url = "http://127.0.0.1:8000/health";
    const script = [
      checkFailing("web-01", "web:web_00", url, "status 503 instead of 200", 3),
      checkRecovered("web-01", "web:web_00", url),
    ];
    assert.equal(
      (await plainTextOf(script)).trimEnd(),
      `10:00:00 web-01 web:web_00 a check fails: status 503 instead of 200 (try 3): ${url}
10:00:01 web-01 web:web_00 a check passes now: ${url}`,
    );
  });

  it("does not give a time for what an earlier rollout has restarted", async () => {
    assert.equal(
      (
        await plainTextOf([healthy("web-01", "web:web_00", 0, 200), healthy("web-01", "web:web_01", 1.2, 201)])
      ).trimEnd(),
      "10:00:00 web-01 web:web_00 healthy on pid 200\n10:00:01 web-01 web:web_01 healthy after 1s on pid 201",
    );
  });

  it("tells of questions with their keys, and of what was answered", async () => {
    const script: RolloutEvent[] = [
      asking("web-01", "web:web_00"),
      answered("web-01", "web:web_00", "retry"),
      asking("web-01", "web:web_00", ["skip", "stop"]),
      answered("web-01", "web:web_00", "skip"),
      asking("web-02"),
      { type: "rollout.answered", host: "web-02" as HostName, answer: "stop" },
    ];
    assert.equal(
      (await plainTextOf(script)).trimEnd(),
      `10:00:00 web-01 web:web_00 waiting for your decision; nothing new starts until then: it is FATAL
10:00:00 web-01 web:web_00 | r: retry, s: skip (count it as failed and continue), x: halt
10:00:01 web-01 web:web_00 the operator chose to retry
10:00:02 web-01 web:web_00 waiting for your decision; nothing new starts until then: it is FATAL
10:00:02 web-01 web:web_00 | s: skip (count it as failed and continue), x: halt
10:00:03 web-01 web:web_00 the operator chose to skip it: it counts as failed
10:00:04 web-02 waiting for your decision; nothing new starts until then: it is FATAL
10:00:04 web-02 | r: retry, s: skip (count it as failed and continue), x: halt
10:00:05 web-02 the operator chose to halt`,
    );
  });

  it("tells what others have changed, and which restart was not done", async () => {
    const script: RolloutEvent[] = [
      drifted("web-01", "web:web_00", "changed", {
        previous_state: "RUNNING",
        previous_pid: 100,
        state: "RUNNING",
        pid: 150,
      }),
      drifted("web-01", "web:web_01", "changed", { previous_state: "RUNNING", previous_pid: 101, state: "STOPPED" }),
      drifted("web-01", "web:web_02", "gone", { previous_state: "RUNNING", previous_pid: 102 }),
      drifted("web-01", "web:web_09", "new", { state: "STARTING" }),
      restarting("web-01", "web:web_00", 150),
      unchanged("web-01", "web:web_00", "it is still on pid 150, so its restart did not arrive"),
    ];
    assert.equal(
      (await plainTextOf(script)).trimEnd(),
      `10:00:00 web-01 web:web_00 changed since the preview, not by this rollout: it was RUNNING on pid 100 and is RUNNING on pid 150
10:00:01 web-01 web:web_01 changed since the preview, not by this rollout: it was RUNNING on pid 101 and is STOPPED
10:00:02 web-01 web:web_02 gone since the preview: Supervisor no longer lists it
10:00:03 web-01 web:web_09 new since the preview, left alone; it is STARTING
10:00:04 web-01 web:web_00 restarting, was RUNNING on pid 150
10:00:05 web-01 web:web_00 is unchanged: it is still on pid 150, so its restart did not arrive`,
    );
  });

  it("names what an old instance left behind, in lines and in the report, and obeys none of its control characters", async () => {
    const left = leftBehind("web-01", "web:web_00", [300, "python3 server.py"], [301, "evil\u001b[31m"]);
    const text = await plainTextOf([
      { type: "rollout.started" },
      left,
      healthy("web-01", "web:web_00", 200),
      finished("succeeded", { healthy: 1 }),
    ]);
    const [lines, , report] = text.split("\n\n");
    assert.match(
      lines ?? "",
      /web:web_00 its old instance left 2 processes behind:\n\S+ web-01 web:web_00 \| pid 300: python3 server\.py\n.*\| pid 301: evil/,
    );
    assert.equal(text.includes("\u001b"), false);
    assert.match(
      report ?? "",
      /^left behind by old instances\n {2}web-01 web:web_00\n {4}pid 300: python3 server\.py\n/,
    );
  });

  it("says that a rollout was refused, and leaves why to those who tell diagnostics", async () => {
    const refusals = [{ code: "unreachable", host: "web-09", reason: "connect ETIMEDOUT" }] as const;
    assert.equal(
      await plainTextOf([finished("refused", {}, 1, refusals)]),
      "10:00:00 refused after 1s: nothing was changed\n",
    );
  });
});

describe("the JSON view", () => {
  it("writes each event as one line and nothing else", async () => {
    const sink = new Sink();
    const view = createJsonView(sink);
    const events = recorded(SCRIPT);
    for (const event of events) view.show(event);
    await view.end();
    const lines = sink.text.split("\n");
    assert.equal(lines.pop(), "");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      events,
    );
  });

  it("ends when its stream is gone", async () => {
    const sink = new Sink();
    const view = createJsonView(sink);
    sink.destroy();
    await view.end();
  });
});
