import assert from "node:assert/strict";
import type { RolloutEvent } from "../../src/domain/events.ts";
import type { HostName } from "../../src/domain/ids.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { buildRollout } from "../../src/planner/build/build.ts";
import { readResumedRollout } from "../../src/planner/build/resumed.ts";
import { RolloutModel } from "../../src/views/model/rollout-model.ts";
import { reportText } from "../../src/views/report/report.ts";
import { rolloutOf, simulated, type Sizes } from "./rollouts.ts";
import { healthy } from "./sim-process.ts";
import { simulate, type Simulated, type SimulateOptions } from "./simulate.ts";

const FIRST = "host-1" as HostName;

function ofType<T extends RolloutEvent["type"]>({ events }: Simulated, type: T) {
  return events.filter((event): event is Extract<Simulated["events"][number], { type: T }> => event.type === type);
}

function failures(run: Simulated): string[] {
  return ofType(run, "instance.failed").map(({ host, instance, code }) => `${host} ${instance} ${code}`);
}

/** Runs it, and checks that what the events say is what the rollout counted, and that all is accounted for. */
async function run(
  rollout: Rollout,
  { fleet, time }: ReturnType<typeof simulated>,
  options: SimulateOptions,
): Promise<Simulated> {
  const ran = await simulate(rollout, fleet, time, options);
  const { instances } = RolloutModel.of([{ type: "rollout.planned", ...rollout }, ...ran.events]);
  const { healthy, failed, skipped, untouched } = instances.counts;
  assert.deepEqual({ healthy, failed, skipped, untouched }, counts(ran));
  return ran;
}

function counts(ran: Simulated) {
  return ofType(ran, "rollout.finished")[0]?.counts;
}

function report(rollout: Rollout, ran: Simulated): string {
  return reportText(RolloutModel.of([{ type: "rollout.planned", ...rollout }, ...ran.events]));
}

/** The world, with a configuration of the programs on its first host. */
function withAutostart(world: ReturnType<typeof simulated>, autostart: boolean): ReturnType<typeof simulated> {
  for (const instance of world.fleet.hosts.get(FIRST)?.keys() ?? [])
    world.fleet.add(FIRST, instance, healthy, { ...world.fleet.process(FIRST, instance).config, autostart });
  return world;
}

/** Calls back at the first rest on the first host after so many of its instances were proven. */
function afterProving(count: number, act: () => void): Pick<SimulateOptions, "onEvent"> {
  let proven = 0;
  let isDone = false;
  return {
    onEvent(event) {
      if (event.type === "instance.healthy" && event.host === FIRST) proven++;
      if (event.type !== "host.resting" || proven < count || isDone) return;
      isDone = true;
      act();
    },
  };
}

