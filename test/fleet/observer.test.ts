import assert from "node:assert/strict";
import type { ProcessInfo, ProcessStateName } from "./fleet.ts";
import { observe, type Observable, type Observation } from "./observer.ts";
import { until } from "./until.ts";

/** A host that shows one state of its instances after the other, and stays at the last. */
function scriptedHost(name: string, script: readonly (Record<string, ProcessStateName> | Error)[]) {
  let position = 0;
  return {
    name,
    looks: () => position,
    processes(): Promise<ProcessInfo[]> {
      const look = script[Math.min(position, script.length - 1)] ?? {};
      position++;
      if (look instanceof Error) return Promise.reject(look);
      const processes = Object.entries(look).map(([instance, state], index) => {
        const [group = "", process = group] = instance.split(":");
        const pid = state === "RUNNING" ? 100 * position + index : 0;
        return { instance, group, name: process, state, pid, start: 0, stop: 0, now: 0, exitstatus: 0, spawnerr: "" };
      });
      return Promise.resolve(processes);
    },
  };
}

async function observed(...hosts: ReturnType<typeof scriptedHost>[]): Promise<Observation> {
  const fleet: Observable = { hosts };
  const observation = await observe(fleet, { everyMs: 1 });
  await until(() => hosts.every((host) => host.looks() >= 4), { deadlineMs: 2_000, everyMs: 1 });
  await observation.stop();
  return observation;
}

describe("an observer of a fleet", () => {
  const up = { "web:0": "RUNNING", "web:1": "RUNNING", mail: "RUNNING" } as const;

  it("counts as down whatever is not RUNNING, together only when in the same sample", async () => {
    const observation = await observed(
      scriptedHost("a", [up, { ...up, "web:0": "STOPPING" }, { ...up, "web:1": "STARTING", mail: "EXITED" }, up]),
      scriptedHost("b", [up, { ...up, "web:1": "BACKOFF" }, up, { ...up, mail: "FATAL" }, up]),
    );
    assert.deepEqual(observation.mostDown(), {
      overall: 2,
      perHost: { a: 2, b: 1 },
      perProgram: { web: 2, mail: 1 },
    });
    assert.equal(observation.hostsDownAtOnce(), 2);
  });

  it("sees one host at a time when they take turns", async () => {
    const observation = await observed(
      scriptedHost("a", [up, { ...up, "web:0": "STOPPED" }, up]),
      scriptedHost("b", [up, up, { ...up, "web:0": "STOPPED" }, up]),
    );
    assert.equal(observation.hostsDownAtOnce(), 1);
    assert.equal(observation.mostDown().overall, 1);
  });

  it("reports nothing down, by name, where nothing was", async () => {
    const observation = await observed(scriptedHost("a", [up]));
    assert.deepEqual(observation.mostDown(), { overall: 0, perHost: { a: 0 }, perProgram: { web: 0, mail: 0 } });
    assert.equal(observation.hostsDownAtOnce(), 0);
  });

  it("leaves a host without an answer out of the sample, and goes on", async () => {
    const observation = await observed(scriptedHost("a", [up, new Error("refused"), up]), scriptedHost("b", [up]));
    const [first, second, third] = observation.samples.map(({ hosts }) => [...hosts.keys()]);
    assert.deepEqual([first, second, third], [["a", "b"], ["b"], ["a", "b"]]);
  });

  it("knows the pids an instance has had, in order, and not the 0 of one that is down", async () => {
    const observation = await observed(scriptedHost("a", [up, { "web:0": "STOPPED" }, up, {}]));
    assert.deepEqual(observation.pidsOf("a", "web:0"), [100, 300]);
  });

  it("has a first sample before it is handed out, and a last one when it is stopped", async () => {
    const observation = await observe({ hosts: [scriptedHost("a", [up])] }, { everyMs: 3_600_000 });
    assert.equal(observation.samples.length, 1);
    await observation.stop();
    assert.equal(observation.samples.length, 2);
  });
});
