/** `npm run sim -- --seeds 100000 [--from 1]`: many random rollouts; a violation prints its seed, which replays it. */
import { parseArgs } from "node:util";
import { judge } from "./judge/judge.ts";
import { judgeFixed } from "./judge-fixed.ts";
import { judgeChain } from "./judge/judge-chain.ts";

const JUDGES: readonly [string, (seed: number) => Promise<string[]>][] = [
  ["with faults", (seed) => judge(seed)],
  ["without faults", (seed) => judge(seed, { faults: false })],
  ["killed and resumed", (seed) => judgeChain(seed)],
  ["killed and resumed, with faults", (seed) => judgeChain(seed, { faults: true })],
  ["broken, fixed and resumed", judgeFixed],
];

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "10000" }, from: { type: "string", default: "1" } },
});
const from = Number(values.from);
const seeds = Number(values.seeds);
let violated = 0;
for (let seed = from; seed < from + seeds && violated < 10; seed++)
  for (const [how, judged] of JUDGES) {
    const violations = await judged(seed);
    if (violations.length === 0) continue;
    violated++;
    console.log(`seed ${seed} ${how}: npm run sim -- --seeds 1 --from ${seed}\n  ${violations.join("\n  ")}`);
  }
console.log(violated === 0 ? `${seeds} seeds, no violation` : `violated; each line above replays its seed`);
process.exitCode = violated === 0 ? 0 : 1;
