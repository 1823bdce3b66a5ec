import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import type { SpawnedProcess } from "../../src/executor/ports.ts";
import { SupervisorctlSession } from "../../src/supervisor/session.ts";

const NEVER_MS = 600_000;
const STATUS = "web:web_00                       RUNNING   pid 7, uptime 0:00:01\n";

const WANTS_PASSWORD = "Server requires authentication\nUsername:";

/**
 * A supervisorctl that answers commands as it is told, and everything that it says arrives in small pieces. Once it
 * has asked for a password, it takes everything for one.
 */
function talker(
  answers: Readonly<Record<string, string>>,
  { greeting = STATUS, prompt = "supervisor> " } = {},
): { readonly process: SpawnedProcess; readonly heard: string[]; readonly say: (text: string) => void } {
  const heard: string[] = [];
  let end = (): void => undefined;
  const closed = new Promise<void>((resolve) => (end = resolve));
  const say = (text: string) => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length && !stream.writableEnded; at += 3) stream.push(bytes.subarray(at, at + 3));
  };
  let asksForPassword = greeting.startsWith("Server requires");
  const hear = (line: string) => {
    heard.push(line);
    if (asksForPassword) return say("Password:");
    const answer = answers[line] ?? `*** Unknown syntax: ${line}\n`;
    asksForPassword = answer.startsWith("Server requires");
    say(asksForPassword ? answer : `${answer}${prompt}`);
  };
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _, done) {
      for (const line of chunk.toString().split("\n").slice(0, -1)) hear(line);
      done();
    },
    final(done) {
      stream.push(null);
      end();
      done();
    },
  });
  say(`${greeting}${prompt}`);
  return { process: { stream, closed, stderr: () => "" }, heard, say };
}

async function opened(process: SpawnedProcess): Promise<SupervisorctlSession> {
  const session = new SupervisorctlSession(process);
  const told = await session.open(NEVER_MS);
  assert.ok(told.kind === "answered", JSON.stringify(told));
  return session;
}

describe("a session with supervisorctl", () => {
  for (const [what, options] of [
    ["as it comes", {}],
    ["behind what a shell profile prints", { greeting: `Welcome é\nsupervisor> nothing here\nno line end${STATUS}` }],
    ["with a prompt of its own", { prompt: "prod [web] \u001b[1m$\u001b[0m " }],
  ] as const)
    it(`gives each command exactly its own answer: ${what}`, async () => {
      const { process } = talker({ status: STATUS, "tail x": "é\n\n", pid: "12\n", empty: "" }, options);
      const session = await opened(process);
      assert.deepEqual(
        await Promise.all(["status", "tail x", "pid", "empty"].map((command) => session.ask(command, NEVER_MS))),
        [STATUS, "é\n\n", "12\n", ""].map((value) => ({ kind: "answered", value })),
      );
      assert.equal(session.isOver, false);
      await session.close();
    });

  it("is not taken in by a log that holds its prompt and complaints of words of old", async () => {
    const before = talker({});
    await opened(before.process);
    const [first = "", second = ""] = before.heard;
    const log = `supervisor> *** Unknown syntax: ${second}\nsupervisor> *** Unknown syntax: ${first}\n*** Unknown syntax: _`;
    const session = await opened(talker({ "tail x": `${log}\n` }).process);
    assert.deepEqual(await session.ask("tail x", NEVER_MS), { kind: "answered", value: `${log}\n` });
  });

  it("uses no word twice, and none that could be guessed", async () => {
    const all: string[] = [];
    for (let time = 0; time < 3; time++) {
      const { process, heard } = talker({ status: STATUS });
      const session = await opened(process);
      await session.ask("status", NEVER_MS);
      all.push(...heard.filter((line) => line !== "status"));
    }
    assert.equal(new Set(all).size, 9);
    for (const word of all) assert.match(word, /^_[0-9a-f]{16}_\d+_$/);
  });

  for (const [what, unasked] of [
    ["says something that nobody asked for", "supervisord is restarting\n"],
    ["answers twice", `${STATUS}supervisor> `],
  ] as const)
    it(`is closed, and not believed any more, once it ${what}`, async () => {
      const { process, say } = talker({ status: STATUS });
      const session = await opened(process);
      say(unasked);
      assert.equal((await session.ask("status", NEVER_MS)).kind, "unanswered");
      assert.equal(session.isOver, true);
      assert.equal((await session.ask("status", NEVER_MS)).kind, "unanswered");
    });

  it("is not believed when what it says does not stand between its prompts", async () => {
    const { process, say } = talker({});
    const session = await opened(process);
    process.stream.write = (text: string) => {
      const [, mark] = text.split("\n");
      say(`${STATUS}*** Unknown syntax: ${mark}\n`);
      return true;
    };
    assert.equal((await session.ask("status", NEVER_MS)).kind, "unanswered");
    assert.equal(session.isOver, true);
  });

  it("is closed when an answer does not come in time", async () => {
    const { process } = talker({ status: STATUS });
    const session = await opened(process);
    process.stream.write = () => true;
    assert.equal((await session.ask("status", 1)).kind, "unanswered");
    assert.equal(session.isOver, true);
  });

  it("is not sent a question whose time went by before its turn, and stays good", async () => {
    const { process, heard } = talker({ status: STATUS, pid: "12\n" });
    const session = await opened(process);
    const write = process.stream.write.bind(process.stream);
    const written = new Promise<string>((resolve) => {
      process.stream.write = (text: string) => {
        process.stream.write = write;
        resolve(text);
        return true;
      };
    });
    const first = session.ask("status", NEVER_MS);
    const late = session.ask("pid", 0);
    write(await written);
    assert.deepEqual(await first, { kind: "answered", value: STATUS });
    assert.deepEqual(await late, {
      kind: "unanswered",
      reason: "the session with supervisorctl was busy with other questions",
      passing: true,
    });
    assert.ok(!heard.includes("pid"), heard.join(" "));
    assert.deepEqual(await session.ask("pid", NEVER_MS), { kind: "answered", value: "12\n" });
  });

  it("tells at once that a password is wanted, when it is opened and later", async () => {
    const early = talker({}, { greeting: WANTS_PASSWORD, prompt: "" });
    const refused = { kind: "unanswered", reason: "supervisord asks for a password", passing: false };
    assert.deepEqual(await new SupervisorctlSession(early.process).open(NEVER_MS), refused);
    const session = await opened(talker({ status: WANTS_PASSWORD }).process);
    assert.deepEqual(await session.ask("status", NEVER_MS), refused);
    assert.equal(session.isOver, true);
  });
});
