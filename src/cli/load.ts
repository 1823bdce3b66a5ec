import { formatDiagnostic } from "../planner/diagnostic.ts";
import { printable } from "../domain/printable.ts";
import { loadPlan } from "../planner/load.ts";
import type { Plan } from "../planner/plan.ts";
import { narrow } from "../planner/selection.ts";
import type { SelectionArguments } from "./arguments.ts";

/** Loads a plan and narrows it to what the command line selects; what is wrong goes to stderr. */
export function loadOrTell(path: string, { limit, exclude, program }: SelectionArguments): Plan | undefined {
  const loaded = loadPlan(path, process.env);
  if (!loaded.ok) {
    process.stderr.write(`${loaded.diagnostics.map(formatDiagnostic).join("\n")}\n`);
    return undefined;
  }
  const narrowed = narrow(loaded.plan, { limit, exclude, programs: program });
  if (narrowed.ok) return narrowed.plan;
  process.stderr.write(narrowed.problems.map((problem) => `orchestrate: ${printable(problem)}\n`).join(""));
  return undefined;
}
