import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { MAN_FILE, manPage } from "../../../scripts/man-page.ts";

describe("the man page", () => {
  it("is what --help says (npm run docs writes it)", () => {
    assert.equal(readFileSync(MAN_FILE, "utf8"), manPage());
  });

  it("has no line that roff would take for a command but its macros", () => {
    const commands = manPage()
      .split("\n")
      .filter((line) => /^[.']/.test(line))
      .map((line) => line.split(" ")[0] ?? "");
    assert.deepEqual(
      [...new Set(commands)].filter(
        (command) => ![".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".BR", ".I", ".IR", ".br"].includes(command),
      ),
      [],
    );
  });
});
