import assert from "node:assert/strict";
import { FULL } from "../amount.ts";
import { configurations } from "./configuration.ts";
import { rollConfiguration } from "./story.ts";
import { faultLines } from "./table.ts";

/** What `npm test` does of it: kinds that have little in common. */
const sample = ["docker-mailserver ssh"];

describe("configurations as people run them", function () {
  this.timeout(15 * 60_000);
  for (const each of configurations())
    for (const connection of ["ssh", "local"] as const)
      if (FULL || sample.includes(`${each.name} ${connection}`))
        it(`${each.name} is rolled right, ${connection === "ssh" ? "over ssh" : "on the host itself"}: ${each.expected.kind}`, async () => {
          const faults = await rollConfiguration(each, connection);
          assert.deepEqual(faultLines({ name: each.name, faults: { [connection]: faults } }), []);
        });
});
