import assert from "node:assert/strict";
import type { Answer, RolloutEvent } from "../../src/domain/events.ts";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import type { Input } from "../../src/rollout/messages.ts";
import { RolloutModel } from "../../src/views/model/rollout-model.ts";
import { rolloutOf, simulated, type Sizes } from "./rollouts.ts";
import type { SimProcess } from "./sim-process.ts";
import { simulate, type Simulated, type SimulateOptions } from "./simulate.ts";

type TimedEvent = Simulated["events"][number];
const hook = { command: "true", run: "host" } as const;
/** An operator who asks for coffee before answering. */
const THINKS_MS = 3_600_000;

function ofType<T extends RolloutEvent["type"]>({ events }: Simulated, type: T): Extract<TimedEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TimedEvent, { type: T }> => event.type === type);
}

function asking(sizes: Sizes) {
  const { plan, fleet, time } = simulated(sizes);
  return { fleet, time, rollout: rolloutOf({ ...plan, on_failure: "ask" }, fleet) };
}

/** Answers the questions in this order; there must be no further one. */
function answers(...wishes: Answer[]): Pick<SimulateOptions, "onQuestion"> {
  return {
    onQuestion() {
      const answer = wishes.shift();
      assert.ok(answer, "one question too many");
      return { answer, afterMs: THINKS_MS };
    },
  };
}

function counts(run: Simulated) {
  return ofType(run, "rollout.finished")[0]?.counts;
}

/** What the views and a resume take from the events must be what the rollout counted itself. */
function assertModelAgrees(rollout: Rollout, run: Simulated): void {
  const { instances } = RolloutModel.of([{ type: "rollout.planned", ...rollout }, ...run.events]);
  const { healthy, failed, skipped, untouched } = instances.counts;
  assert.deepEqual({ healthy, failed, skipped, untouched }, counts(run));
}

function actions(run: Simulated): string[] {
  return ofType(run, "instance.restarting").map(({ host, instance, action }) => `${host} ${instance} ${action}`);
}

