import assert from "node:assert/strict";
import fc from "fast-check";
import { parseStatus } from "../../src/supervisor/status-text.ts";

interface Line {
  readonly name: string;
  readonly state: string;
  readonly text: string;
}

/** supervisor/supervisorctl.py, `_show_statuses`. */
function aligned(lines: readonly Line[]): string {
  const width = Math.max(30, ...lines.map(({ name }) => Array.from(name).length)) + 3;
  return lines.map(({ name, state, text }) => `${padded(name, width)}${padded(state, 10)}${text}\n`).join("");
}

/** The same of old versions. */
function paddedAlone(lines: readonly Line[]): string {
  return lines.map(({ name, state, text }) => `${padded(name, 32)} ${padded(state, 10)} ${text}\n`).join("");
}

function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - Array.from(text).length));
}

function namesIn(text: string): string[] {
  return parseStatus(text).snapshots.map(({ instance }) => instance);
}

const running = (name: string, pid = 1): Line => {
  return { name, state: "RUNNING", text: `pid ${pid}, uptime 0:00:25` };
};

describe("what `supervisorctl status` prints", () => {
  it("is read whatever the padding, with pid and uptime of what runs", () => {
    const text = [
      "web:web_00                       RUNNING   pid 22578, uptime 0:00:25",
      "web:web_01                       RUNNING   pid 3, uptime 1 day, 1:01:03",
      "web:web_02                       RUNNING   pid 4, uptime 100 days, 0:00:01",
      "cat                              STOPPED   Not started",
    ].join("\n");
    assert.deepEqual(parseStatus(text).snapshots, [
      { instance: "cat", state: "STOPPED", description: "Not started" },
      { instance: "web:web_00", state: "RUNNING", pid: 22578, uptime_s: 25 },
      { instance: "web:web_01", state: "RUNNING", pid: 3, uptime_s: 90_063 },
      { instance: "web:web_02", state: "RUNNING", pid: 4, uptime_s: 8_640_001 },
    ]);
  });

  it("gives STARTING and STOPPING without a pid and FATAL with Supervisor's words", () => {
    assert.deepEqual(
      parseStatus("a STARTING\nb STOPPING \nc FATAL     Exited too quickly (process log may have details)\n").snapshots,
      [
        { instance: "a", state: "STARTING" },
        { instance: "b", state: "STOPPING" },
        { instance: "c", state: "FATAL", description: "Exited too quickly (process log may have details)" },
      ],
    );
  });

  it("is in the order in which people count", () => {
    assert.deepEqual(namesIn("web:10 STARTING\nweb:9 STARTING\nweb:1 STARTING"), ["web:1", "web:9", "web:10"]);
  });

  it("keeps odd but legal names and passes over lines before the first that names a state", () => {
    const text =
      "Welcome to web-01\nunix:///run/s.sock no such file\nx:*   RUNNING pid 1, uptime 0:00:01\r\nx:we$ird'q;z RUNNING pid 2, uptime 0:00:01\n-x:é RUNNING pid 3, uptime 0:00:01";
    assert.deepEqual(namesIn(text), ["-x:é", "x:*", "x:we$ird'q;z"]);
    assert.deepEqual(parseStatus(text).noise, ["Welcome to web-01", "unix:///run/s.sock no such file"]);
    assert.deepEqual(parseStatus(text).unreadable, []);
  });

  it("counts an uptime of less than nothing, which old versions print after a clock was set back, as none", () => {
    const { snapshots } = parseStatus("web RUNNING pid 7, uptime -1 day, 23:59:58");
    assert.deepEqual(snapshots, [{ instance: "web", state: "RUNNING", pid: 7, uptime_s: 0 }]);
  });

  const unit = fc.constantFrom(
    ..."ab:/*-_é\u{1f600}\u00a0 ".split(""),
    " RUNNING ",
    " STOPPED   Not started ",
    "pid 1,",
  );
  const name = fc
    .string({ unit, minLength: 1, maxLength: 12 })
    .map((text) => `g:${text}x`)
    .filter((text) => !text.includes("\u{d83d}"))
    // Twice the text of a line, in one name and with old padding, nobody can tell from a line.
    .filter((text) => text.split("Not started").length < 3);
  const line = fc
    .record({ name, kind: fc.constantFrom("RUNNING", "STOPPED", "STARTING", "FATAL") })
    .map(({ name, kind }): Line => {
      const texts = { RUNNING: "pid 12, uptime 3 days, 0:00:25", STOPPED: "Oct 01 09:02 AM", STARTING: "" };
      return { name, state: kind, text: kind === "FATAL" ? "can't find command '/x'" : texts[kind as "RUNNING"] };
    });
  const listing = fc.uniqueArray(line, { selector: ({ name }) => name, minLength: 1, maxLength: 8 });

  for (const [version, print] of [
    ["today's", aligned],
    ["old", paddedAlone],
  ] as const)
    it(`shows every process by its own name, with whatever blanks and words that has: ${version} layout`, () => {
      fc.assert(
        fc.property(listing, (lines) => {
          const { snapshots, noise, unreadable } = parseStatus(print(lines));
          assert.deepEqual({ noise, unreadable }, { noise: [], unreadable: [] });
          assert.deepEqual(
            new Map(snapshots.map(({ instance, state }) => [instance as string, state as string])),
            new Map(lines.map(({ name, state }) => [name, state])),
          );
        }),
      );
    });

  it("hides no process: whatever is glued to a line, that line is named as one that is not understood", () => {
    const lines = [running("web:web_00"), running("web:web_01", 2)];
    for (const glue of ["\u001b]0;host\u0007", "Welcome to host", "Last login: RUNNING "])
      for (const print of [aligned, paddedAlone]) {
        const { snapshots, unreadable } = parseStatus(glue + print(lines));
        assert.deepEqual(
          snapshots.map(({ instance }) => instance),
          ["web:web_01"],
          glue,
        );
        assert.equal(unreadable.length, 1, glue);
        assert.ok(unreadable[0]?.includes("web:web_00"));
      }
  });

  for (const [what, lines] of [
    ["a line behind the first process", "web RUNNING pid 1, uptime 0:00:01\nall is well"],
    ["a name with a control character", "a\tb RUNNING pid 1, uptime 0:00:01"],
    ["a name that goes on in the next line", aligned([running("web"), running("g:a\nb_00")])],
    ["a state with a text that it does not have", "web RUNNING well"],
    ["a name for the second time", "web STARTING\nweb RUNNING pid 1, uptime 0:00:01"],
    ["a line before the first process that names a state", "all is RUNNING well\nweb STARTING"],
  ] as const)
    it(`leaves nothing out in silence: ${what}`, () => {
      assert.notDeepEqual(parseStatus(lines).unreadable, []);
    });
});
