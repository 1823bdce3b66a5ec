import assert from "node:assert/strict";
import type { EventOf, RolloutEvent } from "../../src/domain/events.ts";
import type { HostName, InstanceName, ProgramName } from "../../src/domain/ids.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { simulated, updating, type Sizes } from "./rollouts.ts";
import { defaultConfig, type SimBehaviour } from "./sim-process.ts";
import type { Configured } from "./sim-disks.ts";
import type { ChangeFate, SimChange } from "./sim-world.ts";
import { simulate, type Simulated, type SimulateOptions } from "./simulate.ts";

const ONE = "host-1" as HostName;
const WEB = "web" as ProgramName;

type Made = ReturnType<typeof simulated>;

/** A configuration of `web` with so many processes, which is not the one that is loaded. */
function processes(count: number, of: Configured = {}): Map<InstanceName, Configured> {
  return new Map(Array.from({ length: count }, (_, index) => [`web:${index}` as InstanceName, of]));
}

function write({ fleet }: Made, count: number, of: Configured = {}, version = 1): void {
  for (const host of fleet.hosts.keys()) fleet.disks.write(host, WEB, { version, instances: processes(count, of) });
}

interface Updated extends Made {
  readonly ran: Simulated;
  readonly sent: readonly SimChange[];
  readonly rollout: () => Rollout;
}

/** Updates all groups to what is on the disks. */
async function update(sizes: Sizes, prepare: (made: Made) => void, options: SimulateOptions = {}): Promise<Updated> {
  const made = simulated(sizes);
  prepare(made);
  const rollout = updating(made.rollout(), made.fleet);
  made.fleet.release = 1;
  const sent: SimChange[] = [];
  const ran = await simulate(rollout, made.fleet, made.time, {
    ...options,
    onChange(change) {
      sent.push(change);
      return options.onChange?.(change) ?? { kind: "arrives" };
    },
  });
  return { ...made, ran, sent };
}

/** What becomes of the changes one after the other; all further ones arrive. */
function fates(...all: readonly ChangeFate[]): Pick<SimulateOptions, "onChange"> {
  let sent = 0;
  return { onChange: () => all[sent++] ?? { kind: "arrives" } };
}

function ofType<T extends RolloutEvent["type"]>({ events }: Simulated, type: T) {
  return events.filter((event): event is Simulated["events"][number] & EventOf<T> => event.type === type);
}

/** State and version of each instance of a host. */
function shown({ fleet }: Made, host = ONE): string[] {
  return [...fleet.hosts.get(host)!.values()].map(
    ({ instance, state, spawn, version }) => `${instance} ${state} ${spawn?.version ?? version}`,
  );
}

function running(count: number, version = 1): string[] {
  return Array.from({ length: count }, (_, index) => `web:${index} RUNNING ${version}`);
}

function failuresOf(ran: Simulated) {
  return ofType(ran, "instance.failed").map(({ instance, code }) => `${instance} ${code}`);
}

const HOOKS = {
  before_restart: { command: "drain", run: "host" },
  after_healthy: { command: "enable", run: "host" },
} as const;

