import assert from "node:assert/strict";
import type { RolloutEvent } from "../../src/domain/events.ts";
import type { HostName, InstanceName, ProgramName, RolloutId } from "../../src/domain/ids.ts";
import type { PlannedInstance, Rollout, Wave } from "../../src/domain/rollout.ts";
import type { Check } from "../../src/domain/settings.ts";
import { rolloutOf, simulated } from "./rollouts.ts";
import { simulate, type Simulated } from "./simulate.ts";

type TimedEvent = Simulated["events"][number];

function ofType<T extends RolloutEvent["type"]>({ events }: Simulated, type: T): Extract<TimedEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TimedEvent, { type: T }> => event.type === type);
}

function countsOf(run: Simulated) {
  return ofType(run, "rollout.finished")[0]?.counts;
}

/** The rollout in two waves: its first host, then, after a pause, the others. */
function withCanary(rollout: Rollout, pause: { ms: number } | "ask"): Rollout {
  const [wave] = rollout.waves;
  assert.ok(wave);
  const [first, ...others] = wave.batches;
  assert.ok(first);
  return {
    ...rollout,
    waves: [
      { ...wave, group: "canary", batches: [first], pause },
      { ...wave, batches: others },
    ],
  };
}

describe("sliding", () => {
  it("fills a free slot at once instead of waiting for the slowest of a batch", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 4, instances: 1, hostsAtOnce: 2, mode: "sliding" });
    fleet.behave("host-1", "web:0", { startsecsMs: 60_000 });
    const run = await simulate(rollout(), fleet, time);
    assert.equal(run.outcome, "succeeded");
    const healthy = ofType(run, "instance.healthy").map(({ host }) => host);
    assert.deepEqual(healthy, ["host-2", "host-3", "host-4", "host-1"]);
  });

  it("rests each slot on a host, and never after its last instance", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 5, instancesAtOnce: 2, mode: "sliding" });
    const run = await simulate(rollout(), fleet, time);
    assert.equal(run.outcome, "succeeded");
    assert.equal(ofType(run, "host.resting").length, 3);
    assert.equal(
      run.events.findLast(({ type }) => type === "wave.finished")?.atMs,
      ofType(run, "instance.healthy").at(-1)?.atMs,
    );
  });
});

describe("max_failures", () => {
  it("tolerates that many over the whole run, and ends incomplete", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 4, instances: 2, maxFailures: 2 });
    fleet.behave("host-1", "web:0", { fileGone: true });
    fleet.behave("host-3", "web:1", { diesAfterMs: 2000 });
    const run = await simulate(rollout(), fleet, time);
    assert.equal(run.outcome, "incomplete");
    assert.deepEqual(countsOf(run), { healthy: 6, failed: 2, skipped: 0, untouched: 0 });
  });

  it("halts at one more, and names that one", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 4, instances: 2, maxFailures: 1 });
    for (const host of ["host-1", "host-2", "host-3"]) fleet.behave(host, "web:0", { fileGone: true });
    const run = await simulate(rollout(), fleet, time);
    assert.equal(run.outcome, "halted");
    assert.match(ofType(run, "rollout.halted")[0]?.reason ?? "", /^host-2 web:0: /);
    assert.deepEqual(countsOf(run), { healthy: 1, failed: 2, skipped: 0, untouched: 5 });
  });
});

