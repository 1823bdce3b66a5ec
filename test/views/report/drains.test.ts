import assert from "node:assert/strict";
import type { RecordedEvent } from "../../../src/domain/events.ts";
import type { HostName, InstanceName } from "../../../src/domain/ids.ts";
import { readResumedRollout } from "../../../src/planner/build/resumed.ts";
import { RolloutModel } from "../../../src/views/model/rollout-model.ts";
import { reportText } from "../../../src/views/report/report.ts";
import { simulatedJournal, type SimulatedJournal } from "../simulated-journal.ts";

const hook = { command: "true", run: "host" } as const;
const HOOKS = { before_host: hook, before_restart: hook, after_healthy: hook, after_host: hook };

/** The rollout of a fleet whose operator leaves, by a second Ctrl-C, right after the event with this number. */
function leftAfter(events: number, more: Partial<SimulatedJournal> = {}): Promise<RecordedEvent[]> {
  let seen = 0;
  return simulatedJournal({
    hosts: 2,
    instances: 2,
    hostsAtOnce: 2,
    hooks: HOOKS,
    ...more,
    onEvent: (_event, tell) => {
      if (++seen === events) tell({ type: "abandoned" });
    },
  });
}

/** What the report says is still drained: the lines of its section. */
function toldIn(events: readonly RecordedEvent[]): string[] {
  return (
    reportText(RolloutModel.of(events))
      .match(/^still drained\n((?: .*\n)*)/m)?.[1]
      ?.split("\n")
      .slice(0, -1) ?? []
  );
}

/** A load balancer that the hooks of a rollout work on: who takes no requests, as long as nobody says that it does again. */
function outOfService(events: readonly RecordedEvent[]): { instances: Set<string>; hosts: Set<string> } {
  const instances = new Set<string>();
  const hosts = new Set<string>();
  for (const event of events) {
    if (event.type !== "hook.started" && event.type !== "hook.finished") continue;
    const { type, hook: name, host = "", instance = "" } = event;
    if (type === "hook.started" && name === "before_host") hosts.add(host);
    if (type === "hook.started" && name === "before_restart") instances.add(`${host} ${instance}`);
    if (type === "hook.finished" && name === "after_healthy") instances.delete(`${host} ${instance}`);
    if (type === "hook.finished" && name === "after_host") hosts.delete(host);
  }
  return { instances, hosts };
}

describe("what a report names as still drained", () => {
  it("is what the load balancer has out of service, whenever the operator leaves", async () => {
    const whole = (await leftAfter(Infinity)).length;
    assert.ok(whole > 40, `${whole} events`);
    let most = 0;
    for (let count = 2; count < whole; count++) {
      const events = await leftAfter(count);
      const told = toldIn(events).join("\n");
      const { instances, hosts } = outOfService(events);
      const names = [1, 2].flatMap((host) => [0, 1].map((instance) => `host-${host} web:${instance}`));
      for (const name of names) {
        const [host = "", instance = ""] = name.split(" ");
        const isTold = told.split("\n").some((line) => isNamed(line, host) && isNamed(line, instance));
        assert.equal(isTold, instances.has(name), `${name} after ${count} events:\n${told}`);
      }
      assert.equal(/before_host ran there/.test(told), hosts.size > 0, `after ${count} events:\n${told}`);
      most = Math.max(most, instances.size);
    }
    assert.equal(most, 2);
  });

  it("says what puts it back", async () => {
    const events = await leftAfter(Infinity);
    const restarting = events.findIndex(({ type }) => type === "instance.restarting");
    assert.deepEqual(toldIn(await leftAfter(restarting)), [
      "  host-[1-2] web:0",
      "    before_restart ran for them and after_healthy did not: put them back into service by hand once they are healthy; --resume does that too.",
      "  host-[1-2]",
      "    before_host ran there and after_host did not: run it by hand once all is healthy there.",
    ]);
  });

  it("is nothing where no hook undoes the other: what is healthy serves", async () => {
    const before = { before_host: hook, before_restart: hook };
    const events = await leftAfter(Infinity, { hooks: before });
    const healthy = events.findLastIndex(({ type }) => type === "instance.healthy");
    assert.deepEqual(toldIn(await leftAfter(healthy, { hooks: before })), []);
    const after = { after_healthy: hook };
    const enabling = (await leftAfter(Infinity, { hooks: after })).findIndex(({ type }) => type === "hook.started");
    assert.deepEqual(toldIn(await leftAfter(enabling, { hooks: after })), []);
  });

  it("is also what earlier rollouts left so, be it where this one has nothing to do", async () => {
    const left = { instances: [drained("host-1", "web:0"), drained("host-7", "web:1")], hosts: ["host-7" as HostName] };
    const change: SimulatedJournal["change"] = (rollout) => ({ ...rollout, left_drained: left });
    assert.equal(toldIn(await leftAfter(1, { change }))[0], "  host-1 web:0");
    const told = toldIn(await leftAfter(Infinity, { change }));
    assert.deepEqual([told[0], told[2]], ["  host-7 web:1", "  host-7"]);
  });

  it("stays so where the hook that takes it out fails: an earlier one did not", async () => {
    const change: SimulatedJournal["change"] = (rollout) => ({
      ...rollout,
      left_drained: { instances: [drained("host-1", "web:0")], hosts: [] },
    });
    const events = await leftAfter(Infinity, { change, hosts: 1 });
    const index = events.findIndex((event) => event.type === "hook.finished" && event.hook === "before_restart");
    const told = events.slice(0, index);
    const finished = events[index];
    assert.ok(finished?.type === "hook.finished");
    told.push({ ...finished, succeeded: false });
    assert.equal(toldIn(told)[0], "  host-1 web:0");
  });

  it("is carried from journal to journal", async () => {
    const events = await leftAfter((await leftAfter(Infinity)).findIndex(({ type }) => type === "instance.restarting"));
    assert.deepEqual(readResumedRollout(events)?.leftDrained, {
      instances: [drained("host-1", "web:0"), drained("host-2", "web:0")],
      hosts: ["host-1", "host-2"],
    });
    assert.deepEqual(readResumedRollout(await leftAfter(Infinity))?.leftDrained, { instances: [], hosts: [] });
  });
});

function drained(host: string, instance: string) {
  return { host: host as HostName, instance: instance as InstanceName };
}

/** Whether a folded name of a line, such as `host-[1-2]`, is or contains this one. */
function isNamed(line: string, name: string): boolean {
  const last = name.slice(-1);
  const start = name.slice(0, -1);
  return (
    line.includes(`${name} `) || line.endsWith(name) || new RegExp(`${start}\\[[^\\]]*${last}[^\\]]*\\]`).test(line)
  );
}
