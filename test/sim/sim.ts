/**
 * `npm run sim -- --seeds 100000 [--from 1] [--processes N]`: many random rollouts; a violation prints its seed, which
 * replays it.
 * `npm run sim -- --trace SEED`: judges one seed in every way, and prints all that happens in it.
 * `npm run sim -- --planted [NAME]...`: puts known faults back into a copy of the sources, one at a time, and says which
 * seed finds each.
 */
import { parseArgs } from "node:util";
import { formatElapsed } from "../../src/domain/duration.ts";
import { PLANTED } from "./planted/faults.ts";
import { findPlanted } from "./planted/plant.ts";
import { judgeSeeds } from "./spread.ts";
import { judgeSeed, WAYS, type Violated } from "./ways.ts";

/** What follows from the first ones says little. */
const MOST_TOLD = 5;
/** Within so many seeds each planted fault is to be found. */
const PLANTED_SEEDS = 1000;

const { values, positionals } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
    processes: { type: "string" },
    planted: { type: "boolean", default: false },
    trace: { type: "string" },
  },
  allowPositionals: true,
});
const isRight = values.planted
  ? await plant(positionals)
  : values.trace === undefined
    ? await run()
    : await trace(Number(values.trace));
process.exitCode = isRight ? 0 : 1;

async function trace(seed: number): Promise<boolean> {
  process.env["ORCHESTRATE_SIM_TRACE"] = "1";
  let isKept = true;
  for (const [how] of WAYS) {
    console.log(`\n== seed ${seed} ${how}`);
    const violated = await judgeSeed(seed, how);
    violated.forEach(report);
    isKept &&= violated.length === 0;
  }
  return isKept;
}

async function run(): Promise<boolean> {
  const [from, seeds] = [Number(values.from), Number(values.seeds)];
  const startedMs = performance.now();
  const violated = await judgeSeeds(
    { from, seeds },
    { ...(values.processes !== undefined && { processes: Number(values.processes) }), onViolated: report },
  );
  const took = formatElapsed(performance.now() - startedMs);
  if (violated.length === 0)
    console.log(`${seeds} seeds from ${from}, each judged ${WAYS.length} ways: no violation, in ${took}`);
  else console.log(`violated, after ${took}; each line above replays its seed`);
  return violated.length === 0;
}

function report({ seed, how, violations }: Violated): void {
  const first = violations.slice(0, MOST_TOLD).join("\n  ");
  console.log(`seed ${seed} ${how}: npm run sim -- --seeds 1 --from ${seed}\n  ${first}`);
}

/** Prints a table of them, one row as soon as its fault is found. */
async function plant(names: readonly string[]): Promise<boolean> {
  let areFound = true;
  console.log("| Fault | Seed | Found |\n|---|---|---|");
  for (const fault of PLANTED.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const found = await findPlanted(fault, PLANTED_SEEDS);
    areFound &&= found !== undefined;
    const words = found ? `${found.how}: ${found.violations[0]}` : `**not** within ${PLANTED_SEEDS} seeds`;
    console.log(`| \`${fault.name}\`: ${fault.what} | ${found?.seed ?? ""} | ${words.split("\n", 1)[0]} |`);
  }
  return areFound;
}
