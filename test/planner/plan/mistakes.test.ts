import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatDiagnostic } from "../../../src/planner/text/diagnostic.ts";
import { parsePlan } from "../../../src/planner/plan/load.ts";

const folder = join(import.meta.dirname, "mistakes");

/** Writes the actual messages as the expected ones, to be read with care: `UPDATE_EXPECTED=1`. */
const update = process.env["UPDATE_EXPECTED"] === "1";

/** A title, the plan with the mistake, and the messages. */
const MISTAKE = /^## ([^\n]+)\n\n```yaml\n(.*?)```\n\n```text\n(.*?)```\n/gms;

function messagesOf(plan: string): string {
  const loaded = parsePlan(plan, "plan.yaml", { HOME: "/home/operator" });
  const diagnostics = loaded.ok ? loaded.plan.warnings : loaded.diagnostics;
  return diagnostics.map((diagnostic) => `${formatDiagnostic(diagnostic)}\n`).join("");
}

describe("a mistake that users make is answered with the form that is right", () => {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    const text = readFileSync(file, "utf8");
    for (const [, title = "", plan = "", expected = ""] of text.matchAll(MISTAKE)) {
      it(`${name.replace(".md", "")}: ${title}`, () => {
        const said = messagesOf(plan);
        assert.notEqual(said, "", "the plan is in order");
        if (!update) assert.equal(said, expected);
      });
    }
    if (update)
      writeFileSync(
        file,
        text.replace(MISTAKE, (_, title: string, plan: string) => {
          return `## ${title}\n\n\`\`\`yaml\n${plan}\`\`\`\n\n\`\`\`text\n${messagesOf(plan)}\`\`\`\n`;
        }),
      );
  }

  it("is one of more than eighty", () => {
    const all = readdirSync(folder).flatMap((name) => [...readFileSync(join(folder, name), "utf8").matchAll(MISTAKE)]);
    assert.ok(all.length >= 80, String(all.length));
  });
});
