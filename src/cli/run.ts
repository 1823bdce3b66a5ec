import { EXIT, type ExitCode } from "../domain/failures.ts";
import { Executor } from "../executor/executor.ts";
import { systemClock } from "../executor/system-clock.ts";
import { previewText } from "../planner/preview.ts";
import type { RunArguments } from "./arguments.ts";
import { canAsk, saysYes } from "./ask.ts";
import { chooseView } from "./choose-view.ts";
import { closeFleet, openForRollout } from "./fleet.ts";
import { openJournal } from "./journals.ts";
import { HeldView } from "./held-view.ts";
import { loadOrTell } from "./load.ts";
import { openPageView } from "./page-file.ts";
import { EXIT_OF, Preflight, type Planned } from "./preflight.ts";
import { onSignals } from "./signals.ts";

/** `orchestrate PLAN`: plans on what the fleet reports, asks if that is wanted, and carries the rollout out. */
export async function run(given: RunArguments): Promise<ExitCode> {
  if (given.ask && !canAsk()) {
    process.stderr.write("orchestrate: --ask needs a terminal to ask at: leave it out, or look with --dry-run first\n");
    return EXIT.invalid;
  }
  const plan = loadOrTell(given.plan, given);
  if (!plan) return EXIT.invalid;
  const page = openPageView(given);
  if (page && "problem" in page) {
    process.stderr.write(`orchestrate: --report: ${page.problem}\n`);
    return EXIT.invalid;
  }
  const world = openForRollout(plan);
  const view = new HeldView();
  const openView = async () => view.release(await chooseView(given.output, given.plan));
  if (!given.ask || given.output === "json") await openView();
  const preflight = new Preflight(plan, given, page ? [view, page] : [view]);
  let executor: Executor | undefined;
  const stopListening = onSignals({
    finish: (signal) => (executor ? executor.interrupt(signal) : preflight.interrupt(world.fleet)),
    leave: () => executor?.abandon(),
  });
  try {
    const planned = await preflight.plan(world.fleet);
    if ("exitCode" in planned) return planned.exitCode;
    if (given.ask && !(await isWanted(planned, preflight))) return preflight.endInterrupted();
    if (!view.isOpen) await openView();
    if (preflight.interrupted.aborted) return preflight.endInterrupted();
    const opened = openJournal(plan, planned.rollout.id, given.stateDir);
    if ("problem" in opened) return preflight.endRefused([{ code: "journal_unwritable", reason: opened.problem }]);
    preflight.recorder.keepIn(opened.journal);
    executor = new Executor(planned.rollout, world, preflight.recorder, systemClock);
    return EXIT_OF[await executor.run()];
  } finally {
    stopListening();
    await closeFleet(world.fleet);
    await preflight.recorder.end();
  }
}

async function isWanted({ rollout, report }: Exclude<Planned, { exitCode: ExitCode }>, { interrupted }: Preflight) {
  const isNothing = rollout.waves.length === 0;
  return isNothing || saysYes(`${previewText(rollout, report)}\ngo on?`, interrupted);
}
