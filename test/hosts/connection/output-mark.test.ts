import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { loginLine } from "../../../src/hosts/connection/login-line.ts";
import { markedArgv, newMark, OutputBehindMark } from "../../../src/hosts/connection/output-mark.ts";
import { findProgram } from "../../fleet/prerequisites.ts";

const SHELLS = ["sh", "bash", "zsh", "fish", "tcsh"].filter((shell) => findProgram(shell) !== undefined);

describe("the mark that a command's output begins behind", () => {
  it("leaves nothing of what came before it, in whatever pieces that comes", () => {
    const mark = newMark();
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer({ min: 1, max: 9 }), (noise, text, chunkBytes) => {
        const kept = new OutputBehindMark(mark);
        const bytes = Buffer.from(`${noise}${mark}\n${text}`);
        for (let at = 0; at < bytes.length; at += chunkBytes) kept.add(bytes.subarray(at, at + chunkBytes));
        assert.equal(kept.text(), Buffer.from(text).toString("utf8"));
        assert.equal(kept.isCut, false);
      }),
    );
  });

  it("is looked for however much comes before it, and what is cut is counted from it", () => {
    const mark = newMark();
    const kept = new OutputBehindMark(mark);
    kept.add(Buffer.alloc(3_000_000, "n"));
    kept.add(Buffer.from(`${mark}\n${"x".repeat(1024 * 1024 + 5)}`));
    assert.match(kept.text(), /^\[5 bytes before this were cut\]\nx+$/);
    assert.equal(kept.isCut, true);
  });

  it("keeps all where it does not come: the login shell has failed", () => {
    const kept = new OutputBehindMark(newMark());
    kept.add(Buffer.from("This account is "));
    kept.add(Buffer.from("not available.\n"));
    assert.equal(kept.text(), "This account is not available.\n");
  });

  for (const shell of SHELLS)
    it(`is printed on both streams before the command, whose exit code stays: ${shell}`, () => {
      const line = loginLine(markedArgv("mark", ["sh", "-c", 'printf %s "$1"; echo oh >&2; exit 3', "sh", "it's !"]));
      const { stdout, stderr, status } = spawnSync(shell, ["-c", line], { encoding: "utf8" });
      assert.deepEqual({ stdout, stderr, status }, { stdout: "mark\nit's !", stderr: "mark\noh\n", status: 3 });
    });
});
