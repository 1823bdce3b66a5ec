import { EXIT, type ExitCode } from "../domain/failures.ts";
import { previewText } from "../planner/preview.ts";
import { createJsonView } from "../views/json.ts";
import type { RunArguments } from "./arguments.ts";
import { closeFleet, openForReading } from "./fleet.ts";
import { loadOrTell } from "./load.ts";
import { Preflight } from "./preflight.ts";
import { lookedAtText } from "./looked-at.ts";
import { onSignals } from "./signals.ts";

/** `orchestrate PLAN --dry-run`: plans on what the fleet reports and shows the rollout that a run would follow. */
export async function dryRun(given: RunArguments): Promise<ExitCode> {
  const plan = loadOrTell(given.plan, given);
  if (!plan) return EXIT.invalid;
  const fleet = openForReading(plan);
  const views = given.output === "json" ? [createJsonView(process.stdout)] : [];
  const preflight = new Preflight(plan, given, views);
  const stopListening = onSignals({ finish: () => preflight.interrupt(fleet), leave: () => undefined });
  try {
    const planned = await preflight.plan(fleet);
    if ("exitCode" in planned) return planned.exitCode;
    if (given.output !== "json") process.stdout.write(previewText(planned.rollout, planned.report));
    // Machines find events only on stdout.
    if (given.verbose) (given.output === "json" ? process.stderr : process.stdout).write(lookedAtText(fleet));
    return EXIT.done;
  } finally {
    stopListening();
    await closeFleet(fleet);
    await preflight.recorder.end();
  }
}
