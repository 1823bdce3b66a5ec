import assert from "node:assert/strict";
import type { Answer, RolloutEvent } from "../../src/domain/events.ts";
import type { RolloutId } from "../../src/domain/ids.ts";
import type { Hook, HookName, HostHooks, WaveHooks } from "../../src/domain/settings.ts";
import { buildRollout } from "../../src/planner/build/build.ts";
import { readResumedRollout } from "../../src/planner/build/resumed.ts";
import { RolloutModel } from "../../src/views/model/rollout-model.ts";
import { reportText } from "../../src/views/report/report.ts";
import { rolloutOf, simulated, type Sizes } from "./rollouts.ts";
import type { SimHook } from "./sim-world.ts";
import { simulate, type Simulated, type SimulateOptions } from "./simulate.ts";

const hookOf = (name: string, more: Partial<Hook> = {}): Hook => ({ command: name, run: "controller", ...more });

const ALL: WaveHooks = {
  before_wave: hookOf("before_wave"),
  before_batch: hookOf("before_batch"),
  after_batch: hookOf("after_batch"),
  after_wave: hookOf("after_wave"),
};

const DRAIN: WaveHooks = { before_batch: hookOf("before_batch"), after_batch: hookOf("after_batch") };

/** A plan of a fleet whose waves have these hooks. */
function withHooks(sizes: Sizes, hooks: WaveHooks) {
  const { plan, fleet, time } = simulated(sizes);
  return { plan: { ...plan, waves: plan.waves.map((wave) => ({ ...wave, hooks })) }, fleet, time };
}

/** Its hooks and restarts in their order: `before_batch 1/1`, `host-1 web:0`. */
function told(events: readonly RolloutEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === "instance.restarting") return [`${event.host} ${event.instance}`];
    if (event.type !== "hook.started") return [];
    const { hook, wave, batch, host, instance } = event;
    return [
      [hook, [wave, batch].filter((part) => part !== undefined).join("/"), host, instance].filter(Boolean).join(" "),
    ];
  });
}

function codesOf(run: Simulated) {
  return run.events.flatMap((event) => (event.type === "rollout.halted" ? [event.code] : []));
}

function countsOf({ events }: Simulated) {
  return events.flatMap((event) => (event.type === "rollout.finished" ? [event.counts] : []))[0];
}

/** Those that are called so fail, as often as it says. */
function failing(name: HookName, times = Infinity): Pick<SimulateOptions, "onHook"> {
  let left = times;
  return {
    onHook: ({ hook }) =>
      hook === name && left-- > 0 ? { kind: "failed", reason: "exit code 1" } : { kind: "succeeded" },
  };
}

