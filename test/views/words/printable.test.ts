import assert from "node:assert/strict";
import { onOneLine, printable, printableJson } from "../../../src/domain/printable.ts";
import { printableLines } from "../../../src/views/words/logs.ts";
import { wrapped } from "../../../src/views/words/wrapped.ts";

describe("text from hosts", () => {
  it("keeps what a terminal shows", () => {
    assert.equal(printable("naïve 日本語 ✓ 🎉 C:\\x1b"), "naïve 日本語 ✓ 🎉 C:\\x1b");
  });

  it("has visible escapes for what a terminal obeys", () => {
    assert.equal(printable("\u001b[2J\u0007\u0000\u007f\u009b1m"), String.raw`\x1b[2J\x07\x00\x7f\x9b1m`);
    assert.equal(printable("a\r\nb\tc"), String.raw`a\r\nb\tc`);
    assert.equal(printable("\u202egpj.exe\u2066\u2028\u{e0041}"), String.raw`\u202egpj.exe\u2066\u2028\u{e0041}`);
    assert.equal(printable("\ud800"), String.raw`\ud800`);
  });

  it("in JSON has escapes that mean the same, for what JSON leaves as it is", () => {
    const value = { said: "\u001b[2J\u009b1m\u007f\u202e\u{e0041} \ud800 \n naïve 🎉" };
    const text = printableJson(value);
    assert.equal(text, String.raw`{"said":"\u001b[2J\u009b1m\u007f\u202e\udb40\udc41 \ud800 \n naïve 🎉"}`);
    assert.deepEqual(JSON.parse(text), value);
  });

  it("of several lines fits on one", () => {
    assert.equal(onOneLine("web: stopped\r\n  web: ERROR (spawn error)\n"), "web: stopped; web: ERROR (spawn error)");
  });

  it("as a log has no empty lines around it, and tabs as blanks", () => {
    assert.deepEqual(printableLines("\n \nTraceback\r\n\tat\n\n\u001b[31mred\n\n"), [
      "Traceback",
      "    at",
      "",
      String.raw`\x1b[31mred`,
    ]);
    assert.deepEqual(printableLines(" \n"), []);
  });
});

describe("wrapping", () => {
  it("breaks prose at blanks and indents what follows", () => {
    assert.deepEqual(wrapped("  one two three", 12), ["  one two", "    three"]);
    assert.deepEqual(wrapped("short", 12), ["short"]);
  });

  it("leaves what is too long to be broken", () => {
    assert.deepEqual(wrapped("  web-[01-99].example.com a b", 12), ["  web-[01-99].example.com", "    a b"]);
  });

  it("leaves logs and commands as they are", () => {
    for (const line of [`      | ${"log ".repeat(30)}`, `    orchestrate plans/${"a b".repeat(30)}`])
      assert.deepEqual(wrapped(line, 40), [line]);
  });
});
