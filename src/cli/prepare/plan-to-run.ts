import type { HostName } from "../../domain/ids.ts";
import type { Rollout, Selection } from "../../domain/rollout.ts";
import { changesForRevert, changesSince } from "../../planner/build/changes-since.ts";
import { hostsToRevert, type RevertedRollout } from "../../planner/build/reverting.ts";
import type { ResumedRollout } from "../../planner/build/resumed.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import { onlyOn } from "../../planner/plan/selection.ts";
import type { RunArguments, SelectionArguments } from "../arguments/arguments.ts";
import { loadWhole, narrowOrReport, selectionOf, reportProblems } from "./load.ts";
import { newestRevertible, revertibleCalled, type Revertible } from "./revertible.ts";
import { newestIncomplete, newestUnfinished, unfinishedCalled } from "./unfinished.ts";

/** A plan to carry out, and the rollout that it resumes or reverts, if it does. */
export interface PlanToRun {
  readonly plan: Plan;
  /** The plan as it is written, not narrowed to anything. */
  readonly whole: Plan;
  readonly resumed?: ResumedRollout;
  readonly reverted?: RevertedRollout;
}

/** The plan of a run or a dry run. Reports errors on stderr. */
export function loadPlanToRun(given: RunArguments): PlanToRun | undefined {
  const whole = loadWhole(given);
  if (!whole) return undefined;
  if (given.revert !== undefined) return loadRevert(whole, given.revert, given);
  if (given.resume !== undefined) return loadResume(whole, given.resume, given);
  const plan = narrowOrReport(whole, selectionOf(given));
  return plan && { plan, whole };
}

/**
 * The plan of a revert. Reports errors on stderr.
 *
 * @param reachable the hosts that are open already, where no others can be opened
 */
export function planToRevert(
  whole: Plan,
  { id, chain }: Revertible,
  given: SelectionArguments,
  reachable?: ReadonlySet<HostName>,
): PlanToRun | undefined {
  const asBefore = narrowOrReport(whole, selectionAtFirst(chain));
  if (!asBefore) return undefined;
  const changes = changesForRevert(chain.rollout, asBefore);
  if (changes.length > 0)
    return reportProblems([
      ...changes.map((change) => `rollout ${id} cannot be reverted: ${change}`),
      "undo that change of the plan, or roll out another release",
    ]);
  const planHosts = new Set(whole.hosts.map(({ name }) => name));
  const plan = narrowOrReport(onlyOn(asBefore, hostsToRevert(chain), reachable), selectionOf(given));
  return plan && { plan, whole, reverted: { id, chain, planHosts } };
}

function loadRevert(whole: Plan, id: NonNullable<RunArguments["revert"]>, given: RunArguments): PlanToRun | undefined {
  const found = id === "newest" ? newestRevertible(whole, given.stateDir) : revertibleCalled(id, whole, given.stateDir);
  return "problem" in found ? reportProblems([found.problem]) : planToRevert(whole, found, given);
}

function loadResume(whole: Plan, id: NonNullable<RunArguments["resume"]>, given: RunArguments): PlanToRun | undefined {
  const found = id === "newest" ? newestUnfinished(whole, given.stateDir) : unfinishedCalled(id, whole, given.stateDir);
  if (!found) {
    const incomplete = newestIncomplete(whole, given.stateDir);
    const instead =
      incomplete === undefined ? "" : `, or try again what failed in its last one: --resume ${incomplete}`;
    return reportProblems([`this plan has no unfinished rollout: run it without --resume${instead}`]);
  }
  if ("problem" in found) return reportProblems([found.problem]);
  const { resumed } = found;
  const narrowed = narrowOrReport(whole, selectionAtFirst(resumed));
  if (!narrowed) return undefined;
  const isRevert = resumed.rollout.reverts !== undefined;
  const asBefore = isRevert ? onlyOn(narrowed, new Set(resumed.planned.keys())) : narrowed;
  const changes = changesSince(resumed.rollout, asBefore);
  if (changes.length > 0)
    return reportProblems([
      ...changes.map((change) => `rollout ${resumed.id} cannot be resumed: ${change}`),
      "revert that, or start over without --resume",
    ]);
  const plan = narrowOrReport(asBefore, selectionOf(given));
  return plan && { plan, whole, resumed: onHostsOf(asBefore, resumed) };
}

/** What the first of a chain selected; of a revert, the first of the chain that it reverts. */
function selectionAtFirst({ rollout }: ResumedRollout): Selection {
  const { selection } = (rollout.began_as ?? rollout) as Partial<Rollout>;
  // A journal of a version that did not keep it was written for a whole plan.
  return selection ?? selectionOf(NO_SELECTION);
}

/** A host that has left the plan is no part of the chain any longer: nothing could ever be done there. */
function onHostsOf({ waves }: Plan, resumed: ResumedRollout): ResumedRollout {
  const hosts = new Set(waves.flatMap((wave) => wave.hosts.map(({ host }) => host)));
  return { ...resumed, planned: new Map([...resumed.planned].filter(([host]) => hosts.has(host))) };
}

const NO_SELECTION: SelectionArguments = { limit: [], exclude: [], program: [] };
