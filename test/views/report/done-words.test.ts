import assert from "node:assert/strict";
import type { PlanAction } from "../../../src/domain/action.ts";
import { narrow } from "../../../src/planner/plan/selection.ts";
import { RolloutModel } from "../../../src/views/model/rollout-model.ts";
import { reportText } from "../../../src/views/report/report.ts";
import { rolloutOf, simulated } from "../../sim/rollouts.ts";
import { simulate } from "../../sim/simulate.ts";

/** The report of a rollout that does this to two hosts with two instances each. */
async function reportOf(action: PlanAction): Promise<string> {
  const { plan, fleet, time } = simulated({ hosts: 2, instances: 2 });
  const narrowed = narrow(plan, { limit: [], exclude: [], programs: [], action });
  assert.ok(narrowed.ok);
  const rollout = rolloutOf(narrowed.plan, fleet);
  const { events } = await simulate(rollout, fleet, time);
  return reportText(RolloutModel.of([{ type: "rollout.planned", ...rollout }, ...events]), {});
}

describe("the report of a rollout", () => {
  for (const [action, word] of [
    ["restart", "healthy"],
    ["stop", "stopped"],
    [{ signal: "USR2" }, "signalled USR2"],
  ] as const satisfies [PlanAction, string][])
    it(`that does ${JSON.stringify(action)} to all calls those that are done ${word}`, async () => {
      assert.match(await reportOf(action), new RegExp(`^succeeded: .*: 4 ${word}, 0 failed$`, "m"));
    });
});