describe("max_unreachable", () => {
  it("leaves out hosts that preflight cannot reach, within the budget, and ends incomplete", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 3, instances: 2, maxUnreachable: 1 });
    fleet.unreachable.add("host-2" as HostName);
    const run = await simulate(rollout(), fleet, time);
    assert.equal(run.outcome, "incomplete");
    assert.deepEqual(countsOf(run), { healthy: 4, failed: 0, skipped: 0, untouched: 0 });
  });

  it("refuses to begin with more than that", () => {
    const { fleet, rollout } = simulated({ hosts: 3, instances: 2 });
    fleet.unreachable.add("host-2" as HostName);
    assert.throws(rollout, /no route/);
  });

  it("waits command_timeout for a host that is lost before its turn, then continues without it or halts", async () => {
    for (const [maxUnreachable, outcome, healthy] of [
      [1, "incomplete", 4],
      [0, "halted", 2],
    ] as const) {
      const { time, fleet, rollout } = simulated({ hosts: 3, instances: 2, maxUnreachable });
      const planned = rollout();
      fleet.unreachable.add("host-2" as HostName);
      const run = await simulate(planned, fleet, time);
      assert.equal(run.outcome, outcome);
      assert.equal(countsOf(run)?.healthy, healthy);
      assert.equal(ofType(run, "host.unreachable")[0]?.host, "host-2");
    }
  });

  it("counts hosts and not losses: one that is lost in two waves is one host", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 3, instances: 2, maxUnreachable: 1 });
    const planned = inTwoWaves(rollout());
    fleet.unreachable.add("host-2" as HostName);
    const run = await simulate(planned, fleet, time);
    assert.equal(ofType(run, "host.unreachable").filter(({ host }) => host === "host-2").length, 2);
    assert.equal(run.outcome, "incomplete");
    assert.deepEqual(countsOf(run), { healthy: 4, failed: 0, skipped: 0, untouched: 2 });
  });
});

describe("a pause after a wave", () => {
  it("lasts as long as the plan says", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 2, instances: 1 });
    const run = await simulate(withCanary(rollout(), { ms: 300_000 }), fleet, time);
    assert.equal(run.outcome, "succeeded");
    const [paused] = ofType(run, "rollout.paused");
    const [resumed] = ofType(run, "rollout.resumed");
    assert.equal((resumed?.atMs ?? 0) - (paused?.atMs ?? 0), 300_000);
  });

  it("halts with regressed within one between_checks when the canary dies in it", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 2, instances: 1 });
    const run = await simulate(withCanary(rollout(), { ms: 300_000 }), fleet, time, {
      onEvent: (event) =>
        event.type === "rollout.paused" && time.after(60_000, () => (fleet.process("host-1", "web:0").pid = 9)),
    });
    assert.equal(run.outcome, "halted");
    const [failed] = ofType(run, "instance.failed");
    assert.deepEqual([failed?.code, failed?.host], ["regressed", "host-1"]);
    const paused = ofType(run, "rollout.paused")[0]?.atMs ?? 0;
    assert.ok((failed?.atMs ?? Infinity) - paused <= 60_000 + 5_000 + 300, "it was noticed too late");
    assert.deepEqual(countsOf(run), { healthy: 0, failed: 1, skipped: 0, untouched: 1 });
  });

  it("notices before the next wave what died on a host that nobody looked at any more", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 2, instances: 1, timings: { between_batches_ms: 60_000 } });
    const { waves, ...rest } = withCanary(rollout(), "ask");
    const canary = waves.map(({ pause: _, ...wave }) => wave);
    const run = await simulate({ ...rest, waves: canary }, fleet, time, {
      onEvent: (event) =>
        event.type === "wave.finished" && time.after(1000, () => (fleet.process("host-1", "web:0").state = "FATAL")),
    });
    assert.equal(ofType(run, "rollout.halted")[0]?.code, "regressed");
    assert.equal(ofType(run, "instance.restarting").length, 1);
  });

  it("looks at all of them once more at the end: one that has died since its turn is no success", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 3, instances: 2 });
    const run = await simulate(rollout(), fleet, time, {
      onEvent: (event) =>
        event.type === "batch.started" &&
        event.batch === 3 &&
        time.after(1000, () => fleet.process("host-1", "web:1").breakDown()),
    });
    const [halted] = ofType(run, "rollout.halted");
    assert.equal(halted?.code, "regressed");
    assert.match(halted.reason, /^host-1 web:1: /);
    assert.deepEqual(countsOf(run), { healthy: 5, failed: 1, skipped: 0, untouched: 0 });
  });

  it("looks likewise after an interrupt that left nothing undone: that interrupted nothing", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 3, instances: 2 });
    const run = await simulate(rollout(), fleet, time, {
      onEvent(event, feed) {
        if (event.type !== "instance.restarting" || event.host !== "host-3" || event.instance !== "web:1") return;
        fleet.process("host-1", "web:1").breakDown();
        feed({ type: "interrupted", signal: "SIGINT" });
      },
    });
    assert.deepEqual(
      ofType(run, "instance.failed").map(({ host, instance, code }) => `${host} ${instance} ${code}`),
      ["host-1 web:1 regressed"],
    );
    assert.equal(run.outcome, "halted");
  });

  it("ends without a word from a host that is lost once all is done", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 2, instances: 1 });
    const run = await simulate(rollout(), fleet, time, {
      onEvent: (event, feed) => {
        if (event.type !== "wave.finished") return;
        fleet.lose("host-1" as HostName);
        feed({ type: "lock_lost", reason: "its connection is gone" });
      },
    });
    assert.equal(run.outcome, "succeeded");
  });
});

