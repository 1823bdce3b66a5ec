import assert from "node:assert/strict";
import type { RolloutEvent } from "../../src/domain/events.ts";
import type { HostName } from "../../src/domain/ids.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { RolloutModel } from "../../src/views/model/rollout-model.ts";
import { reportText } from "../../src/views/report/report.ts";
import { simulated } from "./rollouts.ts";
import { simulate, type Simulated } from "./simulate.ts";

type TimedEvent = Simulated["events"][number];
const hook = { command: "true", run: "host" } as const;
const draining = { before_restart: hook, after_healthy: hook };

function ofType<T extends RolloutEvent["type"]>({ events }: Simulated, type: T): Extract<TimedEvent, { type: T }>[] {
  return events.filter((event): event is Extract<TimedEvent, { type: T }> => event.type === type);
}

/** `hook.started after_healthy`, `instance.restarting` */
function momentOf(event: RolloutEvent): string {
  return "hook" in event ? `${event.type} ${event.hook}` : event.type;
}

function reportOf(rollout: Rollout, { events }: Simulated): string {
  return reportText(RolloutModel.of([{ type: "rollout.planned", ...rollout }, ...events]));
}

/** What an earlier rollout has restarted and not seen through: it is only to be proven, and enabled. */
function gated({ waves, ...rollout }: Rollout): Rollout {
  const gate = { action: "gate", previous_pid: 1 } as const;
  return {
    ...rollout,
    waves: waves.map((wave) => ({
      ...wave,
      batches: wave.batches.map((batch) => ({
        ...batch,
        hosts: batch.hosts.map((work) => ({
          ...work,
          batches: work.batches.map((inner) => ({
            ...inner,
            instances: inner.instances.map((planned) => ({ ...planned, ...gate })),
          })),
        })),
      })),
    })),
  };
}

describe("an instance that a resume is to judge, on a host that is lost before that", () => {
  it("stays down for the floor when its host is back, as nobody has seen it healthy", async () => {
    const sizes = { hosts: 3, instances: 2, instancesAtOnce: 2, minHealthy: 4, maxUnreachable: 1 };
    const { time, fleet, rollout } = simulated({ ...sizes, canaryPause: { ms: 120_000 } });
    const { waves, ...more } = rollout();
    const [canary, ...others] = waves;
    assert.ok(canary);
    // Of the first host only the second instance is part of it.
    const [judged] = gated({ ...more, waves: [canary] }).waves;
    assert.ok(judged);
    const batches = judged.batches.map((batch) => ({
      ...batch,
      hosts: batch.hosts.map((work) => ({
        ...work,
        batches: work.batches.map((inner) => ({ ...inner, at_once: 1, instances: inner.instances.slice(1) })),
      })),
    }));
    const host = "host-1" as HostName;
    const run = await simulate({ ...more, waves: [{ ...judged, batches }, ...others] }, fleet, time, {
      onEvent(event) {
        if (event.type === "batch.started" && event.wave === 1) fleet.lose(host);
        if (event.type === "rollout.paused") fleet.find(host);
      },
    });
    assert.equal(run.outcome, "incomplete");
    let underRestart = 0;
    for (const { type } of run.events) {
      if (type === "instance.restarting") underRestart++;
      if (type === "instance.healthy") underRestart--;
      assert.ok(underRestart <= 1, "5 of 6 are healthy, and 4 must stay so");
    }
    assert.equal(ofType(run, "instance.healthy").length, 4);
  });
});

describe("a host that is lost when a process of it has run for min_healthy_time", () => {
  it("is asked once in a second, and not as fast as it fails to answer", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1 });
    const host = "host-1" as HostName;
    let looks = 0;
    const run = await simulate(rollout(), fleet, time, {
      lookMs: () => (looks++, 1),
      onEvent(event) {
        if (event.type !== "instance.observed" || event.state !== "RUNNING") return;
        looks = 0;
        fleet.lose(host);
        time.after(60_000, () => fleet.find(host));
      },
    });
    assert.equal(run.outcome, "succeeded");
    assert.ok(looks > 50 && looks <= 70, `${looks} looks`);
  });
});

