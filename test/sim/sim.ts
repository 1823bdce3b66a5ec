/** `npm run sim -- --seeds 100000 [--from 1]`: many random rollouts; a violation prints its seed, which replays it. */
import { parseArgs } from "node:util";
import { judge } from "./judge.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "10000" }, from: { type: "string", default: "1" } },
});
const from = Number(values.from);
const seeds = Number(values.seeds);
let violated = 0;
for (let seed = from; seed < from + seeds && violated < 10; seed++) {
  for (const faults of [true, false]) {
    const violations = judge(seed, { faults });
    if (violations.length === 0) continue;
    violated++;
    console.log(`seed ${seed}${faults ? "" : " without faults"}:\n  ${violations.join("\n  ")}`);
  }
}
console.log(violated === 0 ? `${seeds} seeds, no violation` : "replay one with --from SEED --seeds 1");
process.exitCode = violated === 0 ? 0 : 1;
