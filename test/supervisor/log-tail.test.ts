import assert from "node:assert/strict";
import type { InstanceName } from "../../src/domain/ids.ts";
import { parseLogFiles } from "../../src/supervisor/log-files.ts";
import { digestOf, isAsNoted, isFileOlder, logTailOf, whereItGoes } from "../../src/supervisor/log-tail.ts";
import { readTail, type TailReply } from "../../src/supervisor/tail-reply.ts";

const text = (of: string): TailReply => ({ kind: "text", text: of });
const web = "web" as InstanceName;

describe("which log tells of a failure", () => {
  const known = (reply: TailReply, isOlder = false) => ({ reply, isOlder });
  const none: TailReply = { kind: "none", why: "no log file" };

  for (const [what, stderr, stdout, expected] of [
    ["stderr's", known(text("err\n")), known(text(" \n")), { text: "err", log: "stderr" }],
    ["stderr's, with stdout's", known(text("err")), known(text("out")), { text: "err", log: "stderr", stdout: "out" }],
    ["not what stdout had before", known(text("err")), known(text("out"), true), { text: "err", log: "stderr" }],
    ["stdout's where stderr is empty", known(text("\n")), known(text("out")), { text: "out", log: "stdout" }],
    ["stdout's where stderr has none", known(none), known(text("out")), { text: "out", log: "stdout" }],
    ["stdout's where stderr's is older", known(text("err"), true), known(text("out")), { text: "out", log: "stdout" }],
    ["none", known(none), known(text("")), { text: "(Supervisor keeps no stderr log of it; its stdout log is empty)" }],
  ] as const)
    it(`is ${what}`, () => assert.deepEqual(logTailOf({ stderr, stdout }, undefined, new Map()), expected));

  for (const [place, says] of [
    ["NONE", /is not kept/],
    ["off", /is not kept/],
    ["syslog", /syslog/],
    ["/dev/stdout", /container's log/],
    ["/dev/fd/1", /container's log/],
    ["/proc/self/fd/2", /container's log/],
  ] as const)
    it(`is not asked for where it goes to ${place}`, () =>
      assert.match(whereItGoes("stdout", { stdout_logfile: place }, undefined) ?? "", says));

  it("is asked for in any file", () => {
    for (const place of ["AUTO", "/var/log/web.log", undefined])
      assert.equal(whereItGoes("stdout", place === undefined ? {} : { stdout_logfile: place }, undefined), undefined);
  });
});

describe("what of a log is older than a restart", () => {
  it("is told by the time of its file, to the second where the host tells no more", () => {
    const logs = parseLogFiles(
      "stderr 1700000010.500000000 1700000000.500000000 /log/a b.err\nstdout 1700000010.%N 1700000005 /log/out\n",
    );
    assert.deepEqual(logs.get("stderr"), { kind: "file", path: "/log/a b.err", ageS: 10, isExact: true });
    const isOlder = (stream: "stderr" | "stdout", ms: number | undefined) => isFileOlder(logs.get(stream), ms);
    assert.deepEqual([isOlder("stderr", 9_900), isOlder("stderr", 10_100)], [true, false]);
    assert.deepEqual([isOlder("stdout", 3_900), isOlder("stdout", 4_100)], [true, false]);
    assert.equal(isOlder("stderr", undefined), undefined);
  });

  it("is not told by what is no file, or where the host does not tell", () => {
    const logs = parseLogFiles("stderr - - /log/pipe\nstdout 1700000010 ? /log/out\nnoise\n");
    assert.deepEqual(logs.get("stderr"), { kind: "no_file", path: "/log/pipe" });
    assert.equal(isFileOlder(logs.get("stdout"), 1000), undefined);
  });

  it("is what its end was before, but not where the same comes again and again", () => {
    const isSame = (log: string) => isAsNoted(text(log), digestOf(text(log)));
    assert.equal(isSame("one line\n"), true);
    assert.equal(isSame("twice\ntwice\n"), true);
    const long = Array.from({ length: 1000 }, (_, line) => `line ${line}\n`).join("");
    assert.equal(isSame(long.slice(-4000)), true);
    assert.equal(isSame("no such file\n".repeat(1000).slice(-4000)), false);
    assert.equal(isAsNoted(text("more"), digestOf(text("less"))), false);
    assert.equal(isAsNoted(text("more"), undefined), false);
  });
});

describe("what `supervisorctl tail` prints", () => {
  it("is the log, and a complaint only where that is all of it", () => {
    assert.deepEqual(readTail("web:web: ERROR (no log file)\n", { instance: web, stream: "stderr" }), {
      kind: "none",
      why: "no log file",
    });
    const log = "web:web: ERROR (no log file)\nerror: <class 'x'>, y: file: z line: 1";
    assert.deepEqual(readTail(`${log}\n`, { instance: web, stream: "stderr" }), text(log));
    assert.deepEqual(readTail("\n", { instance: web, stream: "stderr" }), text(""));
  });

  it("has no warning of the locale in it", () => {
    const warning =
      "Warning: sys.stdout.encoding is set to ANSI_X3.4-1968, so Unicode output may fail. Check your LANG and PYTHONIOENCODING environment settings.\n";
    assert.deepEqual(readTail(`${warning}the log\n`, { instance: web, stream: "stderr" }), text("the log"));
  });

  for (const [printed, why] of [
    ["error: <class 'xml.parsers.expat.ExpatError'>, not well-formed: file: x.py line: 1\n", /colours/],
    ["error: <class 'UnicodeEncodeError'>, 'ascii' codec: file: x.py line: 1\n", /locale/],
    ["unix:///run/s.sock refused connection\n", /refused/],
  ] as const)
    it(`is no log where it says ${printed.trim()}`, () => {
      const reply = readTail(printed, { instance: web, stream: "stderr" });
      assert.ok(reply.kind === "unreadable");
      assert.match(reply.why, why);
    });
});
