import { changesSince } from "../../planner/build/changes-since.ts";
import type { Past } from "../../planner/build/resumed.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import type { RunArguments, SelectionArguments } from "../arguments/arguments.ts";
import { loadWhole, narrowOrReport, selectionOf, reportProblems } from "./load.ts";
import { newestIncomplete, newestUnfinished, unfinishedCalled } from "./unfinished.ts";

/** A plan to carry out, and the rollout that it goes on with if it does. */
export interface PlanToRun {
  readonly plan: Plan;
  readonly past?: Past;
}

/** What a run or a dry run is about; what is wrong goes to stderr. */
export function loadPlanToRun(given: RunArguments): PlanToRun | undefined {
  const whole = loadWhole(given.plan);
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
  const { past } = found;
  // A journal of a version that did not keep it was written for a whole plan.
  const { selection = selectionOf(NO_SELECTION) } = past.rollout as Partial<typeof past.rollout>;
  const asBefore = narrowOrReport(whole, selection);
  if (!asBefore) return undefined;
  const changes = changesSince(past.rollout, asBefore);
  if (changes.length > 0)
    return reportProblems([
      ...changes.map((change) => `rollout ${past.id} cannot be resumed: ${change}`),
      "revert that, or start over without --resume",
    ]);
  const plan = narrowOrReport(asBefore, selectionOf(given));
  return plan && { plan, past: onHostsOf(asBefore, past) };
}

/** A host that has left the plan is no part of the chain any longer: nothing could ever be done there. */
function onHostsOf({ waves }: Plan, past: Past): Past {
  const hosts = new Set(waves.flatMap((wave) => wave.hosts.map(({ host }) => host)));
  return { ...past, planned: new Map([...past.planned].filter(([host]) => hosts.has(host))) };
}

const NO_SELECTION: SelectionArguments = { limit: [], exclude: [], program: [] };
