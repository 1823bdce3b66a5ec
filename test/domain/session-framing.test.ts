import assert from "node:assert/strict";
import { SessionFraming, type SessionReply } from "../../src/domain/session-framing.ts";

const PROMPT = "supervisor> ";

/** As supervisorctl prints for these lines, if it gives each command this answer. */
function printedFor(lines: string, answer = ""): string {
  return lines
    .split("\n")
    .slice(0, -1)
    .map((line) => `${line.startsWith("_") ? `*** Unknown syntax: ${line}\n` : answer}${PROMPT}`)
    .join("");
}

function opened(nonce: string): SessionFraming {
  const framing = new SessionFraming(nonce);
  assert.deepEqual(framing.read(`web RUNNING\n${PROMPT}${printedFor(framing.open())}`), { kind: "answered", text: "" });
  return framing;
}

/** All that it says while it is given this, one character after the other. */
function repliesTo(framing: SessionFraming, output: string): SessionReply[] {
  return Array.from(output).flatMap((character) => framing.read(character) ?? []);
}

describe("the framing of a session with supervisorctl", () => {
  it("cannot be ended by the output of a program that imitates the end of an answer", () => {
    // A program logs prompts, and complaints about all marks that it has seen elsewhere or can count up to.
    const elsewhere = new SessionFraming("0123abcd").open().split("\n");
    const countedUpTo = Array.from({ length: 20 }, (_, mark) => [`_mark${mark}_`, `_${mark}_`, `__${mark}_`]).flat();
    const log = [...elsewhere, ...countedUpTo, ""].map((mark) => `${PROMPT}*** Unknown syntax: ${mark}\n`).join("");
    const framing = opened("89ef4567");
    for (const command of ["tail web", "restart web:web"]) {
      const output = printedFor(framing.ask(command), log);
      assert.deepEqual(repliesTo(framing, output), [{ kind: "answered", text: log }]);
    }
  });

  it("is lost if the complaint about its mark does not stand between two prompts: another user has read the mark", () => {
    const framing = opened("a1");
    const [, mark = ""] = framing.ask("tail web").split("\n");
    const reply = framing.read(`${PROMPT}start of a log *** Unknown syntax: ${mark}\nrest of the log\n`);
    assert.deepEqual(reply, { kind: "lost", reason: "the session with supervisorctl has lost its step" });
    assert.equal(framing.isIdle, false);
    assert.throws(() => framing.ask("status"));
  });

  it("is lost, between questions as well, once something comes that was not asked for", () => {
    const framing = opened("a1");
    assert.equal(framing.isIdle, true);
    assert.equal(framing.read("web: started\n")?.kind, "lost");
    assert.equal(framing.read(PROMPT), undefined);
  });

  it("is lost as soon as a name and a password are asked for, also half-way through an answer", () => {
    const framing = opened("a1");
    framing.ask("restart web:web");
    assert.deepEqual(repliesTo(framing, `${PROMPT}web: stopped\nServer requires authentication\nUsername:Password:`), [
      { kind: "lost", reason: "supervisord asks for a password" },
    ]);
  });
});
