import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type AddressInfo, type ListenOptions, type Server } from "node:net";
import type { Duplex } from "node:stream";
import type { Argv, DialTarget, HostAccess, RunOutcome } from "../../src/executor/ports.ts";
import { isRunning } from "../fleet/process-table.ts";
import { until } from "../fleet/until.ts";
import { temporaryFolder } from "./fixtures.ts";

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
  describe(`a way onto a host: ${name}`, () => {
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

    it("has no exit code of its own: 255 is the command's, as is any other", async () => {
      assert.deepEqual(await sh("exit 255"), { kind: "exited", code: 255, stdout: "", stderr: "" });
      assert.deepEqual(await opened.access.run(["sh", "-c", "exit 124"], { timeoutMs: 20_000 }), {
        kind: "exited",
        code: 124,
        stdout: "",
        stderr: "",
      });
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

    it("hands over what a command shall read, all of it and nothing more", async () => {
      const text = `it's\n"$HOME" ${"x".repeat(100_000)}\n`;
      assert.deepEqual(await opened.access.run(["cat"], { stdin: text, timeoutMs: 20_000 }), {
        kind: "exited",
        code: 0,
        stdout: text,
        stderr: "",
      });
      assert.equal((await opened.access.run(["true"], { stdin: text })).kind, "exited");
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

    it("is no different for a command that is bounded in time", async () => {
      const bounded = (...argv: Argv) => opened.access.run(argv, { timeoutMs: 20_000 });
      const odd = ["", "it's", "-s", "$HOME", "line\nbreak", "é"];
      assert.deepEqual(
        stdoutOf(await bounded("printf", "%s\\0", ...odd))
          .split("\0")
          .slice(0, -1),
        odd,
      );
      assert.deepEqual(await bounded("sh", "-c", "cat; echo err >&2; exit 3"), {
        kind: "exited",
        code: 3,
        stdout: "",
        stderr: "err\n",
      });
      assert.equal((await bounded("sh", "-c", "kill -TERM $$")).kind, "signalled");
      const missing = await bounded("no-such-command", "x");
      assert.ok(missing.kind === "exited");
      assert.equal(missing.code, 127);
      assert.match(missing.stderr, /no-such-command.*not found/);
    });

    it("ends a command on the host when its time is over, with all that it started", async () => {
      const { folder, remove } = await temporaryFolder();
      const script = 'trap "" TERM HUP INT; sleep 60 & echo $$ $! > "$1"; wait; sleep 60';
      // Long enough for a slow host to start all of it before.
      const outcome = await opened.access.run(["sh", "-c", script, "sh", `${folder}/pids`], { timeoutMs: 3000 });
      assert.deepEqual(outcome, { kind: "timed_out", afterMs: 3000 });
      const pids = (await readFile(`${folder}/pids`, "utf8")).split(" ").map(Number);
      await until(() => !pids.some(isRunning), { deadlineMs: 10_000, what: "both have ended" });
      await remove();
    });

    it("bears a few commands that go on and many others, all at once", async () => {
      const cat = async () => {
        const spawned = await opened.access.spawn(["cat"]);
        assert.ok(spawned.kind === "spawned", spawned.kind === "failed" ? spawned.reason : "");
        return spawned.process;
      };
      const goingOn = await Promise.all([cat(), cat(), cat()]);
      const numbers = Array.from({ length: 12 }, (_, index) => String(index));
      const outcomes = await Promise.all(numbers.map((number) => run("echo", number)));
      assert.deepEqual(
        outcomes.map((outcome) => stdoutOf(outcome)),
        numbers.map((number) => `${number}\n`),
      );
      for (const { stream } of goingOn) stream.end("still here");
      for (const { stream, closed } of goingOn) {
        assert.equal(await textOf(stream), "still here");
        await closed;
      }
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
      const { stream, closed } = spawned.process;
      stream.setEncoding("utf8");
      const next = async () => String((await once(stream, "data"))[0]);
      stream.write("one\n");
      assert.equal(await next(), "got one\n");
      stream.write("it's two\n");
      assert.equal(await next(), "got it's two\n");
      stream.end();
      await closed;
      assert.equal(spawned.process.stderr(), "bye\n");
    });

    it("tells that a spawned command ended by itself", async () => {
      const spawned = await opened.access.spawn(["true"]);
      assert.ok(spawned.kind === "spawned");
      spawned.process.stream.resume();
      await spawned.process.closed;
    });

    it("carries any amount to a spawned command and back, as fast as it is read", async () => {
      const spawned = await opened.access.spawn(["cat"]);
      assert.ok(spawned.kind === "spawned");
      const { stream, closed } = spawned.process;
      const sent = Buffer.alloc(9_000_000, "0123456789");
      stream.end(sent);
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      await closed;
      assert.ok(Buffer.concat(chunks).equals(sent), "what came back is what was sent");
    });

    it("dials a TCP port and a Unix socket of the host, and hears the answer after its own end", async () => {
      const { folder, remove } = await temporaryFolder();
      for (const where of [{ port: 0, host: "127.0.0.1" }, { path: `${folder}/s` }]) {
        const { server, target } = await listening(where);
        const dialled = await opened.access.dial(target);
        assert.ok(dialled.kind === "open", dialled.kind === "failed" ? dialled.reason : "");
        dialled.stream.end("question");
        assert.equal(await textOf(dialled.stream), "answer to question");
        server.close();
        await once(server, "close");
      }
      await remove();
    });

    it("says so when there is nobody to dial", async () => {
      const { server, target } = await listening({ port: 0, host: "127.0.0.1" });
      server.close();
      await once(server, "close");
      for (const to of [target, { socket: "/nonexistent/s" }]) {
        const dialled = await opened.access.dial(to);
        assert.ok(dialled.kind === "failed");
        assert.match(dialled.reason, "socket" in to ? /\/nonexistent\/s/ : new RegExp(String(to.port)));
      }
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

/** A server that answers once it was asked. */
async function listening(where: ListenOptions): Promise<{ readonly server: Server; readonly target: DialTarget }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    void textOf(socket).then((question) => socket.end(`answer to ${question}`));
  });
  server.listen(where);
  await once(server, "listening");
  const address = server.address() as AddressInfo | string;
  return { server, target: typeof address === "string" ? { socket: address } : address };
}

async function textOf(stream: Duplex): Promise<string> {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => (text += chunk));
  await once(stream, "end");
  return text;
}
