import assert from "node:assert/strict";
import {
  diagnosticToJson,
  formatDiagnostic,
  sortDiagnostics,
  type Diagnostic,
} from "../../../src/planner/text/diagnostic.ts";

const one: Diagnostic = {
  file: "plans/prod.yaml",
  line: 12,
  column: 7,
  endLine: 12,
  endColumn: 11,
  code: "unknown_key",
  sourceLine: "      host: 3",
  path: "batches.host",
  message: "unknown key",
  suggestion: 'did you mean "hosts"?',
};

describe("a diagnostic", () => {
  it("is the place and the message, the line with a caret, and a suggestion", () => {
    assert.equal(
      formatDiagnostic(one),
      `plans/prod.yaml:12:7: batches.host: unknown key [unknown_key]
  12 |       host: 3
     |       ^
  did you mean "hosts"?`,
    );
  });

  it("can be of the whole file or the whole plan", () => {
    assert.equal(
      formatDiagnostic({ file: "a.yaml", code: "file_not_found", path: "", message: "there is no such file" }),
      "a.yaml: there is no such file [file_not_found]",
    );
    assert.equal(
      formatDiagnostic({
        file: "a.yaml",
        line: 1,
        column: 1,
        sourceLine: "x",
        code: "invalid_value",
        path: "",
        message: "must be a map",
      }),
      "a.yaml:1:1: must be a map [invalid_value]\n  1 | x\n    | ^",
    );
  });

  it("shows the part around the caret of a long line", () => {
    const sourceLine = `${"a".repeat(300)}b${"c".repeat(300)}`;
    const [, line = "", caret = ""] = formatDiagnostic({ ...one, column: 301, sourceLine }).split("\n");
    assert.equal(line[caret.indexOf("^")], "b");
    assert.ok(line.length < 120);
    assert.ok(line.endsWith("c…"));
    assert.match(line, /\| …a/);
  });

  it("puts the caret under its character after a letter of two code units", () => {
    const [, line = "", caret = ""] = formatDiagnostic({ ...one, column: 4, sourceLine: "a🦊b" }).split("\n");
    assert.equal(Array.from(line).indexOf("b"), Array.from(caret).indexOf("^"));
  });

  it("brings neither control characters nor passwords to the terminal", () => {
    const text = formatDiagnostic({
      ...one,
      sourceLine: "x: \u001b[2J\u202e http://admin:se:cret@host",
      path: "\u0007",
    });
    assert.doesNotMatch(text, /[\u001b\u202e\u0007]/);
    assert.match(text, /http:\/\/admin:\*{7}@host/);
  });

  it("is the same for programs, with every key always there", () => {
    const { sourceLine: _, endLine, endColumn, ...json } = one;
    assert.deepEqual(diagnosticToJson(one), { ...json, end_line: endLine, end_column: endColumn, severity: "error" });
    assert.deepEqual(diagnosticToJson({ file: "a.yaml", code: "empty_plan", path: "", message: "is \u001b[2J" }), {
      file: "a.yaml",
      line: null,
      column: null,
      end_line: null,
      end_column: null,
      code: "empty_plan",
      path: "",
      message: "is \uFFFD[2J",
      suggestion: null,
      severity: "error",
    });
  });

  it("of the plan's own file comes before those of the files that it extends", () => {
    const base: Diagnostic = { ...one, file: "a-base.yaml", line: 1 };
    assert.deepEqual(sortDiagnostics([base, one], one.file), [one, base]);
  });

  it("comes once, in the order of the text", () => {
    const at = (line: number, column: number, message = "m", path = "p"): Diagnostic => ({
      ...one,
      line,
      column,
      message,
      path,
    });
    const whole: Diagnostic = { file: "plans/prod.yaml", code: "empty_plan", path: "", message: "m" };
    assert.deepEqual(sortDiagnostics([at(2, 1), at(1, 9), at(1, 2), at(1, 9, "m", "other"), at(1, 9, "n"), whole]), [
      whole,
      at(1, 2),
      at(1, 9),
      at(1, 9, "n"),
      at(2, 1),
    ]);
  });
});
