import assert from "node:assert/strict";
import { amount } from "../amount.ts";
import { judgeSeeds } from "./spread.ts";

/** `npm run sim` runs as many as one likes. */
const SEEDS = amount(100_000, 40);

describe("random fleets, plans and faults", () => {
  it(`keep every promise with ${SEEDS} seeds: nothing is healthy or done that is not, nothing fails that is well, no floor is broken, nothing is restarted twice, forgotten, drained unnamed or started after a halt`, async () => {
    const violated = await judgeSeeds({ from: 1, seeds: SEEDS });
    assert.deepEqual(violated, [], `npm run sim -- --seeds 1 --from ${violated[0]?.seed}`);
  }).timeout(3_600_000);
});
