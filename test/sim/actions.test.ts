import assert from "node:assert/strict";
import type { EventOf, RolloutEvent } from "../../src/domain/events.ts";
import { keyOf, type HostName } from "../../src/domain/ids.ts";
import type { Check } from "../../src/domain/settings.ts";
import { acting, simulated, type Sizes } from "./rollouts.ts";
import type { SimBehaviour } from "./sim-process.ts";
import type { SimChange } from "./sim-world.ts";
import { simulate, type Simulated, type SimulateOptions } from "./simulate.ts";

const HUP = { action: "signal", signal: "HUP" } as const;
const STOP = { action: "stop" } as const;

/** What a rollout with this action for all has come to, and what it has sent. */
async function run(as: typeof HUP | typeof STOP, sizes: Sizes, options: SimulateOptions = {}, prepare?: Prepare) {
  const made = simulated(sizes);
  prepare?.(made);
  const sent: SimChange[] = [];
  const rollout = acting(made.rollout(), as);
  const before = pidsOf(made);
  const ran = await simulate(rollout, made.fleet, made.time, {
    ...options,
    onChange(change) {
      sent.push(change);
      return options.onChange?.(change) ?? { kind: "arrives" };
    },
  });
  return { ...made, ran, sent, before };
}

type Made = ReturnType<typeof simulated>;
type Prepare = (made: Made) => void;

function pidsOf({ fleet }: Pick<Made, "fleet">): Map<string, number | undefined> {
  const pids = [...fleet.hosts].flatMap(([host, processes]) =>
    [...processes].map(([instance, { pid }]) => [keyOf({ host, instance }), pid] as const),
  );
  return new Map(pids);
}

function statesOf({ fleet }: Pick<Made, "fleet">): string[] {
  return [...fleet.hosts.values()].flatMap((processes) => [...processes.values()].map(({ state }) => state));
}

function ofType<T extends RolloutEvent["type"]>({ events }: Simulated, type: T) {
  return events.filter((event): event is Simulated["events"][number] & EventOf<T> => event.type === type);
}

function failuresOf(ran: Simulated) {
  return ofType(ran, "instance.failed").map(({ instance, code }) => `${instance} ${code}`);
}

