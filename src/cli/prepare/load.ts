import { printable } from "../../domain/printable.ts";
import type { Selection } from "../../domain/rollout.ts";
import { formatDiagnostic } from "../../planner/text/diagnostic.ts";
import { checkPlan, loadPlan, type CheckedPlan, type LoadedPlan } from "../../planner/plan/load.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import { narrow } from "../../planner/plan/selection.ts";
import { ansibleInventory } from "./ansible-inventory.ts";
import type { PlanArguments, SelectionArguments } from "../arguments/arguments.ts";

/** Loads a plan with all that it may refer to here: the environment, and Ansible's inventory. */
export function load(path: string, settings: readonly string[] = []): LoadedPlan {
  return loadPlan(path, process.env, { inventory: ansibleInventory, settings });
}

/** Checks a plan, which may be a base for others. */
export function check(path: string): CheckedPlan {
  return checkPlan(path, process.env, { inventory: ansibleInventory });
}

/** Loads a plan and narrows it to the selection of the command line. Reports errors on stderr. */
export function loadOrReport(given: SelectionArguments & PlanArguments): Plan | undefined {
  const plan = loadWhole(given);
  return plan && narrowOrReport(plan, selectionOf(given));
}

/** Loads a plan. Reports errors on stderr. */
export function loadWhole({ plan, set, loaded: known }: PlanArguments): Plan | undefined {
  if (known) return known;
  const loaded = load(plan, set);
  if (loaded.ok) return loaded.plan;
  process.stderr.write(`${loaded.diagnostics.map(formatDiagnostic).join("\n")}\n`);
  return undefined;
}

/** Likewise. */
export function narrowOrReport(plan: Plan, selection: Selection): Plan | undefined {
  const narrowed = narrow(plan, selection);
  return narrowed.ok ? narrowed.plan : reportProblems(narrowed.problems);
}

export function selectionOf({ limit, exclude, program, action }: SelectionArguments): Selection {
  return { limit, exclude, programs: program, ...(action !== undefined && { action }) };
}

export function reportProblems(problems: readonly string[]): undefined {
  process.stderr.write(problems.map((problem) => `orchestrate: ${printable(problem)}\n`).join(""));
}
