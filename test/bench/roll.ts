/**
 * A rollout of 200 hosts x 8 over the simulator's fleet in real time, shown as `tree` or `json` on stdout. Writes what
 * it took to the file that is named second: `{"wallMs":…,"cpuMs":…}`. For the benchmark of what showing costs.
 */
import { writeFileSync } from "node:fs";
import type { HostName } from "../../src/domain/ids.ts";
import { Executor } from "../../src/executor/executor.ts";
import type { RolloutHost, View } from "../../src/executor/ports.ts";
import { Recorder } from "../../src/executor/recorder.ts";
import { systemClock } from "../../src/executor/system-clock.ts";
import { createJsonView } from "../../src/views/lines/json.ts";
import { createTreeView } from "../../src/views/tree/tree.ts";
import { rolloutOf, simulated } from "../sim/rollouts.ts";
import { SimFleet } from "../sim/sim-fleet.ts";
import { VirtualTime } from "../sim/virtual-time.ts";

/** The simulator's time, at the pace of the real one. */
class RealTime extends VirtualTime {
  override get now(): number {
    return performance.now();
  }

  override at(atMs: number, callback: () => void): { cancel(): void } {
    const timer = setTimeout(callback, Math.max(0, atMs - this.now));
    return { cancel: () => clearTimeout(timer) };
  }

  override after(delayMs: number, callback: () => void): { cancel(): void } {
    return this.at(this.now + delayMs, callback);
  }
}

const [mode, resultFile = ""] = process.argv.slice(2);
const { plan } = simulated({
  hosts: 200,
  instances: 8,
  hostsAtOnce: 50,
  instancesAtOnce: 2,
  timings: { between_restarts_ms: 0, min_healthy_time_ms: 1000, between_checks_ms: 500 },
});
const names = plan.hosts.map(({ name }) => name);
const fleet = new SimFleet(
  new RealTime(),
  names,
  Array.from({ length: 8 }, (_, index) => `web:${index}`),
);
const rollout = rolloutOf(plan, fleet);

const began = { wallMs: performance.now(), cpu: process.cpuUsage() };
const view: View =
  mode === "tree" ? await createTreeView(process.stdout, { plan: "plans/prod.yaml" }) : createJsonView(process.stdout);
const recorder = new Recorder(rollout.id, systemClock, [view]);
recorder.record({ type: "rollout.planned", ...rollout });
const hosts = new Map(names.map((name) => [name, hostOf(name)]));
const unused = { run: () => Promise.resolve({ kind: "succeeded" } as const) };
const nobody = {
  isThere: false,
  mayContinue: () => Promise.resolve(false),
  decide: () => new Promise<never>(() => undefined),
};
const executor = new Executor(rollout, { fleet: hosts, hooks: unused, operator: nobody }, recorder, systemClock);
const outcome = await executor.run();
await recorder.end();
const cpu = process.cpuUsage(began.cpu);
const took = { wallMs: performance.now() - began.wallMs, cpuMs: (cpu.user + cpu.system) / 1000 };
writeFileSync(resultFile, JSON.stringify({ outcome, ...took }));
process.exit();

/** A host whose looks take as long as on a good network. */
function hostOf(host: HostName): RolloutHost {
  const part = {
    supervisor: {
      look: () => new Promise((resolve) => setTimeout(() => resolve(fleet.look(host)), 20)),
      noteLogs: () => Promise.resolve(),
      tailLog: () => Promise.resolve({ text: "" }),
    },
    changes: {
      change: (action: "restart" | "start", instance: string) =>
        new Promise((resolve) => fleet.process(host, instance)[action]((said) => resolve({ kind: "returned", said }))),
    },
    lock: { lost: new Promise(() => undefined), awaitOutcome: () => Promise.resolve({ kind: "ended" }) },
    hooks: { run: () => Promise.resolve({ kind: "succeeded" }) },
  };
  return part as unknown as RolloutHost;
}