describe("a rollout that stops", () => {
  it("stops one after the other, each before the next, and what it has stopped stays so", async () => {
    const made = await run(STOP, { hosts: 2, instances: 2 });
    assert.equal(made.ran.outcome, "succeeded");
    assert.deepEqual(
      made.sent.map(({ host, ...change }) => `${change.action} ${host} ${"instance" in change && change.instance}`),
      ["stop host-1 web:0", "stop host-1 web:1", "stop host-2 web:0", "stop host-2 web:1"],
    );
    assert.deepEqual(statesOf(made), ["STOPPED", "STOPPED", "STOPPED", "STOPPED"]);
    assert.deepEqual(
      ofType(made.ran, "instance.healthy").map(({ stopped, pid }) => ({ stopped, pid })),
      Array.from({ length: 4 }, () => ({ stopped: true, pid: undefined })),
    );
  });

  it("gives no stop back to the floor: it halts before the one that would take its program below", async () => {
    const made = await run(STOP, { hosts: 1, instances: 4, minHealthy: 2 });
    assert.equal(made.ran.outcome, "halted");
    assert.equal(ofType(made.ran, "rollout.halted")[0]?.code, "floor_not_met");
    assert.deepEqual(statesOf(made), ["STOPPED", "STOPPED", "RUNNING", "RUNNING"]);
  });

  it("leaves alone what is down already", async () => {
    const made = await run(STOP, { hosts: 1, instances: 2 }, {}, ({ fleet }) =>
      fleet.process("host-1", "web:0").rest("FATAL"),
    );
    assert.equal(made.sent.length, 1);
    assert.equal(made.fleet.process("host-1", "web:0").state, "FATAL");
    assert.deepEqual(
      ofType(made.ran, "instance.skipped").map(({ instance }) => instance),
      ["web:0"],
    );
  });

  it("fails with stop_deadline where one does not stop, and touches nothing further", async () => {
    const made = await run(STOP, { hosts: 1, instances: 2 }, {}, ({ fleet }) =>
      fleet.behave("host-1", "web:0", { stopMs: Infinity }),
    );
    assert.deepEqual(failuresOf(made.ran), ["web:0 stop_deadline"]);
    assert.equal(made.fleet.process("host-1", "web:1").state, "RUNNING");
  });

  it("fails with not_stopped where another user starts it again before a look", async () => {
    const made = await run(STOP, { hosts: 1, instances: 1 }, { lookMs: () => 150 }, ({ fleet, time }) => {
      const process = fleet.process("host-1", "web:0");
      const startOnceStopped = () => {
        if (process.state === "STOPPED") process.meddle("start");
        else time.after(1, startOnceStopped);
      };
      time.after(1, startOnceStopped);
    });
    assert.deepEqual(failuresOf(made.ran), ["web:0 not_stopped"]);
  });

  it("is sent again where it was lost on its way and can no longer act", async () => {
    let stops = 0;
    const made = await run(
      STOP,
      { hosts: 1, instances: 1 },
      { onChange: () => (stops++ === 0 ? { kind: "lost_on_the_way", afterMs: 1000 } : { kind: "arrives" }) },
    );
    assert.equal(made.ran.outcome, "succeeded");
    assert.equal(made.sent.length, 2);
    assert.equal(made.fleet.process("host-1", "web:0").stopsAtMs.length, 1);
  });

  it("is not sent again where it has acted and its answer was lost", async () => {
    const made = await run(
      STOP,
      { hosts: 1, instances: 1 },
      { onChange: () => ({ kind: "lost_under_way", afterMs: 10 }) },
    );
    assert.equal(made.ran.outcome, "succeeded");
    assert.equal(made.sent.length, 1);
  });
});