describe("min_healthy", () => {
  it("waits, says for what, and continues when what broke has come back", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 8, minHealthy: 6 });
    const planned = rollout();
    // Two others break between restarts: the third would be one too many.
    const run = await simulate(planned, fleet, time, {
      onEvent(event) {
        if (event.type !== "instance.healthy" || event.instance !== "web:1") return;
        for (const broken of ["web:6", "web:7"]) fleet.process("host-1", broken).state = "BACKOFF";
        time.after(120_000, () => (fleet.process("host-1", "web:6").state = "RUNNING"));
      },
    });
    assert.equal(run.outcome, "succeeded");
    const [waiting] = ofType(run, "instance.waiting");
    assert.deepEqual([waiting?.instance, waiting?.healthy, waiting?.min_healthy], ["web:2", 6, 6]);
    assert.ok(ofType(run, "instance.restarting").every(({ atMs }) => atMs < 30_000 || atMs > 120_000));
  });

  it("halts when progress_deadline has passed instead of breaking the floor", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 4, minHealthy: 3 });
    fleet.process("host-1", "web:3").state = "FATAL";
    const run = await simulate(rollout(), fleet, time);
    assert.equal(ofType(run, "rollout.halted")[0]?.code, "floor_not_met");
    assert.deepEqual(countsOf(run), { healthy: 0, failed: 0, skipped: 0, untouched: 4 });
  });

  it("never stops one with fewer than the floor and itself healthy, over hosts and batch sizes larger than it allows", async () => {
    const { time, fleet, rollout } = simulated({
      hosts: 3,
      instances: 4,
      hostsAtOnce: 3,
      instancesAtOnce: 4,
      minHealthy: 10,
    });
    let least = 12;
    const run = await simulate(rollout(), fleet, time, {
      onEvent(event) {
        if (event.type !== "instance.restarting") return;
        const healthy = [...fleet.hosts.values()].flatMap((processes) => [...processes.values()]);
        least = Math.min(least, healthy.filter(({ state }) => state === "RUNNING").length);
      },
    });
    assert.equal(run.outcome, "succeeded");
    assert.ok(least > 10, `a stop began with ${least} healthy`);
  });

  it("lets one be restarted that is broken already: it takes nothing away", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2, minHealthy: 1 });
    fleet.process("host-1", "web:0").state = "FATAL";
    assert.equal((await simulate(rollout(), fleet, time)).outcome, "succeeded");
  });
});

