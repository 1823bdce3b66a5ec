import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { lockWarnings } from "../../executor/locks.ts";
import { previewText } from "../../planner/preview/preview.ts";
import { createJsonView } from "../../views/lines/json.ts";
import type { RunArguments } from "../arguments/arguments.ts";
import { closeFleet, openForReading } from "../prepare/fleet.ts";
import { loadWanted } from "../prepare/plan-to-run.ts";
import { Preflight } from "../prepare/preflight.ts";
import { lookedAtText } from "../prepare/verbose-looks.ts";
import { onSignals } from "../terminal/signals.ts";
import { endUnasked, prepareWays } from "../prepare/connections.ts";

/** `orchestrate PLAN --dry-run`: plans on what the fleet reports and shows the rollout that a run would follow. */
export async function dryRun(given: RunArguments): Promise<ExitCode> {
  const wanted = loadWanted(given);
  if (!wanted) return EXIT.invalid;
  const ways = await prepareWays(wanted.plan);
  if (!ways) return endUnasked(given.plan);
  const fleet = openForReading(wanted.plan, ways);
  const views = given.output === "json" ? [createJsonView(process.stdout)] : [];
  const preflight = new Preflight(wanted, given, views);
  const stopListening = onSignals({
    finish: () => preflight.interrupt(fleet),
    leave: () => process.exit(preflight.endInterrupted()),
  });
  try {
    const planned = await preflight.plan(fleet);
    if ("exitCode" in planned) return planned.exitCode;
    const warnings = [...planned.rollout.warnings, ...(await lockWarnings(fleet, planned.rollout))];
    const rollout = { ...planned.rollout, warnings };
    preflight.accept(rollout);
    if (given.output !== "json") process.stdout.write(previewText(rollout, planned.report));
    // Machines find events only on stdout.
    if (given.verbose) (given.output === "json" ? process.stderr : process.stdout).write(lookedAtText(fleet));
    return EXIT.done;
  } finally {
    stopListening();
    await closeFleet(fleet);
    await preflight.recorder.end();
  }
}