describe("a rollout that updates a group", () => {
  it("to more processes: one command, and each of them passes a gate of its own", async () => {
    const made = await update({ hosts: 1, instances: 4 }, (it) => write(it, 8));
    assert.equal(made.ran.outcome, "succeeded");
    assert.deepEqual(made.sent, [{ host: ONE, action: "update", group: WEB }]);
    assert.deepEqual(shown(made), running(8));
    assert.equal(ofType(made.ran, "instance.healthy").length, 8);
    const [updating] = ofType(made.ran, "group.updating");
    assert.deepEqual([updating?.before.length, updating?.after.length], [4, 8]);
    assert.equal(ofType(made.ran, "group.updated").length, 1);
    assert.deepEqual(ofType(made.ran, "instance.drifted"), []);
  });

  it("to fewer: those that it no longer has end as removed", async () => {
    const made = await update({ hosts: 1, instances: 8 }, (it) => write(it, 4));
    assert.equal(made.ran.outcome, "succeeded");
    assert.deepEqual(shown(made), running(4));
    assert.equal(ofType(made.ran, "instance.healthy").filter(({ removed }) => removed).length, 4);
    assert.deepEqual(ofType(made.ran, "instance.drifted"), []);
  });

  it("with the same processes and another command: all are new ones", async () => {
    const made = await update({ hosts: 1, instances: 4 }, (it) => write(it, 4));
    assert.equal(made.ran.outcome, "succeeded");
    assert.deepEqual(shown(made), running(4));
  });

  it("that is new: its processes are started, and none was there before", async () => {
    const made = simulated({ hosts: 1, instances: 2 });
    const planned = made.rollout();
    made.fleet.disks.erase(ONE, WEB);
    made.fleet.change({ action: "update", group: WEB }, ONE, () => undefined);
    made.time.run();
    assert.deepEqual(shown(made), []);
    write(made, 2);
    const ran = await simulate(updating(planned, made.fleet), made.fleet, made.time);
    assert.equal(ran.outcome, "succeeded");
    assert.deepEqual(shown(made), running(2));
    const [updating_] = ofType(ran, "group.updating");
    assert.deepEqual([updating_?.before, updating_?.after.length], [[], 2]);
    assert.deepEqual(ofType(ran, "instance.drifted"), []);
  });

  it("with autostart=false: it stays down, and that is what was wanted", async () => {
    const made = await update({ hosts: 1, instances: 2 }, (it) =>
      write(it, 2, { config: { ...defaultConfig, autostart: false } }),
    );
    assert.equal(made.ran.outcome, "succeeded");
    assert.deepEqual(shown(made), ["web:0 STOPPED 1", "web:1 STOPPED 1"]);
    assert.equal(ofType(made.ran, "instance.healthy").filter(({ removed }) => removed).length, 2);
  });

  it("with one that is slow to stop: the others are not started before, which is no failure of theirs", async () => {
    const made = await update({ hosts: 1, instances: 3 }, (it) => {
      write(it, 3);
      it.fleet.behave("host-1", "web:1", { stopMs: 200_000 });
    });
    assert.equal(made.ran.outcome, "succeeded");
    assert.deepEqual(shown(made), running(3));
  });

  it("host by host: the next only when all of the one before are healthy", async () => {
    const made = await update({ hosts: 2, instances: 2 }, (it) => write(it, 4));
    assert.equal(made.ran.outcome, "succeeded");
    const second = ofType(made.ran, "group.updating")[1]!;
    const healthyBefore = ofType(made.ran, "instance.healthy").filter(({ atMs }) => atMs <= second.atMs);
    assert.equal(healthyBefore.length, 4);
  });

  it("and halts at one that crashes with the new configuration, with the next host untouched", async () => {
    const broken: SimBehaviour = { stopMs: 100, startsecsMs: 1000, crashesAtStart: Infinity, fileGone: false };
    const made = await update({ hosts: 2, instances: 2 }, (it) => write(it, 2, { behaviour: broken }));
    assert.equal(made.ran.outcome, "halted");
    assert.deepEqual(failuresOf(made.ran), ["web:0 fatal", "web:1 fatal"]);
    assert.deepEqual(shown(made, "host-2" as HostName), running(2, 0));
  });

  it("and halts at one whose new command is missing", async () => {
    const gone: SimBehaviour = { stopMs: 100, startsecsMs: 1000, crashesAtStart: 0, fileGone: true };
    const made = await update({ hosts: 1, instances: 1 }, (it) => write(it, 1, { behaviour: gone }));
    assert.deepEqual(failuresOf(made.ran), ["web:0 fatal"]);
  });

  it("drains all of it first, and enables each once it is healthy", async () => {
    const made = await update({ hosts: 1, instances: 2, hooks: HOOKS }, (it) => write(it, 3));
    assert.equal(made.ran.outcome, "succeeded");
    const order = made.ran.events.flatMap((event) =>
      event.type === "hook.finished"
        ? [`${event.hook} ${event.instance}`]
        : event.type === "group.updating"
          ? ["update"]
          : [],
    );
    // One that is not there yet serves nobody.
    assert.deepEqual(order.slice(0, 3).toSorted(), ["before_restart web:0", "before_restart web:1", "update"]);
    assert.deepEqual(order.slice(3).toSorted(), ["after_healthy web:0", "after_healthy web:1", "after_healthy web:2"]);
    assert.deepEqual(made.fleet.drained, new Set());
  });

  it("leaves it as it is where one of it cannot be drained, and enables the others again", async () => {
    const made = await update({ hosts: 1, instances: 3, hooks: HOOKS, maxFailures: 1 }, (it) => write(it, 3), {
      onHook: ({ hook, instance }) =>
        hook === "before_restart" && instance === "web:1"
          ? { kind: "failed", reason: "exit code 1" }
          : { kind: "succeeded" },
    });
    assert.deepEqual(made.sent, []);
    assert.deepEqual(failuresOf(made.ran), ["web:1 hook_failed"]);
    assert.deepEqual(
      ofType(made.ran, "instance.skipped").map(({ instance }) => instance),
      ["web:0", "web:2"],
    );
    assert.deepEqual(shown(made), running(3, 0));
    assert.deepEqual(made.fleet.drained, new Set());
  });
});

