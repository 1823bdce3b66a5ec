/**
 * `npm run soak`: one rollout of a quarter of an hour (`-- --minutes N`), whose process is looked at every five seconds:
 * memory, open files, handles and listeners. Prints the samples, and fails if one of these grows.
 */
import { rmSync } from "node:fs";
import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openForRollout, ownerOf } from "../../src/cli/prepare/fleet.ts";
import { newRolloutId } from "../../src/cli/prepare/journals.ts";
import { prepareConnections } from "../../src/cli/prepare/connections.ts";
import { discover } from "../../src/executor/discovery.ts";
import { Executor } from "../../src/executor/executor.ts";
import { takeLocks } from "../../src/executor/locks.ts";
import { Recorder } from "../../src/executor/recorder.ts";
import { systemClock } from "../../src/executor/system-clock.ts";
import { buildRollout } from "../../src/planner/build/build.ts";
import { loadPlan } from "../../src/planner/plan/load.ts";
import { createJournal } from "../../src/state/journal.ts";
import { createPlainView } from "../../src/views/lines/plain.ts";
import { writePlan } from "../acceptance/orchestrate.ts";
import { raiseFleet } from "../fleet/fleet.ts";
import { countListeners, watchListeners } from "./listeners.ts";
import { median } from "./measure.ts";

const HOSTS = 4;
const HOSTS_AT_ONCE = 2;
/** What an instance takes, its stop, its looks and its rest with it. */
const INSTANCE_S = 6;
const SAMPLE_EVERY_MS = 5000;

/** What memory may differ by chance, and by what is told of more and more instances. */
const SLACK_MB = 3;

interface Sample {
  readonly heapMb: number;
  readonly rssMb: number;
  readonly files: number;
  readonly handles: number;
  readonly listeners: number;
}

const { values } = parseArgs({ options: { minutes: { type: "string", default: "15" } } });
const instances = Math.ceil((Number(values.minutes) * 60 * HOSTS_AT_ONCE) / (HOSTS * INSTANCE_S));

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
watchListeners();

const fleet = await raiseFleet({ hosts: HOSTS, groups: [{ name: "web", processes: instances, startsecs: 0 }] });
const state = await mkdtemp(join(tmpdir(), "orchestrate-soak-"));
const samples: Sample[] = [];
const ended = new AbortController();
try {
  const plan = await writePlan(fleet, {
    timings: { between_checks: "200ms", min_healthy_time: "5s", between_restarts: "500ms" },
    checks: [{ command: "true {process}" }],
    hooks: { before_restart: "true", after_healthy: "true" },
    limits: { min_healthy: "25%" },
    batches: { hosts: HOSTS_AT_ONCE, instances: 1, mode: "sliding" },
  });
  const sampling = sampleUntil(ended.signal);
  await rollOut(plan, state).finally(() => ended.abort());
  await sampling;
} finally {
  await fleet.down();
  rmSync(state, { recursive: true });
}
judge();

/** What `orchestrate PLAN --output plain` does. */
async function rollOut(planFile: string, state: string): Promise<void> {
  const loaded = loadPlan(planFile, process.env);
  if (!loaded.ok) throw new Error("the soak's own plan is wrong");
  const connections = await prepareConnections(loaded.plan);
  if (!connections) throw new Error("somebody left");
  const id = newRolloutId(systemClock.now());
  const owner = ownerOf(id, "soak");
  const world = openForRollout(loaded.plan, connections, owner);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const recorder = new Recorder(id, systemClock, [createPlainView(nowhere, { clock: systemClock })]);
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
    if (outcome !== "succeeded") throw new Error(`the rollout was ${outcome}`);
  } finally {
    await world.close();
    await recorder.end();
  }
}

async function sampleUntil(signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  while (await sleep(SAMPLE_EVERY_MS, true, { signal }).catch(() => false)) {
    const seen = await sample();
    samples.push(seen);
    const { heapMb, rssMb, files, handles, listeners } = seen;
    console.log(
      `${((performance.now() - startedMs) / 1000).toFixed(0)} s: heap ${heapMb.toFixed(1)} MB, resident ${rssMb.toFixed(0)} MB, ` +
        `${files} files, ${handles} handles, ${listeners} listeners`,
    );
  }
}

async function sample(): Promise<Sample> {
  collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    heapMb: heapUsed / 1e6,
    rssMb: rss / 1e6,
    files: (await readdir("/proc/self/fd")).length,
    handles: process.getActiveResourcesInfo().length,
    listeners: countListeners(),
  };
}

/** The last quarter against the second: by then all is loaded and compiled. */
function judge(): void {
  const quarter = Math.floor(samples.length / 4);
  if (quarter === 0) throw new Error("too short: there were fewer than four samples");
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(-quarter);
  const grown = (["heapMb", "files", "handles", "listeners"] as const).flatMap((what) => {
    const [before, after] = [early, late].map((some) => median(some.map((each) => each[what]))) as [number, number];
    const allowed = what === "heapMb" ? Math.max(SLACK_MB, before * 0.1) : before * 0.1;
    console.log(`${what}: ${before.toFixed(1)} in the second quarter, ${after.toFixed(1)} in the last`);
    return after > before + allowed ? [what] : [];
  });
  if (grown.length > 0) {
    console.log(`grown: ${grown.join(", ")}`);
    process.exitCode = 1;
  }
}