describe("checks", () => {
  const check: Check = { kind: "tcp", address: "127.0.0.1:80", from: "host", timeout_ms: 2000 };
  function withCheck(rollout: Rollout, its = check): Rollout {
    const waves = rollout.waves.map((wave) => ({
      ...wave,
      batches: wave.batches.map((batch) => ({
        ...batch,
        hosts: batch.hosts.map((work) => ({ ...work, checks: [its] })),
      })),
    }));
    return { ...rollout, waves };
  }

  it("are tried again until the service is ready, within the deadline", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1 });
    const readyAtMs = 40_000;
    const run = await simulate(withCheck(rollout()), fleet, time, {
      onCheck: () => (time.now >= readyAtMs ? { kind: "passed" } : { kind: "failed", reason: "refused" }),
    });
    assert.equal(run.outcome, "succeeded");
    const [healthy] = ofType(run, "instance.healthy");
    assert.ok(healthy && healthy.atMs >= readyAtMs && healthy.atMs <= readyAtMs + 5_500);
  });

  it("that never pass fail the instance with check_failed, those that hang with check_timed_out", async () => {
    for (const [code, outcome] of [
      ["check_failed", { kind: "failed", reason: "status 500 instead of 200" }],
      ["check_timed_out", { kind: "timed_out", after_ms: 2000 }],
    ] as const) {
      const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2 });
      const run = await simulate(withCheck(rollout()), fleet, time, { onCheck: () => outcome });
      assert.equal(ofType(run, "rollout.halted")[0]?.code, code);
    }
  });

  it("that do not pass are reported while they fail: what was asked with all filled in, at each change of the reason", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1 });
    const url = "http://{address}:80{number}/{vars.zone}";
    const http: Check = { kind: "http", url, status: 200, from: "host", timeout_ms: 2000 };
    const reasons = ["refused", "refused", "status 503", "status 503", undefined, "status 500"];
    const made = withCheck(rollout(), http);
    const waves = made.waves.map((wave) => ({
      ...wave,
      batches: wave.batches.map((batch) => ({
        ...batch,
        hosts: batch.hosts.map((work) => ({ ...work, vars: { zone: "b" }, checks: [{ ...http, passes: 2 }] })),
      })),
    }));
    const run = await simulate({ ...made, waves }, fleet, time, {
      onCheck: () => {
        const reason = reasons.shift();
        return reason === undefined ? { kind: "passed" } : { kind: "failed", reason };
      },
    });
    assert.equal(run.outcome, "succeeded");
    const reports = run.events.flatMap((event) => {
      if (event.type === "check.failing") return [[event.instance, event.check, event.reason, event.tries]];
      return event.type === "check.recovered" ? [[event.instance, event.check, event.tries]] : [];
    });
    const asked = "http://host-1:800/b";
    assert.deepEqual(reports, [
      ["web:0", asked, "refused", 1],
      ["web:0", asked, "status 503", 3],
      ["web:0", asked, 5],
      ["web:0", asked, "status 500", 6],
      ["web:0", asked, 7],
    ]);
  });

  it("whose reason changes with every try are reported every 5 s at most", async () => {
    const timings = { between_checks_ms: 1000, healthy_deadline_ms: 30_000 };
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1, timings });
    const run = await simulate(withCheck(rollout()), fleet, time, {
      onCheck: () => ({ kind: "failed", reason: `not ready at ${time.now}` }),
    });
    const failing = ofType(run, "check.failing");
    assert.ok(failing.length > 3);
    for (const [index, { atMs }] of failing.entries())
      if (index > 0) assert.ok(atMs - failing[index - 1]!.atMs >= 5000);
    const [failed] = ofType(run, "instance.failed");
    assert.match(failed!.reason, /^not ready at \d+, still so at healthy_deadline \(30s\): tcp 127\.0\.0\.1:80$/);
  });

  it("that can never pass fail the instance at once, not at healthy_deadline", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2 });
    const asked: string[] = [];
    const run = await simulate(withCheck(rollout()), fleet, time, {
      onCheck: ({ instance }) => {
        asked.push(instance);
        return { kind: "impossible", reason: "it is not an address with a port" };
      },
    });
    assert.deepEqual(asked, ["web:0"]);
    const [failed, ...more] = ofType(run, "instance.failed");
    assert.deepEqual(more, []);
    assert.ok(failed && failed.code === "check_failed" && failed.seconds < 5, JSON.stringify(failed));
    assert.equal(failed.reason, "it is not an address with a port: this check can never pass: tcp 127.0.0.1:80");
    assert.equal(ofType(run, "rollout.halted")[0]?.code, "check_failed");
  });

  it("that pass once and fail while min_healthy_time runs are asked again, and the instance is healthy when they pass", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1, timings: { min_healthy_time_ms: 3000 } });
    // It answers for a second, then not for twenty.
    fleet.behave("host-1", "web:0", { failsChecks: [[2000, 22_000]] });
    const run = await simulate(withCheck(rollout()), fleet, time);
    assert.equal(run.outcome, "succeeded");
    const [healthy] = ofType(run, "instance.healthy");
    const { atMs: startedAtMs } = fleet.process("host-1", "web:0").spawns.at(-1)!;
    assert.ok(healthy && healthy.atMs >= startedAtMs + 22_000 && healthy.atMs <= startedAtMs + 27_500);
  });

  it("that pass once and fail ever after fail the instance, though RUNNING for min_healthy_time", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1, timings: { min_healthy_time_ms: 3000 } });
    fleet.behave("host-1", "web:0", { failsChecks: [[2000, Infinity]] });
    const run = await simulate(withCheck(rollout()), fleet, time);
    assert.equal(ofType(run, "rollout.halted")[0]?.code, "check_failed");
    assert.equal(ofType(run, "instance.healthy").length, 0);
  });

  it("must pass as often in a row as their passes say, one between_checks after the other", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1, timings: { min_healthy_time_ms: 0 } });
    const asked: number[] = [];
    const passing = [true, false, true, true, true];
    const run = await simulate(withCheck(rollout(), { ...check, passes: 3 }), fleet, time, {
      onCheck: () => {
        asked.push(time.now);
        return passing.shift() === true ? { kind: "passed" } : { kind: "failed", reason: "refused" };
      },
    });
    assert.equal(run.outcome, "succeeded");
    assert.equal(asked.length, 5);
    for (const [index, atMs] of asked.entries()) if (index > 0) assert.ok(atMs - asked[index - 1]! >= 5000);
  });

  it("are asked of the process that was started, and know the one that it has replaced", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1 });
    const { pid: oldPid } = fleet.process("host-1", "web:0");
    const pids = new Set<string>();
    const run = await simulate(withCheck(rollout()), fleet, time, {
      onCheck: ({ pid, previousPid }) => {
        pids.add(`${pid} ${previousPid}`);
        return { kind: "passed" };
      },
    });
    const [healthy] = ofType(run, "instance.healthy");
    assert.deepEqual([...pids], [`${healthy?.pid} ${oldPid}`]);
  });

  it("do not hide a program that dies while they are tried", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1 });
    fleet.behave("host-1", "web:0", { diesAfterMs: 20_000 });
    const run = await simulate(withCheck(rollout()), fleet, time, {
      onCheck: () => ({ kind: "failed", reason: "refused" }),
    });
    assert.equal(ofType(run, "rollout.halted")[0]?.code, "flapping");
  });
});