describe("an operator who leaves at once", () => {
  /** Two Ctrl-C, one right after the other, at the first event of this kind. */
  async function leaving(moment: string, plan: (rollout: Rollout) => Rollout = (rollout) => rollout) {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1, hooks: { ...draining, after_host: hook } });
    const planned = plan(rollout());
    const run = await simulate(planned, fleet, time, {
      onEvent(event, feed) {
        if (momentOf(event) !== moment) return;
        feed({ type: "interrupted", signal: "SIGINT" });
        feed({ type: "abandoned" });
      },
    });
    return { run, report: reportOf(planned, run) };
  }

  for (const moment of [
    "hook.started before_restart",
    "hook.finished before_restart",
    "instance.restarting",
    "hook.started after_healthy",
  ])
    it(`sees what is still drained: at ${moment}`, async () => {
      const { run, report } = await leaving(moment);
      assert.equal(run.outcome, "interrupted");
      assert.match(report, /\nstill drained\n {2}host-1 web:0\n/);
    });

  it("finds it in the event of what was under restart, too", async () => {
    const { run } = await leaving("instance.restarting");
    assert.equal(ofType(run, "instance.indeterminate")[0]?.still_drained, true);
  });

  it("is continued by a resume: to run it again would restart what was under restart a second time", async () => {
    assert.match((await leaving("instance.restarting")).report, /[Rr]esume:\n.* --resume /);
  });

  it("sees what an earlier rollout has drained, where this one had only to prove it", async () => {
    const { run, report } = await leaving("instance.observed", gated);
    assert.equal(ofType(run, "hook.started").length, 0);
    assert.match(report, /\nstill drained\n {2}host-1 web:0\n/);
  });

  it("sees nothing drained once it is in service again; the rollout counts as interrupted all the same", async () => {
    const { run, report } = await leaving("hook.started after_host");
    assert.equal(run.outcome, "interrupted");
    assert.doesNotMatch(report, /still drained/);
  });

  it("sees a failure that was to be retried as a halt", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 2, hooks: draining, onFailure: "ask" });
    fleet.behave("host-1", "web:0", { fileGone: true });
    const run = await simulate(rollout(), fleet, time, {
      onQuestion: () => ({ answer: "retry", afterMs: 1000 }),
      onEvent: (event, feed) => event.type === "rollout.answered" && feed({ type: "abandoned" }),
    });
    assert.equal(run.outcome, "halted");
    assert.deepEqual(
      ofType(run, "rollout.halted").map(({ code }) => code),
      ["stayed_stopped"],
    );
  });
});

it("one that an earlier rollout has drained and that fails its gate is named as still drained", async () => {
  const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1, hooks: draining });
  fleet.process("host-1", "web:0").state = "FATAL";
  const run = await simulate(gated(rollout()), fleet, time);
  assert.equal(ofType(run, "instance.failed")[0]?.still_drained, true);
});

describe("a lock that is lost for good", () => {
  const lost = { type: "lock_lost", reason: "bob took the lock on host-1" } as const;

  it("halts the rollout when it happens, in the middle of a pause", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 2, instances: 1, canaryPause: { ms: 3_600_000 } });
    const run = await simulate(rollout(), fleet, time, {
      onEvent: (event, feed) => event.type === "rollout.paused" && time.after(60_000, () => feed(lost)),
    });
    const [paused] = ofType(run, "rollout.paused");
    const [halted] = ofType(run, "rollout.halted");
    assert.deepEqual([run.outcome, halted?.code, halted?.reason], ["halted", "lock_lost", lost.reason]);
    assert.equal((run.events.at(-1)?.atMs ?? 0) - (paused?.atMs ?? 0), 60_000);
    assert.equal(ofType(run, "instance.restarting").length, 1);
  });

  it("changes nothing any more once all is done", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 1, instances: 1 });
    const run = await simulate({ ...rollout(), hooks: { after_rollout: hook } }, fleet, time, {
      onEvent: (event, feed) => momentOf(event) === "hook.started after_rollout" && feed(lost),
    });
    assert.equal(run.outcome, "succeeded");
  });

  it("lets what is under restart finish its gate, begins nothing further, and is reported once", async () => {
    const { time, fleet, rollout } = simulated({ hosts: 2, instances: 2, hostsAtOnce: 2 });
    const run = await simulate(rollout(), fleet, time, {
      onEvent(event, feed) {
        if (event.type !== "instance.restarting") return;
        feed(lost);
        feed({ ...lost, reason: "bob took the lock on host-2" });
      },
    });
    assert.equal(ofType(run, "instance.healthy").length, 2);
    assert.equal(ofType(run, "instance.restarting").length, 2);
    assert.equal(ofType(run, "rollout.halted").length, 1);
  });
});
