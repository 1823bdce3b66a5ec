import { counted } from "../../domain/counted.ts";
import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { diagnosticToJson, formatDiagnostic } from "../../planner/text/diagnostic.ts";
import type { CheckedPlan } from "../../planner/plan/load.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import type { ValidateArguments } from "../arguments/arguments.ts";
import { check } from "../prepare/load.ts";
import { print } from "../terminal/outputs.ts";
import { printableJson } from "../../domain/printable.ts";

/**
 * `orchestrate validate PLAN...`: checks all of them, and is content only if all are right. As JSON, one object per
 * line: `{"file":…,"valid":true,…}` for a plan that is right, and one for each diagnostic, warnings of right plans too.
 */
export function validate({ plans, output }: ValidateArguments): ExitCode {
  let code: ExitCode = EXIT.done;
  for (const file of plans) {
    const loaded = check(file);
    if (!loaded.ok) code = EXIT.invalid;
    if (output === "json") tellProgram(file, loaded);
    else tellPerson(file, loaded);
  }
  return code;
}

function tellPerson(file: string, loaded: CheckedPlan): void {
  if (!loaded.ok) print("stderr", `${loaded.diagnostics.map(formatDiagnostic).join("\n")}\n`);
  else {
    const { warnings } = "plan" in loaded ? loaded.plan : loaded;
    print("stderr", warnings.map((warning) => `${formatDiagnostic(warning)}\n`).join(""));
    print("stdout", `${file}: valid: ${"plan" in loaded ? sizeText(loaded.plan) : "a base for other plans"}\n`);
  }
}

function tellProgram(file: string, loaded: CheckedPlan): void {
  const lines = !loaded.ok
    ? loaded.diagnostics.map(diagnosticToJson)
    : "plan" in loaded
      ? [
          { file, valid: true, hosts: loaded.plan.hosts.length, waves: loaded.plan.waves.length },
          ...loaded.plan.warnings.map(diagnosticToJson),
        ]
      : [{ file, valid: true, abstract: true }, ...loaded.warnings.map(diagnosticToJson)];
  print("stdout", lines.map((line) => `${printableJson(line)}\n`).join(""));
}

function sizeText({ hosts, waves }: Plan): string {
  return `${counted(hosts.length, "host")}, ${counted(waves.length, "wave")}`;
}
