/** Writes docs/plan-errors.md from the planner's table of codes: `tsx scripts/plan-errors.ts`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadPlan } from "../src/planner/plan/load.ts";
import { diagnosticToJson, formatDiagnostic, type Diagnostic } from "../src/planner/text/diagnostic.ts";
import {
  PLAN_ERRORS,
  type PlanErrorCode,
  type PlanErrorExample,
  type PlanErrorKind,
} from "../src/planner/text/plan-errors.ts";

export const PLAN_ERRORS_FILE = join(import.meta.dirname, "..", "docs", "plan-errors.md");

/** All codes with what the page says of each, in its order. */
export const planErrors = Object.entries(PLAN_ERRORS) as [PlanErrorCode, PlanErrorKind][];

/** The whole page. */
export function planErrorsPage(): string {
  const rows = planErrors.map(([code, { meaning }]) => `| [\`${code}\`](#${code}) | ${meaning} |`);
  const table = ["| code | meaning |", "|---|---|", ...rows].join("\n");
  return `${INTRODUCTION}${table}\n\n${planErrors.map(sectionText).join("\n")}`;
}

/** The errors in the plan of an example, as `orchestrate validate plan.yaml` reports it. */
export function diagnosticsOf({
  plan,
  files = {},
  inventory = "",
  settings = [],
  encoding,
}: PlanErrorExample): Diagnostic[] {
  const folder = mkdtempSync(join(tmpdir(), "plan-errors-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const file = join(folder, "plan.yaml");
    writeFileSync(file, plan, encoding ?? "utf8");
    const loaded = loadPlan(file, {}, { inventory: () => inventory, settings });
    const inPlace = (text: string) => text.replaceAll(`${folder}/`, "");
    return (loaded.ok ? loaded.plan.warnings : loaded.diagnostics).map((diagnostic) => ({
      ...diagnostic,
      file: inPlace(diagnostic.file),
      message: inPlace(diagnostic.message),
      suggestion: diagnostic.suggestion && inPlace(diagnostic.suggestion),
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function sectionText([code, { meaning, remedy, example }]: [PlanErrorCode, PlanErrorKind]): string {
  const texts = [`### \`${code}\``, meaning, fenced("yaml", example.plan)];
  for (const [name, text] of Object.entries(example.files ?? {}))
    if (text !== "") texts.push(`\`${name}\`:`, fenced("yaml", text));
  if (example.settings) texts.push(fenced("sh", `orchestrate plan.yaml --set ${example.settings.join(" --set ")}`));
  if (example.inventory !== undefined)
    texts.push("`ansible-inventory -i inventory.ini --list` prints:", fenced("text", example.inventory));
  texts.push(fenced("text", diagnosticsOf(example).map(formatDiagnostic).join("\n")), remedy);
  return `${texts.join("\n\n")}\n`;
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

const [SAMPLE] = diagnosticsOf(PLAN_ERRORS.unknown_key.example).map(diagnosticToJson);

const INTRODUCTION = `# Errors in a plan

This file is generated from \`src/planner/text/plan-errors.ts\`; each diagnostic is what the example really prints.

\`orchestrate validate PLAN\` checks a plan without contacting a host, and every other command checks it first. All
errors are reported at once, each with its line and, in brackets, its code. A plan with an error is not run: exit 2.
Codes are stable: later versions add codes, and neither change nor remove any.

\`orchestrate validate PLAN --output json\` prints one object a line for editors and scripts:

${fenced("json", JSON.stringify(SAMPLE, null, 2))}

Lines and columns count from 1, columns in UTF-16 code units as editors count them. The range starts with the first
character of the key or value that is at fault and ends before \`end_column\`. All four are \`null\` if the whole file
is at fault. \`severity\` is \`error\` or \`warning\`; a plan with warnings only is valid.

`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PLAN_ERRORS_FILE, planErrorsPage());
