import { appendFileSync } from "node:fs";
import type { View } from "../../executor/ports.ts";
import type { Invocation } from "../../views/report/next-steps.ts";
import { RolloutModel } from "../../views/model/rollout-model.ts";
import { jobSummaryText } from "../../views/page/job-summary.ts";

/** Under GitHub Actions: adds the rollout's end to the page of the job. */
export function openJobSummary(called: Invocation): View | undefined {
  const file = process.env["GITHUB_STEP_SUMMARY"];
  if (file === undefined || file === "") return undefined;
  const model = new RolloutModel();
  return {
    show: (event) => model.apply(event),
    end() {
      try {
        appendFileSync(file, jobSummaryText(model, called));
      } catch (error) {
        process.stderr.write(`orchestrate: the job's summary cannot be written: ${(error as Error).message}\n`);
      }
      return Promise.resolve();
    },
  };
}
