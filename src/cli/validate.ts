import { EXIT, type ExitCode } from "../domain/failures.ts";
import { formatDiagnostic } from "../planner/diagnostic.ts";
import { loadPlan } from "../planner/load.ts";
import type { Plan } from "../planner/plan.ts";

/** Loads a plan; what is wrong with it goes to stderr. */
export function loadOrTell(path: string): Plan | undefined {
  const loaded = loadPlan(path, process.env);
  if (loaded.ok) return loaded.plan;
  process.stderr.write(`${loaded.diagnostics.map(formatDiagnostic).join("\n")}\n`);
  return undefined;
}

export function validate(paths: readonly string[]): ExitCode {
  let code: ExitCode = EXIT.done;
  for (const path of paths) {
    const plan = loadOrTell(path);
    if (plan) process.stdout.write(`${path}: valid: ${plan.hosts.length} hosts, ${plan.waves.length} waves\n`);
    else code = EXIT.invalid;
  }
  return code;
}
