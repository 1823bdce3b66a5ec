import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { offlineText, planOffline } from "../../planner/preview/preview-offline.ts";
import type { RunArguments } from "../arguments/arguments.ts";
import { loadOrReport } from "../prepare/load.ts";
import { printableJson } from "../../domain/printable.ts";

/** `orchestrate PLAN --offline`: hosts and batches as the plan alone says; as JSON, one object. */
export function showOffline(given: RunArguments): ExitCode {
  const plan = loadOrReport(given);
  if (!plan) return EXIT.invalid;
  const text = given.output === "json" ? `${printableJson({ v: 1, ...planOffline(plan) })}\n` : offlineText(plan);
  process.stdout.write(text);
  return EXIT.done;
}
