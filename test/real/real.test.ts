import assert from "node:assert/strict";
import pLimit from "p-limit";
import { FULL } from "../amount.ts";
import { configurations } from "./configuration.ts";
import { rollConfiguration, type Faults } from "./story.ts";
import { faultLines } from "./table.ts";

/** What `npm test` does of it. */
const sample = ["sitepilot-next local"];
/** Most of the time is spent in waiting for startsecs. */
const atOnce = 5;

describe("configurations as people run them", function () {
  this.timeout(60 * 60_000);
  const limit = pLimit(atOnce);
  const begun = new Map<string, Promise<Faults>>();
  const chosen = configurations()
    .flatMap((each) => (["ssh", "local"] as const).map((connection) => ({ each, connection })))
    .filter(({ each, connection }) => FULL || sample.includes(`${each.name} ${connection}`));

  before(() => {
    for (const { each, connection } of chosen) {
      const faults = limit(() => rollConfiguration(each, connection));
      // Its own test says what became of it.
      faults.catch(() => undefined);
      begun.set(`${each.name} ${connection}`, faults);
    }
  });

  for (const { each, connection } of chosen) {
    const where = connection === "ssh" ? "over ssh" : "on the host itself";
    it(`${each.name} is rolled right, ${where}: ${each.expected.kind}`, async () => {
      const faults = await begun.get(`${each.name} ${connection}`);
      assert.ok(faults);
      assert.deepEqual(faultLines({ name: each.name, faults: { [connection]: faults } }), []);
    });
  }
});