describe("a supervisord that is restarted in the middle of a rollout", () => {
  const sizes: Sizes = { hosts: 2, instances: 4, maxFailures: 9 };

  /** Its programs have autostart=false, or not. */
  function restarted(own: Partial<Sizes>, autostart: boolean, { keepsPid = false } = {}) {
    const world = withAutostart(simulated({ ...sizes, ...own }), autostart);
    const rollout = rolloutOf({ ...world.plan, on_failure: own.onFailure ?? "stop" }, world.fleet);
    const before = world.fleet.supervisorPid(FIRST);
    const upgrade = () => {
      world.fleet.endSupervisor(FIRST);
      world.fleet.startSupervisor(FIRST, keepsPid ? before : undefined);
    };
    return { world, rollout, before, upgrade };
  }

  it("fails what it left Not started, and what was proven there once for the host: nothing of it is skipped", async () => {
    const { world, rollout, upgrade } = restarted({}, false);
    const ran = await run(rollout, world, afterProving(2, upgrade));
    assert.equal(ran.outcome, "incomplete");
    assert.deepEqual(failures(ran), [
      "host-1 web:0 supervisor_restarted",
      "host-1 web:2 supervisor_restarted",
      "host-1 web:3 supervisor_restarted",
    ]);
    assert.deepEqual(counts(ran), { healthy: 4, failed: 4, skipped: 0, untouched: 0 });
    assert.match(report(rollout, ran), /supervisord was restarted: its pid is \d+, and was \d+/);
  });

  it("halts the rollout by that where no failure is tolerated", async () => {
    const { world, rollout, upgrade } = restarted({ maxFailures: 0 }, false);
    const ran = await run(rollout, world, afterProving(2, upgrade));
    assert.equal(ran.outcome, "halted");
    assert.deepEqual(failures(ran), ["host-1 web:0 supervisor_restarted"]);
    assert.match(
      ofType(ran, "rollout.halted")[0]?.reason ?? "",
      /supervisord was restarted \(pid \d+, previously \d+\)/,
    );
    assert.deepEqual(counts(ran), { healthy: 0, failed: 2, skipped: 0, untouched: 6 });
  });

  it("is one failure against the budget, however many instances run on new pids since then", async () => {
    const { world, rollout, upgrade } = restarted({ maxFailures: 1 }, true);
    const ran = await run(rollout, world, afterProving(3, upgrade));
    assert.equal(ran.outcome, "incomplete");
    const [failed, ...more] = ofType(ran, "instance.failed");
    assert.deepEqual([failed?.code, failed?.instance, failed?.also], ["regressed", "web:0", ["web:1", "web:2"]]);
    assert.deepEqual(more, []);
    assert.deepEqual(counts(ran), { healthy: 5, failed: 3, skipped: 0, untouched: 0 });
  });

  it("is noticed where it keeps its pid, as after a reload or in a container, by what is Not started", async () => {
    const { world, rollout, before, upgrade } = restarted({}, false, { keepsPid: true });
    const ran = await run(rollout, world, afterProving(2, upgrade));
    const [told] = ofType(ran, "host.supervisor_restarted");
    assert.deepEqual([told?.pid, told?.previous_pid], [before, before]);
    assert.deepEqual(counts(ran), { healthy: 4, failed: 4, skipped: 0, untouched: 0 });
  });

  it("is no supervisorctl update of one group: what that has not started is left alone, as the user wished", async () => {
    const { world, rollout } = restarted({}, false);
    const ran = await run(
      rollout,
      world,
      afterProving(1, () => {
        const process = world.fleet.process(FIRST, "web:3");
        process.endWithSupervisor();
        process.startWithSupervisor();
      }),
    );
    assert.equal(ran.outcome, "succeeded");
    assert.deepEqual(counts(ran), { healthy: 7, failed: 0, skipped: 1, untouched: 0 });
  });

  it("leaves alone what a user has stopped after it", async () => {
    const { world, rollout, upgrade } = restarted({}, true);
    const ran = await run(
      rollout,
      world,
      afterProving(1, () => {
        upgrade();
        world.time.after(1500, () => world.fleet.process(FIRST, "web:3").meddle("stop"));
      }),
    );
    assert.deepEqual(failures(ran), ["host-1 web:0 regressed"]);
    assert.deepEqual(counts(ran), { healthy: 6, failed: 1, skipped: 1, untouched: 0 });
  });

  it("fails the restart that was in progress under the one before, whatever the new one runs", async () => {
    for (const [autostart, delayMs, code] of [
      [false, 500, "supervisor_restarted"],
      [true, 500, "supervisor_ended"],
      [true, 4000, "supervisor_restarted"],
    ] as const) {
      const { world, rollout, upgrade } = restarted({ maxFailures: 0 }, autostart);
      const ran = await run(rollout, world, {
        // What is seen then has been started by the new one for so long.
        onEvent: (event) =>
          event.type === "instance.observed" && event.state === "RUNNING" && world.time.after(5000 - delayMs, upgrade),
      });
      assert.deepEqual(failures(ran), [`host-1 web:0 ${code}`]);
      assert.equal(ran.outcome, "halted");
    }
  });

  it("is got over by a resume: that starts what was left down, whether or not it had its turn", async () => {
    const { world, rollout, upgrade } = restarted({ maxFailures: 0 }, false);
    const ran = await run(rollout, world, afterProving(2, upgrade));
    const halted = readResumedRollout([{ type: "rollout.planned", ...rollout }, ...ran.events]);
    const resumed = buildRollout(
      world.plan,
      world.fleet.report(),
      { id: rollout.id },
      halted ? { resumed: halted } : {},
    );
    assert.ok(resumed.kind === "planned");
    const again = await run(resumed.rollout, world, {});
    assert.equal(again.outcome, "succeeded");
    assert.deepEqual(counts(again), { healthy: 8, failed: 0, skipped: 0, untouched: 0 });
    const ofFirst = ofType(again, "instance.restarting").filter(({ host }) => host === FIRST);
    assert.deepEqual(
      ofFirst.map(({ instance, action }) => `${instance} ${action}`),
      ["web:0 start", "web:1 start", "web:2 start", "web:3 start"],
    );
  });

  it("can be answered with retry: all that was proven there is restarted again", async () => {
    const { world, rollout, upgrade } = restarted({ maxFailures: 0, onFailure: "ask" }, true);
    const ran = await run(rollout, world, {
      ...afterProving(2, upgrade),
      onQuestion: () => ({ answer: "retry", afterMs: 60_000 }),
    });
    assert.equal(ran.outcome, "succeeded");
    assert.equal(ofType(ran, "rollout.asking").length, 1);
    assert.deepEqual(counts(ran), { healthy: 8, failed: 0, skipped: 0, untouched: 0 });
    assert.equal(ofType(ran, "instance.restarting").length, 10);
  });
});