describe("hooks", () => {
  const hook = { command: "true", run: "host" } as const;
  const draining = { before_restart: hook, after_healthy: hook };
  const hooksOf = (run: Simulated) =>
    ofType(run, "hook.finished").map((event) => `${event.instance ?? event.host} ${event.hook}`);

  it("run around the host and around each restart, in order", async () => {
    const hooks = { before_host: hook, after_host: hook, ...draining };
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2, hooks });
    const run = await simulate(rollout(), fleet, time);
    assert.deepEqual(hooksOf(run), [
      "host-1 before_host",
      "web:0 before_restart",
      "web:0 after_healthy",
      "web:1 before_restart",
      "web:1 after_healthy",
      "host-1 after_host",
    ]);
  });

  it("know the process that they are about, and after a restart the one that it has replaced", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1, hooks: draining });
    const process = fleet.process("host-1", "web:0");
    const pids: string[] = [];
    const planned = rollout();
    // It was restarted by hand since: what runs now is meant.
    const oldPid = (process.pid = 77);
    await simulate(planned, fleet, time, {
      onHook: ({ hook: name, pid, previousPid }) => {
        pids.push(`${name} ${pid} ${previousPid}`);
        return { kind: "succeeded" };
      },
    });
    assert.deepEqual(pids, [`before_restart ${oldPid} undefined`, `after_healthy ${process.pid} ${oldPid}`]);
  });

  it("do not take out of service what has been stopped or removed since the preview", async () => {
    for (const meanwhile of ["stopped", "removed"] as const) {
      const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1, hooks: draining });
      const planned = rollout();
      if (meanwhile === "stopped") fleet.process("host-1", "web:0").state = "STOPPED";
      else fleet.remove("host-1" as HostName, "web:0" as InstanceName);
      const run = await simulate(planned, fleet, time);
      assert.deepEqual(hooksOf(run), []);
      assert.equal(run.outcome, meanwhile === "stopped" ? "succeeded" : "halted");
    }
  });

  it("name a drained instance whose restart fails as still drained, and do not enable it", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2, hooks: draining });
    fleet.behave("host-1", "web:0", { fileGone: true });
    const run = await simulate(rollout(), fleet, time);
    assert.deepEqual(hooksOf(run), ["web:0 before_restart"]);
    assert.equal(ofType(run, "instance.failed")[0]?.still_drained, true);
  });

  it("enable an instance again that was drained and then not restarted", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2, hooks: draining });
    const run = await simulate(rollout(), fleet, time, {
      onHook: () => {
        fleet.process("host-1", "web:0").state = "STOPPED";
        return { kind: "succeeded" };
      },
    });
    assert.deepEqual(hooksOf(run).slice(0, 2), ["web:0 before_restart", "web:0 after_healthy"]);
    assert.equal(ofType(run, "instance.skipped")[0]?.instance, "web:0");
  });

  it("enable it again after an interrupt that came while it was drained", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2, hooks: draining });
    const run = await simulate(rollout(), fleet, time, {
      onEvent: (event, feed) => event.type === "hook.started" && feed({ type: "interrupted", signal: "SIGINT" }),
    });
    assert.deepEqual(hooksOf(run), ["web:0 before_restart", "web:0 after_healthy"]);
    assert.deepEqual(countsOf(run), { healthy: 0, failed: 0, skipped: 0, untouched: 2 });
    assert.equal(run.outcome, "interrupted");
  });

  it("that fail before the restart fail the instance untouched; after it, one that stays healthy", async () => {
    for (const failing of ["before_restart", "after_healthy"]) {
      const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2, hooks: draining });
      const run = await simulate(rollout(), fleet, time, {
        onHook: ({ hook }) => (hook === failing ? { kind: "failed", reason: "exit code 1" } : { kind: "succeeded" }),
      });
      assert.equal(ofType(run, "rollout.halted")[0]?.code, "hook_failed");
      assert.equal(ofType(run, "instance.restarting").length, failing === "before_restart" ? 0 : 1);
      assert.deepEqual(countsOf(run), { healthy: 0, failed: 1, skipped: 0, untouched: 1 });
    }
  });

  it("of a host that fail before it skip its instances, which is one failure", async () => {
    const { time, fleet, rollout } = simulated({
      hosts: 2,
      instances: 2,
      maxFailures: 1,
      hooks: { before_host: hook },
    });
    const run = await simulate(rollout(), fleet, time, {
      onHook: ({ host }) =>
        host === ("host-1" as HostName) ? { kind: "failed", reason: "no" } : { kind: "succeeded" },
    });
    assert.equal(run.outcome, "incomplete");
    assert.deepEqual(countsOf(run), { healthy: 2, failed: 0, skipped: 2, untouched: 0 });
  });

  it("of the rollout run first and last, and on_failure after each failure", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2 });
    fleet.behave("host-1", "web:1", { fileGone: true });
    const hooks = { before_rollout: hook, after_rollout: hook, on_failure: hook };
    const run = await simulate({ ...rollout(), hooks }, fleet, time);
    assert.deepEqual(
      ofType(run, "hook.finished").map((event) => event.hook),
      ["before_rollout", "on_failure", "after_rollout"],
    );
    const started = ofType(run, "instance.restarting")[0]?.atMs ?? 0;
    assert.ok((ofType(run, "hook.finished")[0]?.atMs ?? Infinity) <= started);
  });

  it("that fail before the rollout leave everything untouched", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2 });
    const run = await simulate({ ...rollout(), hooks: { before_rollout: hook } }, fleet, time, {
      onHook: () => ({ kind: "failed", reason: "no" }),
    });
    assert.deepEqual(countsOf(run), { healthy: 0, failed: 0, skipped: 0, untouched: 2 });
    assert.equal(run.outcome, "halted");
  });
});

