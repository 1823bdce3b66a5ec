import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { beganAt } from "../../domain/ids.ts";
import { printable } from "../../domain/printable.ts";
import { restartsOnly } from "../../domain/rollout.ts";
import { previewText } from "../../planner/preview/preview.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import { sinceText } from "../../views/words/writer-text.ts";
import { selectionWords, shellCommand } from "../../views/report/next-steps.ts";
import type { RunArguments } from "../arguments/arguments.ts";
import { canAsk, saysYes } from "../terminal/ask.ts";
import type { BugEnd } from "../terminal/bug.ts";
import { invocationOf } from "../arguments/invocation.ts";
import { chooseView } from "../terminal/choose-view.ts";
import { openForRollout, ownerOf } from "../prepare/fleet.ts";
import { keepInJournal } from "../prepare/journals.ts";
import { DeferredView } from "../terminal/deferred-view.ts";
import { openJobSummary } from "../terminal/job-summary.ts";
import { verboseLooksText } from "../prepare/verbose-looks.ts";
import { Lifetime } from "./lifetime.ts";
import { revertAfterHalt } from "./revert-after-halt.ts";
import { planUnderLock } from "../prepare/locked-plan.ts";
import { openPageView } from "../terminal/page-file.ts";
import { Preflight, type Planned } from "../prepare/preflight.ts";
import { revertedPage } from "../prepare/reverted-page.ts";
import { newestUnfinished } from "../prepare/unfinished.ts";
import { loadPlanToRun } from "../prepare/plan-to-run.ts";
import { endUnasked, prepareConnections } from "../prepare/connections.ts";

/** `orchestrate PLAN`: makes a rollout of what the fleet reports, asks for confirmation with --ask, and carries it out. */
export async function run(given: RunArguments, bugEnd: BugEnd): Promise<ExitCode> {
  if (given.ask && !canAsk()) {
    process.stderr.write("orchestrate: --ask needs a terminal. Leave it out, or use --dry-run first\n");
    return EXIT.invalid;
  }
  const wanted = loadPlanToRun(given);
  if (!wanted) return EXIT.invalid;
  const called = invocationOf(given);
  const reverts = wanted.reverted?.id ?? wanted.resumed?.rollout.reverts;
  const reverted = reverts === undefined ? undefined : revertedPage({ reverts }, given.stateDir);
  const page = openPageView(given.report, called, reverted);
  if (page && "problem" in page) {
    process.stderr.write(`orchestrate: --report: ${page.problem}\n`);
    return EXIT.invalid;
  }
  if (!wanted.resumed && !wanted.reverted) warnOfUnfinished(wanted.plan, given);
  const connections = await prepareConnections(wanted.plan);
  if (!connections) return endUnasked(given.plan);
  const view = new DeferredView();
  const openView = async () => view.release(await chooseView(given.output, called));
  const isShownFirst = (given.ask || given.adHoc !== undefined) && given.output !== "json";
  if (!isShownFirst) await openView();
  const preflight = new Preflight(
    wanted,
    given,
    [view, page, openJobSummary(called)].filter((each) => each !== undefined),
  );
  const owner = ownerOf(preflight.id, given.reason);
  const world = openForRollout(wanted.plan, connections, owner);
  const life = new Lifetime(preflight, world, bugEnd);
  try {
    return await life.live(async () => {
      const planned = await planUnderLock(preflight, world, owner, given.waitForLockMs ?? 0);
      if ("exitCode" in planned) return planned.exitCode;
      if (given.ask && !(await isWanted(planned, preflight))) return preflight.endInterrupted();
      // Nobody has looked at a plan that was never written down.
      if (isShownFirst && !given.ask) process.stdout.write(`${previewText(planned.rollout, planned.report)}\n`);
      if (!view.isOpen) await openView();
      if (preflight.isInterrupted()) return preflight.endInterrupted();
      const problem = await keepInJournal(preflight, wanted.plan, given.stateDir);
      if (problem !== undefined) return preflight.endRefused([{ code: "journal_unwritable", reason: problem }]);
      if (preflight.isInterrupted()) return preflight.endInterrupted();
      const carriedOut = await life.carryOut(planned.rollout);
      if (!carriedOut.toRevert) return carriedOut.code;
      const failed = { id: preflight.id, whole: wanted.whole };
      return revertAfterHalt(failed, { given, life, world, owner }, carriedOut);
    });
  } finally {
    if (given.verbose) process.stderr.write(verboseLooksText(world.fleet));
  }
}

async function isWanted({ rollout, report }: Exclude<Planned, { exitCode: ExitCode }>, { interrupted }: Preflight) {
  const isNothing = rollout.waves.length === 0;
  return isNothing || saysYes(`${previewText(rollout, report)}\ncontinue?`, interrupted);
}

/** Two rollouts of one plan, with the first half done, are rarely intended. */
function warnOfUnfinished(plan: Plan, given: RunArguments): void {
  const unfinished = newestUnfinished(plan, given.stateDir);
  if (!unfinished) return;
  if ("problem" in unfinished) {
    process.stderr.write(`orchestrate: an earlier journal of this plan is damaged: ${printable(unfinished.problem)}\n`);
    return;
  }
  const { id, how, resumed, writer } = unfinished;
  if (writer?.state === "running") {
    process.stderr.write(`orchestrate: rollout ${id} of this plan is running ${sinceText(id, writer)}\n`);
    return;
  }
  const set = given.set.flatMap((setting) => ["--set", setting]);
  const kept = [...set, ...(given.stateDir === undefined ? [] : ["--state-dir", given.stateDir])];
  const began = beganAt(resumed.rollout.id) ?? "TIME";
  const rest = [given.plan, "--started-before", began, ...selectionWords(resumed.rollout.selection), ...kept];
  process.stderr.write(
    [
      `orchestrate: rollout ${id} of this plan is unfinished (${how === "cut off" && writer?.state !== "ended" ? "cut off, or still running" : how})`,
      `  to resume it:                       ${shellCommand([given.plan, "--resume", ...kept])}`,
      ...(restartsOnly(resumed.rollout) ? [`  only what was not restarted since:  ${shellCommand(rest)}`] : []),
      "",
    ].join("\n"),
  );
}