describe("hooks of waves and batches", () => {
  it("run around each wave and each of its batches, with the group and the hosts that they are about", async () => {
    const { plan, fleet, time } = withHooks({ hosts: 3, instances: 1, canaryPause: { ms: 1000 } }, ALL);
    const about: string[] = [];
    const run = await simulate(rolloutOf(plan, fleet), fleet, time, {
      onHook: ({ hook, step, hosts = [] }: SimHook) => {
        about.push(`${hook} ${step?.group} ${hosts.join(" ")}`);
        return { kind: "succeeded" };
      },
    });
    assert.equal(run.outcome, "succeeded");
    assert.deepEqual(told(run.events), [
      ...["before_wave 1", "before_batch 1/1", "host-1 web:0", "after_batch 1/1", "after_wave 1"],
      ...["before_wave 2", "before_batch 2/1", "host-2 web:0", "after_batch 2/1"],
      ...["before_batch 2/2", "host-3 web:0", "after_batch 2/2", "after_wave 2"],
    ]);
    assert.deepEqual(about.slice(4), [
      "before_wave all host-2 host-3",
      "before_batch all host-2",
      "after_batch all host-2",
      "before_batch all host-3",
      "after_batch all host-3",
      "after_wave all host-2 host-3",
    ]);
    const types = run.events.map(({ type }) => type);
    assert.ok(types.indexOf("rollout.paused") > types.indexOf("wave.finished"), "the pause comes after after_wave");
  });

  it("halt before the batch is touched where before_batch fails, and end what was begun", async () => {
    const { plan, fleet, time } = withHooks({ hosts: 3, instances: 2 }, ALL);
    let batches = 0;
    const run = await simulate(rolloutOf(plan, fleet), fleet, time, {
      onHook: ({ hook }) =>
        hook === "before_batch" && ++batches === 2 ? { kind: "failed", reason: "exit code 1" } : { kind: "succeeded" },
    });
    assert.equal(run.outcome, "halted");
    assert.deepEqual(codesOf(run), ["hook_failed"]);
    assert.deepEqual(told(run.events).slice(-4), [
      "after_batch 1/1",
      "before_batch 1/2",
      "after_batch 1/2",
      "after_wave 1",
    ]);
    assert.deepEqual(countsOf(run), { healthy: 2, failed: 0, skipped: 0, untouched: 4 });
    const { halted } = RolloutModel.of(run.events);
    assert.equal(halted?.reason, "wave 1 (all) batch 2: its before_batch hook failed: exit code 1");
    assert.deepEqual([...fleet.drainedTogether], []);
  });

  it("halt before the wave is touched where before_wave fails", async () => {
    const { plan, fleet, time } = withHooks({ hosts: 2, instances: 1 }, ALL);
    const run = await simulate(rolloutOf(plan, fleet), fleet, time, failing("before_wave"));
    assert.equal(run.outcome, "halted");
    assert.deepEqual(told(run.events), ["before_wave 1", "after_wave 1"]);
    assert.equal(countsOf(run)?.untouched, 2);
  });

  for (const [hook, skipped, others] of [
    ["before_batch", ["host-1"], ["host-2 web:0", "host-3 web:0"]],
    ["before_wave", ["host-1", "host-2", "host-3"], []],
  ] as const)
    it(`skip what ${hook} was for where its failure is tolerated, and continue behind it`, async () => {
      const { plan, fleet, time } = withHooks({ hosts: 3, instances: 1, maxFailures: 1 }, ALL);
      const run = await simulate(rolloutOf(plan, fleet), fleet, time, failing(hook, 1));
      assert.equal(run.outcome, "incomplete");
      const skips = run.events.flatMap((event) => (event.type === "instance.skipped" ? [event.host] : []));
      assert.deepEqual(skips, skipped);
      assert.deepEqual(
        told(run.events).filter((text) => text.startsWith("host-")),
        others,
      );
      assert.equal(run.events.filter(({ type }) => type === "wave.finished").length, 1);
    });

  for (const hook of ["after_batch", "after_wave"] as const)
    it(`halt after the batch or wave where ${hook} fails, as a smoke test does`, async () => {
      const { plan, fleet, time } = withHooks(
        { hosts: 2, instances: 1, canaryPause: { ms: 1000 } },
        { [hook]: hookOf(hook) },
      );
      const run = await simulate(rolloutOf(plan, fleet), fleet, time, failing(hook));
      assert.equal(run.outcome, "halted");
      assert.deepEqual(codesOf(run), ["hook_failed"]);
      assert.deepEqual(countsOf(run), { healthy: 1, failed: 0, skipped: 0, untouched: 1 });
    });

  for (const [answer, outcome, restarted] of [
    ["retry", "succeeded", 2],
    ["skip", "incomplete", 1],
    ["stop", "halted", 0],
  ] as const)
    it(`are asked about where the plan says so: ${answer}`, async () => {
      const { plan, fleet, time } = withHooks({ hosts: 2, instances: 1 }, ALL);
      const questions: (readonly Answer[])[] = [];
      const run = await simulate(rolloutOf({ ...plan, on_failure: "ask" }, fleet), fleet, time, {
        ...failing("before_batch", 1),
        onQuestion: (answers) => {
          questions.push(answers);
          return { answer, afterMs: 3_600_000 };
        },
      });
      assert.equal(run.outcome, outcome);
      assert.deepEqual(questions, [["retry", "skip", "stop"]]);
      const asked = run.events.find((event) => event.type === "rollout.asking");
      assert.deepEqual([asked?.wave, asked?.group, asked?.batch, asked?.host], [1, "all", 1, undefined]);
      assert.equal(run.events.filter(({ type }) => type === "instance.restarting").length, restarted);
      assert.equal(told(run.events).at(-1), "after_wave 1");
    });

  it("put back what they took out where a failure or Ctrl-C stops the rollout in the batch, or between two", async () => {
    for (const moment of ["instance.restarting", "hook.started", "batch.resting", "instance.failed"] as const) {
      const { plan, fleet, time } = withHooks({ hosts: 2, instances: 1, timings: { between_batches_ms: 5000 } }, ALL);
      if (moment === "instance.failed") fleet.behave("host-1", "web:0", { fileGone: true });
      const run = await simulate(rolloutOf(plan, fleet), fleet, time, {
        onEvent: (event, feed) => event.type === moment && feed({ type: "interrupted", signal: "SIGINT" }),
      });
      assert.equal(run.outcome, moment === "instance.failed" ? "halted" : "interrupted", moment);
      assert.equal(told(run.events).at(-1), "after_wave 1", moment);
      assert.deepEqual([...fleet.drainedTogether], [], moment);
    }
  });

  it("name what is left out of service where nothing puts it back: a hook that fails, or a second Ctrl-C", async () => {
    const failed = withHooks({ hosts: 2, instances: 1, hostsAtOnce: 2 }, DRAIN);
    const run = await simulate(rolloutOf(failed.plan, failed.fleet), failed.fleet, failed.time, failing("after_batch"));
    const left = withHooks({ hosts: 2, instances: 1, hostsAtOnce: 2 }, ALL);
    const leaving = await simulate(rolloutOf(left.plan, left.fleet), left.fleet, left.time, {
      onEvent: (event, feed) => {
        if (event.type !== "instance.restarting") return;
        feed({ type: "interrupted", signal: "SIGINT" });
        feed({ type: "abandoned" });
      },
    });
    for (const [{ plan, fleet }, { events }, lines] of [
      [failed, run, "  all: host-\\[1-2\\]\n    before_batch ran"],
      [left, leaving, "  all: host-\\[1-2\\]\n    before_batch ran[^\n]*\n  all: host-\\[1-2\\]\n    before_wave ran"],
    ] as const) {
      const report = reportText(RolloutModel.of([{ type: "rollout.planned", ...rolloutOf(plan, fleet) }, ...events]));
      assert.match(report, new RegExp(`\nstill drained\n(?:[^\n]*\n)*${lines}`));
    }
  });

  it("are looked behind while they take long: what was restarted and dies is noticed", async () => {
    const { plan, fleet, time } = withHooks(
      { hosts: 2, instances: 1 },
      { before_batch: hookOf("x", { timeout_ms: 900_000 }) },
    );
    let batches = 0;
    const run = await simulate(rolloutOf(plan, fleet), fleet, time, {
      onHook: () => {
        if (++batches === 2) time.after(60_000, () => fleet.process("host-1", "web:0").breakDown());
        return { kind: "succeeded", afterMs: batches === 2 ? 600_000 : 200 };
      },
    });
    assert.deepEqual(codesOf(run), ["regressed"]);
    assert.equal(run.events.filter(({ type }) => type === "instance.restarting").length, 1);
  });
});