describe("the floor and an update", () => {
  it("takes the whole group from it at once: it halts before an update that it cannot spare", async () => {
    const made = await update({ hosts: 2, instances: 4, minHealthy: 5 }, (it) => write(it, 4));
    assert.equal(ofType(made.ran, "rollout.halted")[0]?.code, "floor_not_met");
    assert.deepEqual(made.sent, []);
    assert.deepEqual(shown(made), running(4, 0));
  });

  it("takes all that is up of it, also where one of it is down already", async () => {
    const made = simulated({ hosts: 1, instances: 4, minHealthy: 3 });
    write(made, 4);
    const rollout = updating(made.rollout(), made.fleet, { failed: "web:0" });
    const ran = await simulate(rollout, made.fleet, made.time);
    assert.equal(ofType(ran, "rollout.halted")[0]?.code, "floor_not_met");
    assert.deepEqual(shown(made), running(4, 0));
  });

  it("never has two groups down where only one can be spared, though two hosts have their turn", async () => {
    const made = await update({ hosts: 3, instances: 4, hostsAtOnce: 3, minHealthy: 8 }, (it) => write(it, 4));
    assert.equal(made.ran.outcome, "succeeded");
    let down = 0;
    for (const { type } of made.ran.events) {
      if (type === "instance.restarting") down++;
      if (type === "instance.healthy") down--;
      assert.ok(down <= 4, `${down} are down`);
    }
  });
});

describe("an update that is lost", () => {
  const afterMs = 50;
  const lost: [string, ChangeFate][] = [
    ["on its way", { kind: "lost_on_the_way", afterMs }],
    ["after its stop", { kind: "lost_half_way", afterMs, end: "stopped" }],
    ["after its removal", { kind: "lost_half_way", afterMs, end: "removed" }],
    ["before its answer", { kind: "lost_under_way", afterMs }],
    ["with its client, which is killed after its stop", { kind: "cut_short", end: "stopped" }],
    ["with its client, which is killed after its removal", { kind: "cut_short", end: "removed" }],
  ];
  for (const [where, fate] of lost) {
    it(`${where} is completed: nothing is left stopped or removed, and no two act at once`, async () => {
      const made = await update({ hosts: 1, instances: 2 }, (it) => write(it, 4), fates(fate));
      assert.equal(made.ran.outcome, "succeeded");
      assert.deepEqual(shown(made), running(4));
      assert.deepEqual(made.ran.doubled, []);
      for (const { stopsAtMs } of made.fleet.hosts.get(ONE)!.values()) assert.ok(stopsAtMs.length <= 1);
    });

    it(`${where}, and again, is completed`, async () => {
      const made = await update(
        { hosts: 1, instances: 2 },
        (it) => write(it, 4),
        fates(fate, { kind: "not_sent" }, fate),
      );
      assert.equal(made.ran.outcome, "succeeded");
      assert.deepEqual(shown(made), running(4));
    });

    const isUntouched = fate.kind === "lost_on_the_way";
    it(`${where}, after a Ctrl-C, is ${isUntouched ? "not sent again" : "completed all the same"}`, async () => {
      const made = await update({ hosts: 2, instances: 2 }, (it) => write(it, 4), {
        ...fates(fate),
        onEvent: (event, feed) => {
          if (event.type === "group.updating") feed({ type: "interrupted", signal: "SIGINT" });
        },
      });
      assert.equal(made.ran.outcome, "interrupted");
      assert.deepEqual(shown(made), isUntouched ? running(2, 0) : running(4));
      assert.deepEqual(shown(made, "host-2" as HostName), running(2, 0));
    });
  }

  it("is not sent again while it may still act", async () => {
    const made = await update(
      { hosts: 1, instances: 2 },
      (it) => {
        write(it, 2);
        it.fleet.behave("host-1", "web:0", { stopMs: 60_000 });
      },
      fates({ kind: "lost_under_way", afterMs: 10 }),
    );
    assert.equal(made.sent.length, 1);
    assert.equal(made.ran.outcome, "succeeded");
  });

  it("is indeterminate where nobody can know whether it may still act", async () => {
    const made = await update({ hosts: 1, instances: 2 }, (it) => write(it, 2), {
      ...fates({ kind: "lost_on_the_way", afterMs: 10 }),
      onAwaitOutcome: () => ({ kind: "unprovable" }),
    });
    assert.equal(made.sent.length, 1);
    assert.deepEqual(failuresOf(made.ran), ["web:0 indeterminate", "web:1 indeterminate"]);
  });

  it("halts where the lock is lost with it", async () => {
    const made = await update({ hosts: 2, instances: 2 }, (it) => write(it, 2), {
      ...fates({ kind: "lost_on_the_way", afterMs: 10 }),
      onAwaitOutcome: () => ({ kind: "lock_lost", reason: "another user has it" }),
    });
    assert.equal(made.sent.length, 1);
    assert.equal(ofType(made.ran, "rollout.halted")[0]?.code, "lock_lost");
  });

  it("fails where the configuration can no longer be read, and says why", async () => {
    const made = simulated({ hosts: 1, instances: 2 });
    write(made, 2);
    const ran = await simulate(updating(made.rollout(), made.fleet), made.fleet, made.time, {
      onChange: () => {
        made.fleet.disks.break(ONE, "no such key in section 'program:web'");
        return { kind: "lost_on_the_way", afterMs };
      },
    });
    assert.deepEqual(failuresOf(ran), ["web:0 not_restarted", "web:1 not_restarted"]);
    assert.match(ofType(ran, "instance.failed")[0]!.reason, /no such key/);
  });

  it("again and again is given up at healthy_deadline: what it has stopped has failed", async () => {
    const made = await update({ hosts: 1, instances: 2 }, (it) => write(it, 2), {
      onChange: () => ({ kind: "lost_half_way", afterMs }),
    });
    assert.equal(made.ran.outcome, "halted");
    assert.deepEqual(failuresOf(made.ran), ["web:0 stayed_stopped", "web:1 stayed_stopped"]);
  });

  it("and cannot be sent again is given up at healthy_deadline", async () => {
    const made = await update(
      { hosts: 1, instances: 2 },
      (it) => write(it, 2),
      fates({ kind: "lost_half_way", afterMs }, ...Array.from({ length: 1000 }, () => ({ kind: "not_sent" }) as const)),
    );
    assert.deepEqual(failuresOf(made.ran), ["web:0 stayed_stopped", "web:1 stayed_stopped"]);
  });
});