describe("a supervisord that ends with the program that was restarted", () => {
  /** An event listener ends it so long after the program is FATAL. */
  async function quitting(own: Partial<Sizes>, afterMs: number, act?: (world: ReturnType<typeof simulated>) => void) {
    const world = simulated({ hosts: 2, instances: 3, ...own });
    const rollout = world.rollout();
    world.fleet.behave(FIRST, "web:2", { crashesAtStart: Infinity });
    const process = world.fleet.process(FIRST, "web:2");
    const listen = () => {
      if (process.state !== "FATAL") return void world.time.after(10, listen);
      world.time.after(afterMs, () => {
        world.fleet.endSupervisor(FIRST);
        act?.(world);
      });
    };
    listen();
    return { rollout, world, ran: await run(rollout, world, {}) };
  }

  for (const afterMs of [0, 900, 2500])
    it(`fails that at once, with supervisorctl's words, and all that was healthy there, when it ends ${afterMs} ms after FATAL`, async () => {
      const { ran } = await quitting({}, afterMs);
      assert.equal(ran.outcome, "halted");
      assert.deepEqual(failures(ran), ["host-1 web:2 supervisor_ended", "host-1 web:0 regressed"]);
      const [ended, regressed] = ofType(ran, "instance.failed");
      assert.match(
        ended?.reason ?? "",
        /^supervisord itself ended after this restart; everything on this host is down: /,
      );
      assert.match(ended?.reason ?? "", /no such file.*ERROR \(spawn error\)/s);
      assert.match(regressed?.reason ?? "", /supervisord itself ended.*likewise web:1$/);
      assert.equal(ofType(ran, "rollout.halted")[0]?.code, "supervisor_ended");
      assert.deepEqual(counts(ran), { healthy: 0, failed: 3, skipped: 0, untouched: 3 });
      // Its retries, and what has to be waited for: long before healthy_deadline, which is two minutes.
      assert.ok(ended && ended.seconds < 20, `${ended?.seconds} s`);
    });

  it("says that another one is there afterwards", async () => {
    const { ran } = await quitting({ maxFailures: 9, maxUnreachable: 1 }, 500, ({ fleet, time }) =>
      time.after(8000, () => fleet.startSupervisor(FIRST)),
    );
    assert.equal(ofType(ran, "host.supervisor_restarted").length, 1);
    assert.equal(ran.outcome, "incomplete");
    assert.deepEqual(counts(ran), { healthy: 3, failed: 3, skipped: 0, untouched: 0 });
  });

  it("is no FATAL that leaves it running: that is reported as such", async () => {
    const { ran } = await quitting({}, 1e9);
    assert.deepEqual(failures(ran), ["host-1 web:2 fatal"]);
    assert.deepEqual(counts(ran), { healthy: 2, failed: 1, skipped: 0, untouched: 3 });
  });
});