describe("an instance that was STOPPED before, where the plan says start", () => {
  it("is started, and passes the same gate", async () => {
    const { time, fleet, plan } = simulated({ hosts: 1, instances: 2, stopped: "start" });
    fleet.process("host-1", "web:0").state = "STOPPED";
    const run = await simulate(rolloutOf(plan, fleet), fleet, time);
    assert.equal(run.outcome, "succeeded");
    const actions = ofType(run, "instance.restarting").map(({ instance, action }) => [instance, action]);
    assert.deepEqual(actions, [
      ["web:0", "start"],
      ["web:1", "restart"],
    ]);
  });

  for (const state of ["FATAL", "EXITED"] as const)
    it(`is started as well where another user has tried that since, and it is ${state}`, async () => {
      const { time, fleet, plan } = simulated({ hosts: 1, instances: 1, stopped: "start" });
      const process = fleet.process("host-1", "web:0");
      process.rest("STOPPED");
      const planned = rolloutOf(plan, fleet);
      process.rest(state);
      const run = await simulate(planned, fleet, time);
      assert.deepEqual([run.outcome, process.state], ["succeeded", "RUNNING"]);
      assert.deepEqual(
        ofType(run, "instance.restarting").map(({ action }) => action),
        ["start"],
      );
    });
});