describe("on_failure: ask", () => {
  it("reports the failure with its log, asks, and begins nothing until it is answered", async () => {
    const { fleet, time, rollout } = asking({ hosts: 3, instances: 2, hostsAtOnce: 2 });
    fleet.behave("host-1", "web:0", { fileGone: true });
    fleet.behave("host-2", "web:0", { startsecsMs: 60_000 });
    const run = await simulate(rollout, fleet, time, answers("skip"));
    const [asked] = ofType(run, "rollout.asking");
    const [answered] = ofType(run, "rollout.answered");
    assert.deepEqual([asked?.host, asked?.instance, asked?.code], ["host-1", "web:0", "stayed_stopped"]);
    assert.deepEqual(asked?.answers, ["retry", "skip", "stop"]);
    assert.ok(run.events.findIndex(({ type }) => type === "instance.failed") < run.events.indexOf(asked));
    const meanwhile = run.events.slice(run.events.indexOf(asked) + 1, run.events.indexOf(answered!));
    // What is in progress finishes its gate.
    assert.deepEqual(
      [...new Set(meanwhile.map(({ type }) => type))],
      ["instance.observed", "instance.healthy", "host.resting"],
    );
    assertModelAgrees(rollout, run);
  });

  it("halts with that failure's code where the operator says stop", async () => {
    const { fleet, time, rollout } = asking({ hosts: 2, instances: 2 });
    fleet.behave("host-1", "web:1", { fileGone: true });
    const run = await simulate(rollout, fleet, time, answers("stop"));
    assert.equal(run.outcome, "halted");
    assert.equal(ofType(run, "rollout.halted")[0]?.code, "stayed_stopped");
    assert.deepEqual(counts(run), { healthy: 1, failed: 1, skipped: 0, untouched: 2 });
  });

  it("continues as if it were tolerated where the operator says skip, and ends incomplete", async () => {
    const { fleet, time, rollout } = asking({ hosts: 2, instances: 2 });
    fleet.behave("host-1", "web:0", { fileGone: true });
    fleet.behave("host-2", "web:1", { fileGone: true });
    const run = await simulate(rollout, fleet, time, answers("skip", "skip"));
    assert.equal(run.outcome, "incomplete");
    assert.deepEqual(counts(run), { healthy: 2, failed: 2, skipped: 0, untouched: 0 });
    assertModelAgrees(rollout, run);
  });

  it("restarts it again where the operator says retry: what is fixed then does not count", async () => {
    const { fleet, time, rollout } = asking({ hosts: 2, instances: 2 });
    fleet.behave("host-1", "web:1", { fileGone: true });
    const run = await simulate(rollout, fleet, time, {
      onQuestion() {
        fleet.behave("host-1", "web:1", {});
        return { answer: "retry", afterMs: THINKS_MS };
      },
    });
    assert.equal(run.outcome, "succeeded");
    assert.deepEqual(actions(run).slice(0, 4), [
      "host-1 web:0 restart",
      "host-1 web:1 restart",
      // Its first restart has left it STOPPED.
      "host-1 web:1 start",
      "host-2 web:0 restart",
    ]);
    assert.deepEqual(counts(run), { healthy: 4, failed: 0, skipped: 0, untouched: 0 });
    assertModelAgrees(rollout, run);
  });

  it("asks again when it fails again", async () => {
    const { fleet, time, rollout } = asking({ hosts: 1, instances: 2 });
    fleet.behave("host-1", "web:0", { diesAfterMs: 3000 });
    const run = await simulate(rollout, fleet, time, answers("retry", "retry", "stop"));
    assert.equal(run.outcome, "halted");
    assert.deepEqual(counts(run), { healthy: 0, failed: 1, skipped: 0, untouched: 1 });
    assert.equal(actions(run).length, 3);
  });

  it("asks about several failures one after the other", async () => {
    const { fleet, time, rollout } = asking({ hosts: 3, instances: 1, hostsAtOnce: 3 });
    for (const host of ["host-1", "host-2", "host-3"]) fleet.behave(host, "web:0", { fileGone: true });
    const run = await simulate(rollout, fleet, time, answers("skip", "skip", "stop"));
    const talk = run.events.filter(({ type }) => type === "rollout.asking" || type === "rollout.answered");
    assert.deepEqual(
      talk.map(({ type }) => type),
      Array.from({ length: 3 }, () => ["rollout.asking", "rollout.answered"]).flat(),
    );
    assert.equal(run.outcome, "halted");
  });

  it("asks nobody where there is nobody: the same as stop", async () => {
    const { fleet, time, rollout } = asking({ hosts: 1, instances: 2 });
    fleet.behave("host-1", "web:0", { fileGone: true });
    const run = await simulate(rollout, fleet, time);
    assert.equal(run.outcome, "halted");
    assert.equal(ofType(run, "rollout.asking").length, 0);
  });

  it("does not ask about a failure that the plan tolerates", async () => {
    const { fleet, time, rollout } = asking({ hosts: 1, instances: 2, maxFailures: 1 });
    fleet.behave("host-1", "web:0", { fileGone: true });
    assert.equal((await simulate(rollout, fleet, time, answers())).outcome, "incomplete");
  });

  it("is halted, exit 1, when it is interrupted instead of answered", async () => {
    const { fleet, time, rollout } = asking({ hosts: 1, instances: 2 });
    fleet.behave("host-1", "web:0", { fileGone: true });
    const run = await simulate(rollout, fleet, time, {
      onQuestion: () => undefined,
      onEvent: (event, feed) =>
        event.type === "rollout.asking" && feed({ type: "interrupted", signal: "SIGINT" } satisfies Input),
    });
    assert.equal(run.outcome, "halted");
    assert.equal(ofType(run, "rollout.halted")[0]?.code, "stayed_stopped");
  });

  it("is interrupted, exit 4, when that comes after the failure was answered", async () => {
    const { fleet, time, rollout } = asking({ hosts: 1, instances: 3 });
    fleet.behave("host-1", "web:0", { fileGone: true });
    const run = await simulate(rollout, fleet, time, {
      ...answers("skip"),
      onEvent: (event, feed) =>
        event.type === "rollout.answered" && feed({ type: "interrupted", signal: "SIGINT" } satisfies Input),
    });
    assert.equal(run.outcome, "interrupted");
  });

  it("is halted, exit 1, when what was to be restarted again never was", async () => {
    const { fleet, time, rollout } = asking({ hosts: 1, instances: 2 });
    fleet.behave("host-1", "web:0", { fileGone: true });
    const run = await simulate(rollout, fleet, time, {
      ...answers("retry"),
      onEvent: (event, feed) =>
        event.type === "rollout.answered" && feed({ type: "interrupted", signal: "SIGINT" } satisfies Input),
    });
    assert.equal(run.outcome, "halted");
    assert.equal(ofType(run, "rollout.halted")[0]?.code, "stayed_stopped");
    assert.deepEqual(counts(run), { healthy: 0, failed: 1, skipped: 0, untouched: 1 });
  });

  it("does not let progress_deadline run out while the operator thinks", async () => {
    const { fleet, time, rollout } = asking({ hosts: 3, instances: 1, hostsAtOnce: 2, minHealthy: 2 });
    // The first restart fails while the second waits for its capacity.
    fleet.behave("host-1", "web:0", { fileGone: true });
    const run = await simulate(rollout, fleet, time, {
      onQuestion() {
        fleet.behave("host-1", "web:0", {});
        return { answer: "retry", afterMs: THINKS_MS };
      },
    });
    assert.equal(run.outcome, "succeeded");
  });

  it("does not drain again what is still drained when it is retried", async () => {
    const hooks = { before_restart: hook, after_healthy: hook };
    const { fleet, time, rollout } = asking({ hosts: 1, instances: 1, hooks });
    fleet.behave("host-1", "web:0", { crashesAtStart: 4 });
    const run = await simulate(rollout, fleet, time, answers("retry"));
    assert.equal(run.outcome, "succeeded");
    assert.deepEqual(
      ofType(run, "hook.finished").map((event) => event.hook),
      ["before_restart", "after_healthy"],
    );
  });

  for (const failing of ["before_host", "before_restart", "after_healthy", "after_host"] as const)
    it(`runs a failed ${failing} hook again where the operator says retry, and restarts nothing twice`, async () => {
      const hooks = { before_host: hook, before_restart: hook, after_healthy: hook, after_host: hook };
      const { fleet, time, rollout } = asking({ hosts: 2, instances: 2, hooks });
      let failures = 0;
      const run = await simulate(rollout, fleet, time, {
        ...answers("retry"),
        onHook: (command) =>
          command.hook === failing && failures++ === 0
            ? { kind: "failed", reason: "exit code 1" }
            : { kind: "succeeded" },
      });
      assert.equal(run.outcome, "succeeded");
      assert.equal(actions(run).length, 4);
      assert.equal(
        ofType(run, "hook.finished").filter((event) => event.hook === failing).length,
        failing.endsWith("host") ? 3 : 5,
      );
      assertModelAgrees(rollout, run);
    });

  describe("retries an after_healthy hook upon a look, as the operator may have taken hours", () => {
    /** Its hook fails once, and what is given happens while the operator is asked. */
    async function asked(meanwhile: (made: ReturnType<typeof asking>) => void, ...wishes: Answer[]) {
      const made = asking({ hosts: 1, instances: 2, hooks: { before_restart: hook, after_healthy: hook } });
      let failures = 0;
      const run = await simulate(made.rollout, made.fleet, made.time, {
        ...answers(...wishes),
        onEvent: (event) =>
          event.type === "rollout.asking" &&
          event.code === "hook_failed" &&
          made.time.after(60_000, () => meanwhile(made)),
        onHook: ({ hook: name, instance }) =>
          name === "after_healthy" && instance === "web:0" && failures++ === 0
            ? { kind: "failed", reason: "exit code 1" }
            : { kind: "succeeded" },
      });
      assertModelAgrees(made.rollout, run);
      const enabled = ofType(run, "hook.started").filter(
        (one) => one.hook === "after_healthy" && one.instance === "web:0",
      );
      return { run, enabled: enabled.length };
    }

    const deaths: Record<string, (process: SimProcess) => void> = {
      "has died since": (process) => process.breakDown(),
      "has died since and was started again": (process) => (process.pid = 9),
    };
    for (const [what, die] of Object.entries(deaths))
      it(`and restarts what ${what} before it puts it back`, async () => {
        const { run, enabled } = await asked(({ fleet }) => die(fleet.process("host-1", "web:0")), "retry");
        assert.equal(run.outcome, "succeeded");
        assert.deepEqual(actions(run), ["host-1 web:0 restart", "host-1 web:0 restart", "host-1 web:1 restart"]);
        assert.equal(enabled, 2);
      });

    it("and puts nothing back that is not there any more", async () => {
      const { run, enabled } = await asked(
        ({ fleet }) => fleet.remove("host-1" as HostName, "web:0" as InstanceName),
        "retry",
        "stop",
      );
      assert.equal(ofType(run, "rollout.halted")[0]?.code, "vanished");
      assert.equal(enabled, 1);
      assert.deepEqual(counts(run), { healthy: 0, failed: 1, skipped: 0, untouched: 1 });
    });

    it("and asks again where its host is lost", async () => {
      const { run, enabled } = await asked(({ fleet }) => fleet.lose("host-1" as HostName), "retry", "stop");
      assert.equal(ofType(run, "rollout.halted")[0]?.code, "indeterminate");
      assert.equal(enabled, 1);
      assert.equal(ofType(run, "instance.failed").at(-1)?.still_drained, true);
    });
  });

  it("skips the instances of a host whose before_host hook failed where the operator says skip", async () => {
    const { fleet, time, rollout } = asking({ hosts: 2, instances: 2, hooks: { before_host: hook } });
    const run = await simulate(rollout, fleet, time, {
      ...answers("skip"),
      onHook: ({ host }) => (host?.endsWith("-1") ? { kind: "failed", reason: "exit code 1" } : { kind: "succeeded" }),
    });
    assert.equal(run.outcome, "incomplete");
    assert.deepEqual(counts(run), { healthy: 2, failed: 0, skipped: 2, untouched: 0 });
  });
});

