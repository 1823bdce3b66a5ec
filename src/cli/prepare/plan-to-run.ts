import { changesSince } from "../../planner/build/changes-since.ts";
import type { ResumedRollout } from "../../planner/build/resumed.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import type { RunArguments, SelectionArguments } from "../arguments/arguments.ts";
import { loadWhole, narrowOrReport, selectionOf, reportProblems } from "./load.ts";
import { newestIncomplete, newestUnfinished, unfinishedCalled } from "./unfinished.ts";

/** A plan to carry out, and the rollout that it resumes, if it resumes one. */
export interface PlanToRun {
  readonly plan: Plan;
  readonly resumed?: ResumedRollout;
}

/** The plan of a run or a dry run. Reports errors on stderr. */
export function loadPlanToRun(given: RunArguments): PlanToRun | undefined {
  const whole = loadWhole(given);
  if (!whole) return undefined;
  if (given.resume === undefined) {
    const plan = narrowOrReport(whole, selectionOf(given));
    return plan && { plan };
  }
  const found =
    given.resume === "newest"
      ? newestUnfinished(whole, given.stateDir)
      : unfinishedCalled(given.resume, whole, given.stateDir);
  if (!found) {
    const incomplete = newestIncomplete(whole, given.stateDir);
    const instead =
      incomplete === undefined ? "" : `, or try again what failed in its last one: --resume ${incomplete}`;
    return reportProblems([`this plan has no unfinished rollout: run it without --resume${instead}`]);
  }
  if ("problem" in found) return reportProblems([found.problem]);
  const { resumed } = found;
  // A journal of a version that did not keep it was written for a whole plan.
  const { selection = selectionOf(NO_SELECTION) } = resumed.rollout as Partial<typeof resumed.rollout>;
  const asBefore = narrowOrReport(whole, selection);
  if (!asBefore) return undefined;
  const changes = changesSince(resumed.rollout, asBefore);
  if (changes.length > 0)
    return reportProblems([
      ...changes.map((change) => `rollout ${resumed.id} cannot be resumed: ${change}`),
      "revert that, or start over without --resume",
    ]);
  const plan = narrowOrReport(asBefore, selectionOf(given));
  return plan && { plan, resumed: onHostsOf(asBefore, resumed) };
}

/** A host that has left the plan is no part of the chain any longer: nothing could ever be done there. */
function onHostsOf({ waves }: Plan, resumed: ResumedRollout): ResumedRollout {
  const hosts = new Set(waves.flatMap((wave) => wave.hosts.map(({ host }) => host)));
  return { ...resumed, planned: new Map([...resumed.planned].filter(([host]) => hosts.has(host))) };
}

const NO_SELECTION: SelectionArguments = { limit: [], exclude: [], program: [] };
