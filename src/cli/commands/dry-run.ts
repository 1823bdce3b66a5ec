import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { passingText } from "../../executor/ask-checks.ts";
import { lockWarnings } from "../../executor/locks.ts";
import { previewText } from "../../planner/preview/preview.ts";
import { createJsonView } from "../../views/lines/json.ts";
import type { RunArguments } from "../arguments/arguments.ts";
import { closeFleet, openForReading } from "../prepare/fleet.ts";
import { loadPlanToRun } from "../prepare/plan-to-run.ts";
import { Preflight } from "../prepare/preflight.ts";
import { verboseLooksText } from "../prepare/verbose-looks.ts";
import { onSignals } from "../terminal/signals.ts";
import { endUnasked, prepareConnections } from "../prepare/connections.ts";

/** `orchestrate PLAN --dry-run`: makes a rollout of what the fleet reports and shows it; a run would carry out the same. */
export async function dryRun(given: RunArguments): Promise<ExitCode> {
  const wanted = loadPlanToRun(given);
  if (!wanted) return EXIT.invalid;
  const connections = await prepareConnections(wanted.plan);
  if (!connections) return endUnasked(given.plan);
  const fleet = openForReading(wanted.plan, connections);
  const views = given.output === "json" ? [createJsonView(process.stdout)] : [];
  const preflight = new Preflight(wanted, given, views);
  const stopListening = onSignals({
    finish: () => preflight.interrupt(fleet),
    leave: () => process.exit(preflight.endInterrupted()),
  });
  try {
    const planned = await preflight.plan(fleet, given.checks === true);
    if ("exitCode" in planned) return planned.exitCode;
    const warnings = [...planned.rollout.warnings, ...(await lockWarnings(fleet, planned.rollout))];
    const rollout = { ...planned.rollout, warnings };
    preflight.accept(rollout);
    const passing = given.checks ? `\n${passingText(planned.answers)}\n` : "";
    if (given.output !== "json") process.stdout.write(`${previewText(rollout, planned.report)}${passing}`);
    // On stdout, programs expect nothing but events.
    if (given.verbose) (given.output === "json" ? process.stderr : process.stdout).write(verboseLooksText(fleet));
    return EXIT.done;
  } finally {
    stopListening();
    await closeFleet(fleet);
    await preflight.recorder.end();
  }
}