/** Every host has a turn in both waves: for its first instance, then for the others. */
function inTwoWaves(rollout: Rollout): Rollout {
  const half = (take: (instances: readonly PlannedInstance[]) => readonly PlannedInstance[]): Wave[] =>
    rollout.waves.map((wave) => ({
      ...wave,
      batches: wave.batches.map((batch) => ({
        ...batch,
        hosts: batch.hosts.map((work) => {
          const instances = take(work.batches.flatMap((one) => one.instances));
          return { ...work, batches: [{ program: "web" as ProgramName, at_once: 1, instances }] };
        }),
      })),
    }));
  return { ...rollout, waves: [...half((all) => all.slice(0, 1)), ...half((all) => all.slice(1))] };
}

describe("an instance that was to be started, and that another user is starting", () => {
  async function startedByOthers(crashesAtStart: number) {
    const { time, fleet, plan } = simulated({ hosts: 1, instances: 1, stopped: "start" });
    const process = fleet.process("host-1", "web:0");
    process.rest("STOPPED");
    const rollout = rolloutOf(plan, fleet);
    fleet.behave("host-1", "web:0", { crashesAtStart });
    process.meddle("start");
    const run = await simulate(rollout, fleet, time);
    return { run, process };
  }

  it("passes the gate, as if it had been started here", async () => {
    const { run, process } = await startedByOthers(2);
    assert.equal(run.outcome, "succeeded");
    assert.deepEqual(countsOf(run), { healthy: 1, failed: 0, skipped: 0, untouched: 0 });
    assert.equal(process.state, "RUNNING");
  });

  it("fails where that comes to nothing: it is down", async () => {
    const { run } = await startedByOthers(Infinity);
    assert.equal(run.outcome, "halted");
    assert.equal(ofType(run, "instance.failed")[0]?.code, "fatal");
  });
});

