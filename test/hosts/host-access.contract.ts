import assert from "node:assert/strict";
import { once } from "node:events";
import type { Argv, HostAccess, RunOutcome } from "../../src/executor/ports.ts";

export interface OpenedAccess {
  readonly access: HostAccess;
  readonly cleanup: () => Promise<void>;
}

/**
 * What every way onto a host promises, whatever it is made of.
 *
 * @param name of the way, for the report
 * @param open gives one that nobody has used yet
 */
export function hostAccessContract(name: string, open: () => Promise<OpenedAccess>): void {
  describe(`a way onto a host: ${name}`, function () {
    this.timeout(30_000);
    let opened: OpenedAccess;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.cleanup());

    const run = (...argv: Argv) => opened.access.run(argv);
    const sh = (script: string, ...args: string[]) => run("sh", "-c", script, "sh", ...args);

    it("connects, and says so again when asked again", async () => {
      assert.deepEqual(await opened.access.connect(), { kind: "connected" });
      assert.deepEqual(await opened.access.connect(), { kind: "connected" });
    });

    it("tells the exit code, stdout and stderr apart", async () => {
      assert.deepEqual(await sh("echo out; echo err >&2; exit 3"), {
        kind: "exited",
        code: 3,
        stdout: "out\n",
        stderr: "err\n",
      });
      assert.deepEqual(await run("true"), { kind: "exited", code: 0, stdout: "", stderr: "" });
    });

    it("hands over every argument as it is", async () => {
      const odd = [
        "",
        " ",
        "a b",
        "it's",
        '"',
        "\\",
        "$HOME",
        "`id`",
        "*",
        "~",
        "!!",
        "line\nbreak",
        "tab\t",
        "é\u{1f600}",
      ];
      const outcome = await run("printf", "%s\\0", ...odd);
      assert.deepEqual(stdoutOf(outcome).split("\0").slice(0, -1), odd);
    });

    it("gives an empty stdin", async () => {
      assert.deepEqual(await run("cat"), { kind: "exited", code: 0, stdout: "", stderr: "" });
    });

    it("gives no terminal", async () => {
      assert.deepEqual(await sh("test -t 0 || test -t 1 || test -t 2"), {
        kind: "exited",
        code: 1,
        stdout: "",
        stderr: "",
      });
    });

    it("swallows any amount of output, and keeps the end of each stream", async () => {
      const print = "head -c 5000000 /dev/zero | tr '\\0'";
      const outcome = await sh(`${print} o; echo end; { ${print} e; echo end; } >&2`);
      assert.ok(outcome.kind === "exited");
      assert.match(outcome.stdout, /^\[\d+ bytes before this were cut\]\no+end\n$/);
      assert.match(outcome.stderr, /^\[\d+ bytes before this were cut\]\ne+end\n$/);
      for (const text of [outcome.stdout, outcome.stderr]) {
        const [notice = ""] = text.split("\n");
        const cutBytes = Number(/\d+/.exec(notice)?.[0]);
        assert.equal(cutBytes + text.length - notice.length - 1, 5_000_004);
      }
    });

    it("reports a command that is not there like a shell", async () => {
      const outcome = await run("no-such-command", "x");
      assert.ok(outcome.kind === "exited");
      assert.equal(outcome.code, 127);
      assert.match(outcome.stderr, /no-such-command.*not found/);
    });

    it("reports a command that may not be run like a shell", async () => {
      const outcome = await run("/dev/null");
      assert.ok(outcome.kind === "exited");
      assert.equal(outcome.code, 126);
      assert.match(outcome.stderr, /\/dev\/null.*permission denied/i);
    });

    it("names the signal that ended a command", async () => {
      const outcome = await sh("echo before; kill -KILL $$");
      assert.deepEqual(outcome, { kind: "signalled", signal: "SIGKILL", stdout: "before\n", stderr: "" });
    });

    it("stops waiting after timeoutMs, and is good for more", async () => {
      assert.deepEqual(await opened.access.run(["sleep", "60"], { timeoutMs: 50 }), { kind: "timed_out", afterMs: 50 });
      assert.equal(stdoutOf(await run("echo", "more")), "more\n");
    });

    it("runs commands at once, each with its own output", async () => {
      const numbers = ["1", "2", "3", "4", "5", "6", "7", "8"];
      const outcomes = await Promise.all(numbers.map((number) => sh('echo "$1"; exit "$1"', number)));
      assert.deepEqual(
        outcomes,
        numbers.map((number) => ({ kind: "exited", code: Number(number), stdout: `${number}\n`, stderr: "" })),
      );
    });

    it("leaves a spawned command running, talks with it, and tells when it ends", async () => {
      const spawned = await opened.access.spawn([
        "sh",
        "-c",
        'while read -r line; do echo "got $line"; done; echo bye >&2',
      ]);
      assert.ok(spawned.kind === "spawned");
      const { stream, closed, stderr } = spawned.process;
      stream.setEncoding("utf8");
      const next = async () => String((await once(stream, "data"))[0]);
      stream.write("one\n");
      assert.equal(await next(), "got one\n");
      stream.write("it's two\n");
      assert.equal(await next(), "got it's two\n");
      stream.end();
      await closed;
      assert.equal(stderr(), "bye\n");
    });

    it("tells that a spawned command ended by itself", async () => {
      const spawned = await opened.access.spawn(["true"]);
      assert.ok(spawned.kind === "spawned");
      spawned.process.stream.resume();
      await spawned.process.closed;
    });

    it("closes as often as one likes, used or not", async () => {
      await opened.access.close();
      await run("true");
      await Promise.all([opened.access.close(), opened.access.close()]);
      await opened.access.close();
    });

    it("can be used again after it was closed", async () => {
      await run("true");
      await opened.access.close();
      assert.equal(stdoutOf(await run("echo", "again")), "again\n");
    });
  });
}

function stdoutOf(outcome: RunOutcome): string {
  assert.equal(outcome.kind, "exited");
  return "stdout" in outcome ? outcome.stdout : "";
}
