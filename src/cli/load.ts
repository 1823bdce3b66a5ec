import { printable } from "../domain/printable.ts";
import type { Selection } from "../domain/rollout.ts";
import { formatDiagnostic } from "../planner/diagnostic.ts";
import { loadPlan, type LoadedPlan } from "../planner/load.ts";
import { changesSince, type Past } from "../planner/past.ts";
import type { Plan } from "../planner/plan.ts";
import { narrow } from "../planner/selection.ts";
import { ansibleInventory } from "./ansible-inventory.ts";
import type { RunArguments, SelectionArguments } from "./arguments.ts";
import { newestUnfinished, unfinishedCalled } from "./unfinished.ts";

/** Loads a plan with all that it may refer to here: the environment, and Ansible's inventory. */
export function load(path: string): LoadedPlan {
  return loadPlan(path, process.env, { inventory: ansibleInventory });
}

/** A plan to carry out, and the rollout that it goes on with if it does. */
export interface Wanted {
  readonly plan: Plan;
  readonly past?: Past;
}

/** Loads a plan and narrows it to what the command line selects; what is wrong goes to stderr. */
export function loadOrTell(path: string, selection: SelectionArguments): Plan | undefined {
  const plan = loadWhole(path);
  return plan && narrowOrTell(plan, selectionOf(selection));
}

/** What a run or a dry run is about; what is wrong goes to stderr. */
export function loadWanted(given: RunArguments): Wanted | undefined {
  const whole = loadWhole(given.plan);
  if (!whole) return undefined;
  if (given.resume === undefined) {
    const plan = narrowOrTell(whole, selectionOf(given));
    return plan && { plan };
  }
  const found =
    given.resume === "newest"
      ? newestUnfinished(whole, given.stateDir)
      : unfinishedCalled(given.resume, whole, given.stateDir);
  if (!found) return tell(["this plan has no unfinished rollout: run it without --resume"]);
  if ("problem" in found) return tell([found.problem]);
  const { past } = found;
  // A journal of a version that did not keep it was written for a whole plan.
  const { selection = selectionOf(NO_SELECTION) } = past.rollout as Partial<typeof past.rollout>;
  const asBefore = narrowOrTell(whole, selection);
  if (!asBefore) return undefined;
  const changes = changesSince(past.rollout, asBefore);
  if (changes.length > 0)
    return tell([
      ...changes.map((change) => `rollout ${past.id} cannot be resumed: ${change}`),
      "put that back, or begin anew without --resume",
    ]);
  const plan = narrowOrTell(asBefore, selectionOf(given));
  return plan && { plan, past };
}

const NO_SELECTION: SelectionArguments = { limit: [], exclude: [], program: [] };

function loadWhole(path: string): Plan | undefined {
  const loaded = load(path);
  if (loaded.ok) return loaded.plan;
  process.stderr.write(`${loaded.diagnostics.map(formatDiagnostic).join("\n")}\n`);
  return undefined;
}

function narrowOrTell(plan: Plan, selection: Selection): Plan | undefined {
  const narrowed = narrow(plan, selection);
  return narrowed.ok ? narrowed.plan : tell(narrowed.problems);
}

function selectionOf({ limit, exclude, program }: SelectionArguments): Selection {
  return { limit, exclude, programs: program };
}

function tell(problems: readonly string[]): undefined {
  process.stderr.write(problems.map((problem) => `orchestrate: ${printable(problem)}\n`).join(""));
}
