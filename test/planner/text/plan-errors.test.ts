import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { diagnosticsOf, planErrors, planErrorsPage, PLAN_ERRORS_FILE } from "../../../scripts/plan-errors.ts";

describe("the code of a plan's error", () => {
  for (const [code, { example }] of planErrors) {
    it(`${code} is what its example is reported with, at a range`, () => {
      const diagnostics = diagnosticsOf(example);
      assert.ok(diagnostics.length > 0, "the example is a valid plan");
      for (const diagnostic of diagnostics) {
        assert.equal(diagnostic.code, code, diagnostic.message);
        const { line, column = 0, endLine = 0, endColumn = 0 } = diagnostic;
        if (line !== undefined) assert.ok(endLine > line || (endLine === line && endColumn >= column));
      }
    });
  }

  it("comes with the range of the very key or value, which an editor underlines", () => {
    const plan = `programs: [web, "a b"] # two words
hosts:
  web-1: { ssh: &ssh { port: 99999 }, vars: { 2nd: x } }
  web-2: { ssh: *ssh, adress: 10.0.0.1 }
timings:
  # not a list
  - between_restarts: 10s
    between_checks: 5s

  # and no end
groups:
  web: { programs: other }
`;
    const underlined = diagnosticsOf({ plan }).map(({ code, line = 0, column = 0, endLine = 0, endColumn = 0 }) => {
      const lines = plan.split("\n").slice(line - 1, endLine);
      const last = lines.length - 1;
      lines[last] = (lines[last] ?? "").slice(0, endColumn - 1);
      lines[0] = (lines[0] ?? "").slice(column - 1);
      return [code, lines.join("\n")];
    });
    assert.deepEqual(underlined, [
      ["invalid_value", '"a b"'],
      ["invalid_value", "99999"],
      ["invalid_key", "2nd"],
      ["unknown_key", "adress"],
      ["invalid_value", "- between_restarts: 10s\n    between_checks: 5s"],
      ["missing_key", "web"],
    ]);
  });

  it("has a page in docs/ that is up to date (npm run docs writes it)", () => {
    assert.equal(readFileSync(PLAN_ERRORS_FILE, "utf8"), planErrorsPage());
  });
});
