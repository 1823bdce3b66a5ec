import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fc from "fast-check";
import { loginLine } from "../../../src/hosts/connection/login-line.ts";
import { findProgram } from "../../fleet/prerequisites.ts";

/** csh is not on every machine; what it cannot read is looked for in the line as well. */
const SHELLS = ["sh", "bash", "zsh", "fish", "tcsh"].filter((shell) => findProgram(shell) !== undefined);

describe("a line for a login shell", () => {
  it("is the bare command where every shell reads that alike", () => {
    assert.equal(loginLine(["supervisorctl", "restart", "we$ird:*"]), "supervisorctl restart 'we$ird:*'");
  });

  for (const shell of SHELLS)
    it(`gives every program exactly the words that were meant: ${shell}`, () => {
      const odd = fc.string({ unit: fc.constantFrom(...Array.from("'\"\\$`!*?[]{}()<>|&;#~=%^ \t\n\r-a0é\u{1f600}")) });
      fc.assert(
        fc.property(fc.array(odd, { minLength: 1, maxLength: 6 }), (words) => {
          const line = loginLine(["printf", "%s\\0", ...words]);
          const heard = execFileSync(shell, ["-c", line], { encoding: "utf8" });
          assert.deepEqual(heard.split("\0").slice(0, -1), words);
        }),
      );
    });

  it("has nothing in it that csh reads in quotes: no line break, no exclamation mark", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
        const line = loginLine(["sh", ...words.map((word) => word.replaceAll("\0", "")), "a\nb!\\"]);
        assert.doesNotMatch(line, /[\n\r!]/);
      }),
    );
  });

  it("leaves the exit code to the command", () => {
    const { status } = spawnSync("sh", ["-c", loginLine(["sh", "-c", "true\nexit 3"])]);
    assert.equal(status, 3);
  });
});
