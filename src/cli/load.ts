import { printable } from "../domain/printable.ts";
import { formatDiagnostic } from "../planner/diagnostic.ts";
import { loadPlan, type LoadedPlan } from "../planner/load.ts";
import type { Plan } from "../planner/plan.ts";
import { narrow } from "../planner/selection.ts";
import { ansibleInventory } from "./ansible-inventory.ts";
import type { SelectionArguments } from "./arguments.ts";

/** Loads a plan with all that it may refer to here: the environment, and Ansible's inventory. */
export function load(path: string): LoadedPlan {
  return loadPlan(path, process.env, { inventory: ansibleInventory });
}

/** Loads a plan and narrows it to what the command line selects; what is wrong goes to stderr. */
export function loadOrTell(path: string, { limit, exclude, program }: SelectionArguments): Plan | undefined {
  const loaded = load(path);
  if (!loaded.ok) {
    process.stderr.write(`${loaded.diagnostics.map(formatDiagnostic).join("\n")}\n`);
    return undefined;
  }
  const narrowed = narrow(loaded.plan, { limit, exclude, programs: program });
  if (narrowed.ok) return narrowed.plan;
  process.stderr.write(narrowed.problems.map((problem) => `orchestrate: ${printable(problem)}\n`).join(""));
  return undefined;
}
