import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { quoteArgv } from "../../src/domain/shell-quotes.ts";

describe("quoting for a shell", () => {
  it("leaves plain words bare, so that logs stay readable", () => {
    const argv = ["-c", "/etc/supervisord.conf", "restart", "web:web_01"];
    assert.equal(quoteArgv(["supervisorctl", ...argv]), "supervisorctl -c /etc/supervisord.conf restart web:web_01");
    assert.equal(quoteArgv(["supervisorctl", "-s", "unix:///run/a.sock"]), "supervisorctl -s unix:///run/a.sock");
  });

  it("quotes what a shell would read otherwise, and nothing more", () => {
    assert.equal(
      quoteArgv(["restart", "web:*", "", "it's", "~root", "A=1", "#"]),
      `restart 'web:*' '' 'it'\\''s' '~root' 'A=1' '#'`,
    );
  });

  it("refuses a NUL, which no process can be given", () => {
    assert.throws(() => quoteArgv(["echo", "a\0b"]), TypeError);
  });

  it("gives every program exactly the words that were meant", () => {
    const oddCharacters = Array.from("'\"\\$`!*?[]{}()<>|&;#~=%^ \t\n\r-a1é\u{1f600}");
    const odd = fc.string({ unit: fc.constantFrom(...oddCharacters) });
    const any = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\0", ""));
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, any), { minLength: 1, maxLength: 6 }), (words) => {
        const heard = execFileSync("sh", ["-c", quoteArgv(["printf", "%s\\0", ...words])], { encoding: "utf8" });
        assert.deepEqual(heard.split("\0").slice(0, -1), words);
      }),
    );
  });
});