describe("hooks of waves and batches where the journal can no longer be written", () => {
  it("take nothing out of service, and put back what was out before", async () => {
    for (const [after, ran] of [
      [0, []],
      [1, ["before_wave", "after_wave"]],
      [2, ["before_wave", "before_batch", "after_batch", "after_wave"]],
    ] as const) {
      const { plan, fleet, time } = withHooks({ hosts: 2, instances: 1 }, ALL);
      const sent: HookName[] = [];
      const run = await simulate(rolloutOf(plan, fleet), fleet, time, {
        onHook: ({ hook }) => (sent.push(hook), { kind: "succeeded" }),
        journalProblem: () => (sent.length >= after ? "no space left on device" : undefined),
      });
      assert.deepEqual(codesOf(run), ["journal_unwritable"]);
      assert.deepEqual(sent, ran);
      assert.deepEqual([...fleet.drainedTogether], []);
      assert.equal(countsOf(run)?.untouched, 2);
    }
  });
});

describe("a hook with on_error: warn", () => {
  const warns = (name: string) => hookOf(name, { on_error: "warn" });

  it("is reported when it fails, and the rollout continues as if it had succeeded", async () => {
    for (const name of ["before_wave", "before_batch", "after_batch", "after_wave"] as const) {
      const { plan, fleet, time } = withHooks({ hosts: 2, instances: 1 }, { ...ALL, [name]: warns(name) });
      const run = await simulate(rolloutOf(plan, fleet), fleet, time, failing(name));
      assert.equal(run.outcome, "succeeded", name);
      const finished = run.events.filter((event) => event.type === "hook.finished" && event.hook === name);
      for (const event of finished)
        assert.deepEqual("succeeded" in event && [event.succeeded, event.reason, event.on_error], [
          false,
          "exit code 1",
          "warn",
        ]);
      const report = reportText(
        RolloutModel.of([{ type: "rollout.planned", ...rolloutOf(plan, fleet) }, ...run.events]),
      );
      assert.match(
        report,
        new RegExp(`\nhooks that failed, which is only a warning\n  ${name} of wave 1 .*: exit code 1\n`),
      );
      assert.doesNotMatch(report, /failed hooks/);
    }
  });

  it("may have drained the instance all the same: after_healthy runs, and until it succeeds the instance is named", async () => {
    const hooks: HostHooks = { before_restart: warns("before_restart"), after_healthy: hookOf("after_healthy") };
    for (const isBack of [true, false]) {
      const { plan, fleet, time } = simulated({ hosts: 1, instances: 1, hooks });
      const run = await simulate(rolloutOf(plan, fleet), fleet, time, {
        onHook: ({ hook }) =>
          hook === "before_restart" || !isBack ? { kind: "failed", reason: "exit code 1" } : { kind: "succeeded" },
      });
      assert.deepEqual(told(run.events), ["before_restart host-1 web:0", "host-1 web:0", "after_healthy host-1 web:0"]);
      assert.equal(run.outcome, isBack ? "succeeded" : "halted");
      const { drains } = RolloutModel.of([{ type: "rollout.planned", ...rolloutOf(plan, fleet) }, ...run.events]);
      assert.deepEqual([...drains.instances.keys()], isBack ? [] : ["host-1 web:0"]);
      const asKilled = run.events.slice(0, run.events.findIndex(({ type }) => type === "hook.finished") + 1);
      const known = readResumedRollout([{ type: "rollout.planned", ...rolloutOf(plan, fleet) }, ...asKilled]);
      assert.deepEqual(known?.leftDrained.instances, [{ host: "host-1", instance: "web:0" }]);
    }
  });

  it("does not keep a host back where it is before_host, nor fail it where it is after_host", async () => {
    const hooks: HostHooks = { before_host: warns("before_host"), after_host: warns("after_host") };
    const { plan, fleet, time } = simulated({ hosts: 2, instances: 1, hooks });
    const run = await simulate(rolloutOf(plan, fleet), fleet, time, {
      onHook: () => ({ kind: "failed", reason: "exit code 1" }),
    });
    assert.equal(run.outcome, "succeeded");
    const { drains } = RolloutModel.of([{ type: "rollout.planned", ...rolloutOf(plan, fleet) }, ...run.events]);
    assert.deepEqual([...drains.hosts], ["host-1", "host-2"], "what after_host did not put back is named");
  });
});

