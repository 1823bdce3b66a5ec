import { appendFileSync } from "node:fs";
import type { View } from "../../executor/ports.ts";
import type { Called } from "../../views/report/next-steps.ts";
import { createJobSummary } from "../../views/page/job-summary.ts";

/** Under GitHub Actions: adds the rollout's end to the page of the job. */
export function openJobSummary(called: Called): View | undefined {
  const file = process.env["GITHUB_STEP_SUMMARY"];
  if (file === undefined || file === "") return undefined;
  const summary = createJobSummary(called);
  return {
    show: (event) => summary.collect(event),
    end() {
      try {
        appendFileSync(file, summary.text());
      } catch (error) {
        process.stderr.write(`orchestrate: the job's summary cannot be written: ${(error as Error).message}\n`);
      }
      return Promise.resolve();
    },
  };
}