describe("an update that could not be sent", () => {
  it("is tried again after another look, and not for ever on the evidence of the last one", async () => {
    const made = await update(
      { hosts: 1, instances: 2 },
      (it) => write(it, 2),
      fates(...Array.from({ length: 20 }, () => ({ kind: "not_sent" }) as const)),
    );
    assert.equal(made.ran.outcome, "succeeded");
    const times = ofType(made.ran, "group.updating").map(({ atMs }) => atMs);
    assert.equal(new Set(times).size, 21);
  });
});

describe("an update that returns and has not been done", () => {
  it("is judged by what it has left: nothing was done, and supervisorctl's words say why", async () => {
    const made = simulated({ hosts: 1, instances: 2 });
    write(made, 2);
    const ran = await simulate(updating(made.rollout(), made.fleet), made.fleet, made.time, {
      onChange: () => {
        made.fleet.disks.break(ONE, "no such key in section 'program:web'");
        return { kind: "arrives" };
      },
    });
    assert.deepEqual(failuresOf(ran), ["web:0 not_restarted", "web:1 not_restarted"]);
    assert.match(ofType(ran, "instance.failed")[0]!.reason, /no such key/);
  });

  it("again and again is given up at healthy_deadline", async () => {
    const made = await update({ hosts: 1, instances: 2 }, (it) => write(it, 2), {
      onChange: () => ({ kind: "cut_short", end: "stopped" }),
    });
    assert.deepEqual(failuresOf(made.ran), ["web:0 stayed_stopped", "web:1 stayed_stopped"]);
  });
});

describe("after an update", () => {
  it("one that failed is restarted by itself when the operator chooses to retry, and the group is not updated again", async () => {
    const made = await update(
      { hosts: 1, instances: 3, onFailure: "ask" },
      (it) => {
        write(it, 3);
        it.fleet.behave("host-1", "web:1", { crashesAtStart: 4 });
      },
      { onQuestion: () => ({ answer: "retry", afterMs: 1000 }) },
    );
    assert.equal(made.ran.outcome, "succeeded");
    assert.deepEqual(
      made.sent.map((change) => (change.action === "update" ? "update web" : `${change.action} ${change.instance}`)),
      ["update web", "restart web:1"],
    );
    assert.deepEqual(shown(made), running(3));
  });

  it("one that has died in a pause is restarted by itself when the operator chooses to retry", async () => {
    const made = simulated({ hosts: 2, instances: 2, onFailure: "ask", canaryPause: { ms: 60_000 } });
    write(made, 2);
    const sent: string[] = [];
    const ran = await simulate(updating(made.rollout(), made.fleet), made.fleet, made.time, {
      onQuestion: () => ({ answer: "retry", afterMs: 1000 }),
      onEvent: ({ type }) => {
        if (type === "rollout.paused" && sent.length === 1) made.fleet.process(ONE, "web:0").breakDown();
      },
      onChange(change) {
        sent.push(change.action === "update" ? `update ${change.host}` : `${change.action} ${change.instance}`);
        return { kind: "arrives" };
      },
    });
    assert.equal(ran.outcome, "succeeded");
    assert.deepEqual(sent, ["update host-1", "restart web:0", "update host-2"]);
  });
});