describe("on_failure: ask, for what was healthy and is not any more", () => {
  /** The rollout in two waves: its first host, then, after a pause, the others. */
  function withCanary(rollout: Rollout): Rollout {
    const [wave] = rollout.waves;
    const [first, ...others] = wave?.batches ?? [];
    assert.ok(wave && first);
    const canary = { ...wave, group: "canary", batches: [first], pause: { ms: 300_000 } };
    return { ...rollout, waves: [canary, { ...wave, batches: others }] };
  }

  it("restarts a canary that died in its pause again, in a turn of its host, and then restarts the pause", async () => {
    const hooks = { before_host: hook, after_host: hook };
    const { fleet, time, rollout } = asking({ hosts: 2, instances: 2, hooks });
    const planned = withCanary(rollout);
    let deaths = 0;
    const run = await simulate(planned, fleet, time, {
      ...answers("retry"),
      onEvent(event) {
        if (event.type !== "rollout.paused" || deaths++ > 0) return;
        time.after(60_000, () => fleet.process("host-1", "web:1").breakDown());
      },
    });
    assert.equal(run.outcome, "succeeded");
    assert.deepEqual(actions(run).slice(0, 4), [
      "host-1 web:0 restart",
      "host-1 web:1 restart",
      "host-1 web:1 restart",
      "host-2 web:0 restart",
    ]);
    assert.equal(ofType(run, "rollout.paused").length, 2);
    const ofFirst = ofType(run, "hook.finished").filter(({ host }) => host?.endsWith("-1"));
    assert.deepEqual(
      ofFirst.map((event) => event.hook),
      ["before_host", "after_host", "before_host", "after_host"],
    );
    assert.deepEqual(counts(run), { healthy: 4, failed: 0, skipped: 0, untouched: 0 });
    assertModelAgrees(planned, run);
  });

  it("takes it next where its host still has its turn", async () => {
    const { fleet, time, rollout } = asking({ hosts: 1, instances: 4 });
    const run = await simulate(rollout, fleet, time, {
      ...answers("retry"),
      onEvent: (event) =>
        event.type === "instance.restarting" &&
        event.instance === "web:1" &&
        time.after(500, () => fleet.process("host-1", "web:0").breakDown()),
    });
    assert.equal(run.outcome, "succeeded");
    assert.deepEqual(
      actions(run).map((action) => action.split(" ")[1]),
      ["web:0", "web:1", "web:0", "web:2", "web:3"],
    );
  });

  it("offers no retry for what an earlier rollout restarted: this one has no work for it", async () => {
    const { fleet, time, rollout } = asking({ hosts: 3, instances: 1 });
    const process = fleet.process("host-1", "web:0");
    const [proven, ...hosts] = rollout.waves[0]?.batches ?? [];
    const { host, batches } = proven?.hosts[0] ?? assert.fail();
    const { instance, program } = batches[0]?.instances[0] ?? assert.fail();
    const resumed: Rollout = withCanary({
      ...rollout,
      waves: rollout.waves.map((wave) => ({ ...wave, batches: hosts })),
      proven: [{ host, instance, pid: process.pid ?? 0 }],
      skipped: [{ host, instance, program, why: "it was restarted before and is healthy" }],
    });
    process.breakDown();
    const run = await simulate(resumed, fleet, time, answers("skip"));
    assert.deepEqual(ofType(run, "rollout.asking")[0]?.answers, ["skip", "stop"]);
    assert.deepEqual(counts(run), { healthy: 2, failed: 1, skipped: 0, untouched: 0 });
  });
});