describe("an instance that a restart has stopped and, as it was lost, not started", () => {
  async function lostHalfway(unsent: number) {
    const { fleet, time, rollout } = simulated({ hosts: 1, instances: 2 });
    fleet.behave("host-1", "web:0", { fileGone: true });
    let starts = 0;
    const run = await simulate(rollout(), fleet, time, {
      onChange(change) {
        if (change.action === "update" || change.instance !== "web:0") return { kind: "arrives" };
        if (change.action === "restart") return { kind: "lost_under_way", afterMs: 1000 };
        fleet.behave("host-1", "web:0", {});
        return starts++ < unsent ? { kind: "not_sent" } : { kind: "arrives" };
      },
    });
    return { run, process: fleet.process("host-1", "web:0") };
  }

  it("is started, also where its start could not be sent at once: nobody has stopped it on purpose", async () => {
    const { run, process } = await lostHalfway(3);
    assert.equal(run.outcome, "succeeded");
    assert.deepEqual(ofType(run, "instance.skipped"), []);
    assert.equal(process.state, "RUNNING");
    assert.equal(process.stopsAtMs.length, 1);
  });

  it("fails as stayed_stopped where no start can be sent until healthy_deadline", async () => {
    const { run, process } = await lostHalfway(Infinity);
    assert.equal(run.outcome, "halted");
    assert.deepEqual(
      ofType(run, "instance.failed").map(({ code, instance }) => ({ code, instance })),
      [{ code: "stayed_stopped", instance: "web:0" }],
    );
    assert.deepEqual(countsOf(run), { healthy: 0, failed: 1, skipped: 0, untouched: 1 });
    assert.equal(process.state, "STOPPED");
  });
});

describe("an instance that a resume only checks, and that fails", () => {
  for (const isLeft of [true, false])
    it(`is named as ${isLeft ? "still drained where" : "drained only where"} the rollout that is resumed left it so`, async () => {
      const hooks = {
        before_restart: { command: "drain", run: "host" },
        after_healthy: { command: "enable", run: "host" },
      } as const;
      const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1, hooks });
      const planned = rollout();
      const [host, instance] = ["host-1" as HostName, "web:0" as InstanceName];
      fleet.process(host, instance).breakDown();
      const gated: Rollout = {
        ...withAction(planned, "gate"),
        resumes: "20261122T000000Z-0000" as RolloutId,
        ...(isLeft && { left_drained: { instances: [{ host, instance }], hosts: [] } }),
      };
      const run = await simulate(gated, fleet, time);
      const [failed] = ofType(run, "instance.failed");
      assert.equal(failed?.code, "fatal");
      assert.equal(failed.still_drained, isLeft ? true : undefined);
    });
});

it("an instance that a resume only checks, and that still is its old process, is restarted: nobody has done so", async () => {
  const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1 });
  const process = fleet.process("host-1", "web:0");
  const gated = withAction(rollout(), "gate", process.pid);
  const run = await simulate(gated, fleet, time);
  assert.equal(run.outcome, "succeeded");
  assert.deepEqual(ofType(run, "instance.failed"), []);
  assert.equal(process.stopsAtMs.length, 1);
});

function withAction(rollout: Rollout, action: PlannedInstance["action"], previous_pid?: number): Rollout {
  const settled = { action, ...(previous_pid !== undefined && { previous_pid }) };
  const waves = rollout.waves.map((wave) => ({
    ...wave,
    batches: wave.batches.map((batch) => ({
      ...batch,
      hosts: batch.hosts.map((work) => ({
        ...work,
        batches: work.batches.map((turn) => ({
          ...turn,
          instances: turn.instances.map((one) => ({ ...one, ...settled })),
        })),
      })),
    })),
  }));
  return { ...rollout, waves };
}
