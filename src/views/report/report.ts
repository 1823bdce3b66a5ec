import { doneWord } from "../words/done-word.ts";
import { formatElapsed } from "../../domain/duration.ts";
import type { Counts } from "../../domain/events.ts";
import { leastMs } from "../../domain/least-duration.ts";
import type { Writer } from "../../domain/writer.ts";
import type { RolloutModel } from "../model/rollout-model.ts";
import { countsText } from "../words/counting.ts";
import { haltRemedy, haltTitle } from "../words/failure-text.ts";
import { nextSteps, type Invocation } from "./next-steps.ts";
import type { Instances } from "../model/instances.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import {
  isRunning,
  drainedSection,
  driftSection,
  failedSection,
  statusSection,
  hooksSection,
  leftOpenSection,
  leftoversSection,
  notLoadedSection,
  refusedSection,
  releasesSection,
  skippedSection,
  unreachableSection,
  midRestartSection,
  warnedHooksSection,
} from "./report-sections.ts";
import { sinceText } from "../words/writer-text.ts";
import { wrapped } from "../words/wrapped.ts";

/**
 * The result of a rollout: what failed, what was done and what was not, and how to continue. It ends in a newline.
 * @param columns prose is wrapped to this width; names, logs and commands never are
 */
export function reportText(model: RolloutModel, invocation: Invocation = {}, columns = Infinity): string {
  const sections = [...sectionsFor(model), nextSteps(model, invocation), releasesSection(model)].filter(
    (section) => section.length > 0,
  );
  const lines = [
    headline(model, invocation.plan),
    ...(model.planned?.reverts === undefined ? [] : [`it reverts rollout ${model.planned.reverts}`]),
    ...whyItStopped(model),
    ...whyNotReverted(model),
    ...startedBy(model),
    ...sections.flatMap((section) => ["", ...section]),
  ];
  return `${lines.flatMap((line) => wrapped(line, columns)).join("\n")}\n`;
}

function sectionsFor(model: RolloutModel): string[][] {
  const outcome = model.finished?.outcome;
  if (outcome === "refused") return [refusedSection(model)];
  if (outcome === "succeeded")
    return [
      hooksSection(model),
      warnedHooksSection(model),
      drainedSection(model),
      leftoversSection(model),
      driftSection(model),
      notLoadedSection(model),
      skippedSection(model),
    ];
  return [
    failedSection(model),
    hooksSection(model),
    warnedHooksSection(model),
    midRestartSection(model),
    unreachableSection(model),
    drainedSection(model),
    leftoversSection(model),
    driftSection(model),
    notLoadedSection(model),
    statusSection(model, "untouched"),
    leftOpenSection(model),
    skippedSection(model),
    statusSection(model, "healthy"),
  ];
}

function headline(model: RolloutModel, plan: string | undefined): string {
  const { planned, started, id, finished, instances, writer } = model;
  const outcome = finished?.outcome ?? unfinishedText(writer);
  const name = printable(planned?.name ?? plan ?? "the rollout");
  const time = finished
    ? ` ${outcome === "succeeded" ? "in" : "after"} ${formatElapsed(finished.seconds * 1000)}`
    : writer
      ? ` ${sinceText(id, writer)}`
      : "";
  const least = planned && started ? leastMs(planned) : 0;
  const preview = finished && least > 0 ? ` (preview: at least ${formatElapsed(least)})` : "";
  const counts =
    outcome === "refused"
      ? "nothing was changed"
      : isRunning(model)
        ? countsOfRunning(instances, doneWord(planned))
        : countsText(finished?.counts ?? countsSoFar(instances), doneWord(planned));
  return `${outcome}: ${name}${id === undefined ? "" : ` (${id})`}${time}${preview}: ${counts}`;
}

function unfinishedText(writer: Writer | undefined): string {
  if (!writer) return "did not finish (its process was killed), or is still running";
  if (writer.state === "running") return "running";
  if (writer.state === "ended") return "did not finish (its process was killed)";
  return `did not finish, or is still running on ${printable(writer.machine)}, where its process can be looked for`;
}

function countsOfRunning({ counts }: Instances, done: string): string {
  const { healthy, failed, skipped, untouched, under_restart, indeterminate } = counts;
  const inProgress = under_restart + indeterminate;
  return `${countsText({ healthy, failed, skipped, untouched }, done)}${inProgress > 0 ? `, ${inProgress} in progress` : ""}`;
}

/** An instance that contact was lost with counts as failed, as it does in the counts of the rollout itself. */
function countsSoFar({ counts }: Instances): Counts {
  const failed = counts.failed + counts.indeterminate + counts.under_restart;
  return { healthy: counts.healthy, failed, skipped: counts.skipped, untouched: counts.untouched };
}

const NOT_REVERTED: Readonly<Record<string, string>> = {
  interrupted: "not reverted: the operator interrupted it",
  lock_lost: "not reverted: the lock of a host was lost, and with it the right to change anything there",
  journal_unwritable: "not reverted: no record of a revert could be kept",
};

/** Why `on_failure: revert` has not reverted it, unless nothing had been restarted. */
export function whyNotReverted({ finished }: RolloutModel): string[] {
  const why = NOT_REVERTED[finished?.revert ?? ""];
  return why === undefined ? [] : [why];
}

/** Who started it, and why. */
function startedBy({ planned }: RolloutModel): string[] {
  const { who, reason } = planned ?? {};
  const why = reason === undefined ? "" : onOneLine(reason);
  if (who === undefined) return why === "" ? [] : [`reason: ${why}`];
  return [`started by ${printable(who)}${why === "" ? "" : `: ${why}`}`];
}

/** Why nothing more was started, unless a failed instance says it. */
function whyItStopped(model: RolloutModel): string[] {
  const { halted, interrupted } = model;
  if (halted) {
    if (model.isHaltedByFailure()) return [];
    const remedy = haltRemedy(halted.code);
    return [
      `because ${onOneLine(halted.reason)}: ${haltTitle(halted.code)}`,
      ...(remedy === undefined ? [] : [remedy]),
    ];
  }
  return interrupted ? [`because it was interrupted (${interrupted.signal})`] : [];
}
