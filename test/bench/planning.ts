import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { FleetReport } from "../../src/domain/fleet.ts";
import type { InstanceName, RolloutId } from "../../src/domain/ids.ts";
import { buildRollout } from "../../src/planner/build/build.ts";
import { loadPlan } from "../../src/planner/plan/load.ts";
import { simulated } from "../sim/rollouts.ts";
import { simulate } from "../sim/simulate.ts";
import { median } from "./measure.ts";
import { showing } from "./showing.ts";

const BUNDLE = fileURLToPath(new URL("../../dist/orchestrate.cjs", import.meta.url));
const LOCAL_PLAN = fileURLToPath(new URL("../../plans/local.yaml", import.meta.url));

/** One line of the table: both sides in milliseconds, medians of `runs`. */
type Measured = () => void | Promise<void>;

async function compare(what: string, runs: number, measured: Measured, floorName: string, floor: Measured) {
  await measured();
  await floor();
  const pairs: { readonly measured: number; readonly floor: number }[] = [];
  for (let run = 0; run < runs; run++) pairs.push({ measured: await timeOf(measured), floor: await timeOf(floor) });
  const a = median(pairs.map((pair) => pair.measured));
  const b = median(pairs.map((pair) => pair.floor));
  const ratio = median(pairs.map((pair) => pair.measured / pair.floor));
  console.log(
    `${what}: ${a.toFixed(0)} ms; ${floorName}: ${b.toFixed(0)} ms; ratio ${ratio.toFixed(2)} (${runs} pairs)`,
  );
}

async function timeOf(run: Measured): Promise<number> {
  const startedMs = performance.now();
  await run();
  return performance.now() - startedMs;
}

const node = (...args: string[]) => void execFileSync(process.execPath, args, { stdio: "ignore" });
const bareNode = () => node("-e", "0");

async function startUp(): Promise<void> {
  await compare("orchestrate --version", 15, () => node(BUNDLE, "--version"), "node -e 0", bareNode);
  await compare("validate of a small plan", 15, () => node(BUNDLE, "validate", LOCAL_PLAN), "node -e 0", bareNode);
}

/** A plan of 2,000 hosts written one by one, in 200 groups, and its fleet of 16,000 instances. */
async function largePlan(dir: string): Promise<void> {
  const hosts = Array.from({ length: 2000 }, (_, index) => `web-${String(index).padStart(4, "0")}`);
  const groups = Array.from({ length: 200 }, (_, index) => {
    return `  g${index}: { hosts: [${hosts.slice(index * 10, index * 10 + 10).join(", ")}] }`;
  });
  const file = join(dir, "large.yaml");
  const text = `version: 1\nprograms: web\nhosts:\n${hosts.map((host) => `  ${host}:`).join("\n")}\ngroups:\n${groups.join("\n")}\n`;
  writeFileSync(file, text);
  const planned = () => {
    const loaded = loadPlan(file, process.env);
    if (!loaded.ok) throw new Error("the benchmark's own plan is wrong");
    const fleet: FleetReport = new Map(
      loaded.plan.hosts.map(({ name }) => [name, { host: name, instances: instancesOf(8) }]),
    );
    buildRollout(loaded.plan, fleet, { id: "bench" as RolloutId });
  };
  await compare("2,000 hosts x 8: validated and planned", 5, planned, "node -e 0", bareNode);
  await compare(
    "2,000 hosts x 8: validate as a command",
    5,
    () => node(BUNDLE, "validate", file),
    "node -e 0",
    bareNode,
  );
}

function instancesOf(count: number) {
  return Array.from({ length: count }, (_, index) => {
    return {
      instance: `web:web_${index}` as InstanceName,
      state: "RUNNING",
      pid: 100 + index,
      uptime_s: 3600,
    } as const;
  });
}

/** A rollout of 10,000 hosts through planner and machine in virtual time, against ten times one of 1,000. */
async function machine(): Promise<void> {
  const roll = async (hosts: number) => {
    const { time, fleet, rollout } = simulated({ hosts, instances: 8, hostsAtOnce: 500, instancesAtOnce: 2 });
    await simulate(rollout(), fleet, time, { keepEvents: false });
  };
  const tenTimes = async () => {
    for (let time = 0; time < 10; time++) await roll(1000);
  };
  await compare("a simulated rollout of 10,000 x 8", 5, () => roll(10_000), "ten of 1,000 x 8", tenTimes);
}

/** What costs time on the controller alone: start-up, planning, the machine in virtual time, and the tree. */
export async function benchPlanning(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "orchestrate-bench-"));
  try {
    await startUp();
    await largePlan(dir);
    await machine();
    showing(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