describe("on_failure: ask, for a restart that has not come back", () => {
  it("sends no second one while the first may still act", async () => {
    const { fleet, time, rollout } = asking({ hosts: 1, instances: 1, timings: { stop_deadline_ms: 30_000 } });
    // Its stop takes longer than the plan waits for it, and longer than the operator thinks.
    fleet.behave("host-1", "web:0", { stopMs: 50_000 });
    let underWay = 0;
    const process = fleet.process("host-1", "web:0");
    const restart = process.restart.bind(process);
    process.restart = (done) => {
      assert.equal(++underWay, 1, "two restarts at once");
      restart((said) => (underWay--, done(said)));
    };
    const run = await simulate(rollout, fleet, time, {
      onQuestion() {
        fleet.behave("host-1", "web:0", {});
        return { answer: "retry", afterMs: 1000 };
      },
    });
    assert.equal(run.outcome, "succeeded");
    assert.equal(ofType(run, "instance.failed")[0]?.code, "stop_deadline");
  });

  it("does not take the end of a lost one for the end of the one that is tried after it", async () => {
    const { fleet, time, rollout } = asking({
      hosts: 1,
      instances: 1,
      timings: { stop_deadline_ms: 10_000, healthy_deadline_ms: 10_000 },
    });
    fleet.behave("host-1", "web:0", { stopMs: 25_000 });
    let changes = 0;
    const run = await simulate(rollout, fleet, time, {
      onChange: () => (changes++ === 0 ? { kind: "lost_under_way", afterMs: 1000 } : { kind: "arrives" }),
      onQuestion() {
        fleet.behave("host-1", "web:0", {});
        return { answer: "retry", afterMs: 1000 };
      },
    });
    assert.equal(run.outcome, "succeeded");
    assert.equal(changes, 2);
  });
});
