import assert from "node:assert/strict";
import { judge } from "./judge/judge.ts";
import { judgeFixed } from "./judge-fixed.ts";
import { judgeChain } from "./judge/judge-chain.ts";
import { amount } from "../amount.ts";

/** `npm run sim` runs as many as one likes. */
const SEEDS = amount(100_000, 1000);

describe("random fleets, plans and faults", () => {
  it(`keep every promise in ${SEEDS} rollouts: floors, batch sizes, budgets, nothing after a halt, nothing twice`, async function () {
    this.timeout(600_000);
    for (let seed = 1; seed <= SEEDS; seed++)
      assert.deepEqual(await judge(seed), [], `npm run sim -- --from ${seed} --seeds 1`);
  });

  it("restart everything exactly once when the controller is killed at any event, again and again, and resumed", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) assert.deepEqual(await judgeChain(seed), [], `seed ${seed}`);
  }).timeout(600_000);

  it("restart nothing again that is healthy, killed and resumed among all the other faults", async () => {
    for (let seed = 1; seed <= SEEDS; seed++)
      assert.deepEqual(await judgeChain(seed, { faults: true }), [], `npm run sim -- --from ${seed} --seeds 1`);
  }).timeout(600_000);

  it("roll out a fixed release by --resume: what failed runs it in the end, what was healthy is left alone", async () => {
    for (let seed = 1; seed <= SEEDS; seed++)
      assert.deepEqual(await judgeFixed(seed), [], `npm run sim -- --from ${seed} --seeds 1`);
  }).timeout(600_000);

  it("finish when nothing goes wrong", async () => {
    for (let seed = 1; seed <= 500; seed++)
      assert.deepEqual(await judge(seed, { faults: false }), [], `seed ${seed} without faults`);
  });
});