describe("the timeout of a hook", () => {
  it("is its own where the plan has one, for each kind of hook, else what it was", async () => {
    const own = { timeout_ms: 900_000 };
    const names = ["before_host", "before_restart", "after_healthy", "after_host"] as const;
    for (const more of [{}, own]) {
      const hooks = Object.fromEntries(names.map((name) => [name, hookOf(name, more)])) as HostHooks;
      const { plan, fleet, time } = simulated({ hosts: 1, instances: 1, hooks, timings: { command_timeout_ms: 7000 } });
      const ofRollout = { before_rollout: hookOf("x", more), after_rollout: hookOf("x", more) };
      const run = await simulate(rolloutOf({ ...plan, hooks: ofRollout }, fleet), fleet, time);
      const ms = run.events.flatMap((event) => (event.type === "hook.started" ? [event.ms] : []));
      const asBefore = [60_000, 7000, 7000, 7000, 7000, 60_000];
      assert.deepEqual(ms, "timeout_ms" in more ? asBefore.map(() => 900_000) : asBefore);
    }
  });
});

describe("a resume of a rollout that was killed in a hook of a batch", () => {
  const fiveHosts = { hosts: 5, instances: 1, hostsAtOnce: 2 };

  /** Killed when that happens for the first time; then what a resume makes of the journal. */
  async function killedAt(isMoment: (event: RolloutEvent) => boolean) {
    const { plan, fleet, time } = withHooks(fiveHosts, ALL);
    const rollout = rolloutOf(plan, fleet);
    const kept = (await simulate(rollout, fleet, time)).events.findIndex(isMoment) + 1;
    const again = withHooks(fiveHosts, ALL);
    const run = await simulate(rollout, again.fleet, again.time, { killAfterEvent: kept });
    assert.equal(run.outcome, undefined);
    const resumed = readResumedRollout([{ type: "rollout.planned", ...rollout }, ...run.events.slice(0, kept)]);
    assert.ok(resumed);
    const id = "20261123T000001Z-0000" as RolloutId;
    const built = buildRollout(again.plan, again.fleet.report(), { id }, { resumed });
    assert.equal(built.kind, "planned");
    return { ...again, resumed, planned: built.rollout };
  }

  it("knows what may be drained, and drains, restarts and puts back", async () => {
    const { fleet, time, planned, resumed } = await killedAt(
      (event) => event.type === "hook.started" && event.hook === "before_batch" && event.batch === 2,
    );
    assert.deepEqual(resumed.leftDrained.batches, [{ group: "all", hosts: ["host-3", "host-4"] }]);
    assert.equal(resumed.leftDrained.waves?.[0]?.hosts.length, 5);
    const about: string[] = [];
    const run = await simulate(planned, fleet, time, {
      onHook: ({ hook, hosts = [] }) => {
        about.push(`${hook} ${hosts.join(" ")}`);
        return { kind: "succeeded" };
      },
    });
    assert.equal(run.outcome, "succeeded");
    assert.deepEqual(about, [
      "before_wave host-3 host-4 host-5",
      "before_batch host-3 host-4",
      "after_batch host-3 host-4",
      "before_batch host-5",
      "after_batch host-5",
      "after_wave host-3 host-4 host-5 host-1 host-2",
    ]);
    assert.deepEqual([...fleet.drainedTogether], []);
  });

  it("puts back the hosts of its batch that are healthy already with those that it restarts", async () => {
    const { fleet, time, planned } = await killedAt(
      (event) => event.type === "instance.healthy" && event.host === "host-1",
    );
    const run = await simulate(planned, fleet, time);
    assert.equal(run.outcome, "succeeded");
    assert.deepEqual([...fleet.drainedTogether], []);
    const { drains } = RolloutModel.of([{ type: "rollout.planned", ...planned }, ...run.events]);
    assert.ok(drains.isEmpty);
  });
});
