import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inOneFile } from "../../scripts/one-file.ts";
import { BUNDLE } from "../acceptance/orchestrate.ts";

describe("what users install", () => {
  let folder: string;
  before(() => void (folder = mkdtempSync(join(tmpdir(), "bundle-"))));
  after(() => rmSync(folder, { recursive: true }));

  it("is one file, which runs where there is nothing else", () => {
    assert.deepEqual(readdirSync(dirname(BUNDLE)), ["orchestrate.cjs"]);
    const alone = join(folder, "orchestrate");
    copyFileSync(BUNDLE, alone);
    writeFileSync(
      join(folder, "plan.yaml"),
      "programs: web\nhosts: { host-1: { address: 127.0.0.1, ssh: { port: 1 } } }\n",
    );
    const calls: [string[], number, RegExp][] = [
      [["--version"], 0, /^\d+\.\d+\.\d+\n$/],
      [["validate", "plan.yaml"], 0, /^plan\.yaml: valid: 1 host, 1 wave\n$/],
      [["plan.yaml", "--offline"], 0, /host-1/],
      [["completion", "bash"], 0, /complete/],
      [["history", "--state-dir", folder], 0, /no rollout has been recorded/],
      [["plan.yaml", "--dry-run"], 3, /connection refused/],
    ];
    for (const [args, code, text] of calls) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [alone, ...args], {
        cwd: folder,
        encoding: "utf8",
      });
      assert.equal(status, code, `${args.join(" ")}: ${stderr}`);
      assert.match(stdout + stderr, text);
    }
  });

  it("names the licence of every package in it", () => {
    const text = readFileSync(BUNDLE, "utf8");
    for (const name of ["ajv", "commander", "listr2", "p-limit", "picomatch", "ssh2", "yaml"])
      assert.match(text, new RegExp(`^${name} \\d\\S+\\n\\n.*(licen[cs]e|copyright)`, "im"));
  });
});

describe("parts in one file", () => {
  const main = 'console.log(loadPart("plain").lines, loadPart("packed").lines, loadPart("packed").at);';
  /** Long, so that brotli has something to do, and over several lines, in which a comment would end. */
  const code = `// ${"a comment ".repeat(100)}\nexports.lines = \`one\ntwo\`.split("\\n");\nexports.at = __filename;\n`;

  it("are loaded as they were put there, whatever becomes of the file meanwhile", () => {
    const folder = mkdtempSync(join(tmpdir(), "parts-"));
    const file = join(folder, "all.cjs");
    const parts = { plain: { code, compressed: false }, packed: { code, compressed: true } };
    writeFileSync(file, inOneFile(`require("node:fs").rmSync(__filename);${main}`, parts, "whose /* it */ is\n"));
    const printed = execFileSync(process.execPath, [file], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    assert.equal(printed, `[ 'one', 'two' ] [ 'one', 'two' ] ${file}\n`);
  });

  it("have no characters that would end the comment in which they stand", () => {
    for (const text of ["\r", "\u2028", "\x01"])
      assert.throws(() => inOneFile("", { part: { code: `"${text}"`, compressed: false } }, ""), /cannot stand/);
  });
});
