import assert from "node:assert/strict";
import { FULL } from "../../amount.ts";
import { PLANTED } from "./faults.ts";
import { findPlanted, planted } from "./plant.ts";

/** Within so many seeds each is to be found. */
const SEEDS = 1000;

/** What `npm test` looks for: they are found soon. */
const SAMPLE = ["narrowed-resume-ends-its-chain", "hook-started-is-not-durable", "a-regain-takes-a-later-lock"];

describe("a fault that is put back into the sources", () => {
  it("still has its place there, each of them", () => {
    for (const fault of PLANTED) assert.ok(planted(fault).size > 0, fault.name);
  });

  for (const fault of PLANTED.filter(({ name }) => FULL || SAMPLE.includes(name)))
    it(`is found within ${SEEDS} seeds: ${fault.what}`, async () => {
      assert.ok(await findPlanted(fault, SEEDS), `npm run sim -- --planted ${fault.name}`);
    }).timeout(600_000);
});
