/**
 * `npm run soak`: one process carries out rollouts for a quarter of an hour (`-- --minutes N`), and its memory, open
 * files, handles and listeners are looked at. Prints each sample, and fails if they grow.
 */
import { rmSync } from "node:fs";
import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openForRollout, closeWorld, ownerOf } from "../../src/cli/fleet.ts";
import { newRolloutId } from "../../src/cli/rollout-id.ts";
import { prepareWays } from "../../src/cli/ways.ts";
import { discover } from "../../src/executor/discovery.ts";
import { Executor } from "../../src/executor/executor.ts";
import { takeLocks } from "../../src/executor/locks.ts";
import { Recorder } from "../../src/executor/recorder.ts";
import { systemClock } from "../../src/executor/system-clock.ts";
import { buildRollout } from "../../src/planner/build.ts";
import { loadPlan } from "../../src/planner/load.ts";
import { createJournal } from "../../src/state/journal.ts";
import { quickTimings, writePlan } from "../acceptance/orchestrate.ts";
import { raiseFleet } from "../fleet/fleet.ts";
import { median } from "./measure.ts";

interface Sample {
  readonly heapMb: number;
  readonly rssMb: number;
  readonly files: number;
  readonly handles: number;
  readonly listeners: number;
}

/** What memory may differ by chance. */
const SLACK_MB = 3;

const { values } = parseArgs({ options: { minutes: { type: "string", default: "15" } } });
const untilMs = performance.now() + Number(values.minutes) * 60_000;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function sample(): Promise<Sample> {
  // What was closed a moment ago is still being taken down.
  await new Promise((resolve) => setTimeout(resolve, 200));
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  const emitters = [process, process.stdout, process.stderr];
  return {
    heapMb: heapUsed / 1e6,
    rssMb: rss / 1e6,
    files: (await readdir("/proc/self/fd")).length,
    handles: process.getActiveResourcesInfo().length,
    listeners: emitters
      .flatMap((emitter) => emitter.eventNames().map((name) => emitter.listenerCount(name)))
      .reduce((a, b) => a + b, 0),
  };
}

/** What `orchestrate PLAN` does, without a view. */
async function rollOut(planFile: string, state: string): Promise<void> {
  const loaded = loadPlan(planFile, process.env);
  if (!loaded.ok) throw new Error("the soak's own plan is wrong");
  const ways = await prepareWays(loaded.plan);
  if (!ways) throw new Error("somebody left");
  const id = newRolloutId(systemClock.now());
  const owner = ownerOf(id, "soak");
  const world = openForRollout(loaded.plan, ways, owner);
  const recorder = new Recorder(id, systemClock, []);
  try {
    const built = buildRollout(loaded.plan, await discover(world.fleet, recorder, { withConfig: true }), { id });
    if (built.kind === "refused") throw new Error(JSON.stringify(built.refusals));
    const refusal = await takeLocks(world.fleet, built.rollout, owner);
    if (refusal) throw new Error(refusal.reason);
    recorder.record({ type: "rollout.planned", ...built.rollout });
    const opened = createJournal(join(state, `${id}.ndjson`));
    if ("problem" in opened) throw new Error(opened.problem);
    recorder.keepIn(opened.journal);
    const outcome = await new Executor(built.rollout, world, recorder, systemClock).run();
    if (outcome !== "succeeded") throw new Error(`a rollout was ${outcome}`);
  } finally {
    await closeWorld(world);
    await recorder.end();
  }
}

const fleet = await raiseFleet({ hosts: 4, groups: [{ name: "web", processes: 2, startsecs: 0 }] });
const state = await mkdtemp(join(tmpdir(), "orchestrate-soak-"));
const samples: Sample[] = [];
try {
  const timings = { ...quickTimings, min_healthy_time: "500ms", between_restarts: "200ms" };
  const checks = [{ command: "true {process}" }];
  const hooks = { before_restart: "true", after_healthy: "true" };
  const limits = { min_healthy: "25%" };
  const batches = { hosts: 2, instances: 1, mode: "sliding" };
  const plan = await writePlan(fleet, { timings, checks, hooks, limits, batches });
  while (performance.now() < untilMs) {
    await rollOut(plan, state);
    const seen = await sample();
    samples.push(seen);
    const { heapMb, rssMb, files, handles, listeners } = seen;
    console.log(
      `rollout ${samples.length}: heap ${heapMb.toFixed(1)} MB, resident ${rssMb.toFixed(0)} MB, ${files} files, ${handles} handles, ${listeners} listeners`,
    );
  }
} finally {
  await fleet.down();
  rmSync(state, { recursive: true });
}
judge();

/** The last quarter against the second: by then all is loaded and compiled. */
function judge(): void {
  const quarter = Math.floor(samples.length / 4);
  if (quarter === 0) throw new Error("too short: there were fewer than four rollouts");
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(-quarter);
  const grown = (["heapMb", "files", "handles", "listeners"] as const).flatMap((what) => {
    const [before, after] = [early, late].map((some) => median(some.map((each) => each[what]))) as [number, number];
    const allowed = what === "heapMb" ? Math.max(SLACK_MB, before * 0.1) : 0;
    console.log(`${what}: ${before.toFixed(1)} in the second quarter, ${after.toFixed(1)} in the last`);
    return after > before + allowed ? [what] : [];
  });
  if (grown.length > 0) {
    console.log(`grown: ${grown.join(", ")}`);
    process.exitCode = 1;
  }
}