describe("a rollout that signals", () => {
  const reloaded: Prepare = ({ fleet }) => void (fleet.release = 1);

  it("sends one signal to each, and all of them stay on their pids and have reloaded", async () => {
    const made = await run(HUP, { hosts: 2, instances: 2 }, {}, reloaded);
    assert.equal(made.ran.outcome, "succeeded");
    assert.deepEqual(pidsOf(made), made.before);
    for (const process of [...made.fleet.hosts.values()].flatMap((processes) => [...processes.values()])) {
      assert.deepEqual(
        process.signals.map(({ signal }) => signal),
        ["HUP"],
      );
      assert.equal(process.spawn?.release, 1);
    }
  });

  it("calls none healthy before it has stayed on its pid for min_healthy_time since its signal", async () => {
    const made = await run(HUP, { hosts: 1, instances: 1, timings: { min_healthy_time_ms: 20_000 } });
    const [restarting] = ofType(made.ran, "instance.restarting");
    const [healthy] = ofType(made.ran, "instance.healthy");
    assert.ok(restarting && healthy && healthy.atMs - restarting.atMs >= 20_000);
  });

  for (const [what, behaviour] of [
    ["dies of it", { onSignal: "dies" }],
    ["reloads code that crashes at its start", { crashesAtStart: Infinity }],
    ["reloads code that dies 3 s later", { diesAfterMs: 3000 }],
  ] satisfies [string, Partial<SimBehaviour>][])
    it(`halts at one that ${what}, and touches nothing further`, async () => {
      const made = await run(HUP, { hosts: 2, instances: 2 }, {}, ({ fleet }) =>
        fleet.behave("host-1", "web:1", behaviour),
      );
      assert.equal(made.ran.outcome, "halted");
      assert.match(failuresOf(made.ran).join(), /^web:1 (flapping|fatal)$/);
      assert.equal(made.sent.length, 2);
    });

  it("fails with check_failed where one reloads code that does not serve", async () => {
    const checks: Check[] = [{ kind: "http", url: "http://127.0.0.1/", status: 200, from: "host", timeout_ms: 5000 }];
    const made = await run(HUP, { hosts: 1, instances: 1, checks }, {}, ({ fleet }) =>
      fleet.behave("host-1", "web:0", { failsChecks: [[0, Infinity]] }),
    );
    assert.deepEqual(failuresOf(made.ran), ["web:0 check_failed"]);
  });

  it("fails with not_signalled where supervisorctl did not send it, though it runs", async () => {
    const made = await run(HUP, { hosts: 1, instances: 1 }, {}, ({ fleet }) => {
      fleet.process("host-1", "web:0").signal = (_signal, done) => void done("web:0: ERROR (bad signal name)");
    });
    assert.deepEqual(failuresOf(made.ran), ["web:0 not_signalled"]);
  });

  it("sends none to one that does not run, and says how it is", async () => {
    const made = await run(HUP, { hosts: 1, instances: 2, maxFailures: 2 }, {}, ({ fleet }) => {
      fleet.process("host-1", "web:0").rest("FATAL");
    });
    assert.deepEqual(failuresOf(made.ran), ["web:0 fatal"]);
    assert.deepEqual(
      made.sent.map((change) => "instance" in change && change.instance),
      ["web:1"],
    );
  });

  for (const [what, kind] of [
    ["may have arrived", "lost_under_way"],
    ["never arrived", "lost_on_the_way"],
  ] as const)
    it(`sends none a second time where its channel was lost and it ${what}: that is indeterminate`, async () => {
      const made = await run(HUP, { hosts: 1, instances: 2 }, { onChange: () => ({ kind, afterMs: 1 }) });
      assert.deepEqual(failuresOf(made.ran), ["web:0 indeterminate"]);
      assert.equal(made.sent.length, 1);
    });

  it("is indeterminate where no look has shown it since: its host was lost", async () => {
    const made = await run(
      HUP,
      { hosts: 1, instances: 1 },
      { onChange: () => ({ kind: "lost_after", forMs: 400_000 }) },
    );
    assert.deepEqual(failuresOf(made.ran), ["web:0 indeterminate"]);
  });

  it("sends it where it is known not to have left", async () => {
    let signals = 0;
    const made = await run(
      HUP,
      { hosts: 1, instances: 1 },
      { onChange: () => (signals++ === 0 ? { kind: "not_sent" } : { kind: "arrives" }) },
    );
    assert.equal(made.ran.outcome, "succeeded");
    assert.equal(made.fleet.process("host-1", "web:0").signals.length, 1);
  });

  it("takes nothing from the floor that was not there: one at a time, and each serves again before the next", async () => {
    const made = await run(HUP, { hosts: 1, instances: 3, instancesAtOnce: 3, minHealthy: 2 });
    assert.equal(made.ran.outcome, "succeeded");
    const inProgress = made.ran.events.reduce(
      ({ now, most }, { type }) => {
        const next = type === "instance.restarting" ? now + 1 : type === "instance.healthy" ? now - 1 : now;
        return { now: next, most: Math.max(most, next) };
      },
      { now: 0, most: 0 },
    );
    assert.equal(inProgress.most, 1);
  });

  it("looks for nothing that an old process has left: the process stays", async () => {
    const made = await run(HUP, { hosts: 1, instances: 1 }, {}, ({ fleet }) => {
      fleet.leftovers.push({
        host: "host-1" as HostName,
        instance: "web:0" as never,
        pid: 99,
        group: fleet.process("host-1", "web:0").pid!,
        release: 0,
        sinceMs: 0,
        untilMs: Infinity,
        command: "a worker of the master",
      });
    });
    assert.equal(made.ran.outcome, "succeeded");
  });
});
