import assert from "node:assert/strict";
import type { HostProcess, ProcessesOutcome } from "../../src/domain/host-process.ts";
import { Leftovers, namesOf } from "../../src/rollout/leftovers.ts";

const OLD = 100;
const NEW = 200;

function process(pid: number, group: number, age_s: number): HostProcess {
  return { pid, parent: 1, group, session: 1, age_s, command: `command of ${pid}` };
}

/** The new process, ten seconds old. */
const successor = process(NEW, NEW, 10);

/** What is known after one look that showed these, sent at 1000 when the new process had just been proven. */
function after(...processes: readonly HostProcess[]): Leftovers {
  return asked({ kind: "seen", processes });
}

function asked(outcome: ProcessesOutcome, leftovers = new Leftovers("fail", [OLD])): Leftovers {
  leftovers.lookAgain(1000, NEW);
  const { query } = leftovers;
  assert.ok(query);
  assert.equal(leftovers.looked({ query, issuedAtMs: 1000 }, outcome), true);
  return leftovers;
}

function left(leftovers: Leftovers, sinceMs = 1000): readonly number[] | "unknown" {
  const remaining = leftovers.remaining(sinceMs);
  return remaining === "unknown" ? remaining : remaining.map(({ pid }) => pid);
}

describe("what an old instance has left behind", () => {
  it("are the processes of its process group, and of its session, that are older than the new process", () => {
    assert.deepEqual(left(after(successor, process(101, OLD, 3600), process(102, OLD, 3600))), [101, 102]);
    const ofSession = { ...process(103, 103, 3600), session: OLD };
    assert.deepEqual(left(after(successor, ofSession)), [103]);
    assert.deepEqual(left(after(successor)), []);
  });

  it("is not what another process has made that was given its number later", () => {
    // It is there itself, or was there and has ended: what it has started is younger than the new process.
    assert.deepEqual(left(after(successor, process(OLD, OLD, 3), process(101, OLD, 2))), []);
    assert.deepEqual(left(after(successor, process(101, OLD, 2))), []);
  });

  it("is the old process itself, where its supervisord was killed and another one has started the new process", () => {
    const { command } = successor;
    const orphan = { ...process(OLD, OLD, 3600), command };
    const started = { ...successor, parent: 50 };
    assert.deepEqual(left(after(started, orphan, process(101, OLD, 3600))), [OLD, 101]);
    // One that has its number by chance runs something else, or is another one's of the same supervisord.
    assert.deepEqual(left(after(started, process(OLD, OLD, 3600))), []);
    assert.deepEqual(left(after(started, { ...orphan, parent: 50 })), []);
  });

  it("is also what a leftover has started since then", () => {
    assert.deepEqual(left(after(successor, process(101, OLD, 3600), process(102, OLD, 1))), [101, 102]);
  });

  it("is gone for good once a look has shown none: nothing can join the group of a process that has ended", () => {
    const leftovers = after(successor);
    assert.equal(leftovers.areGone, true);
    leftovers.lookAgain(2000, NEW);
    assert.equal(leftovers.query, undefined);
  });

  it("has to be seen once more before it counts, since it may have ended by then", () => {
    const leftovers = after(successor, process(101, OLD, 3600));
    assert.equal(left(leftovers, 6000), "unknown");
    leftovers.lookAgain(6000, NEW);
    const { query } = leftovers;
    assert.ok(query);
    leftovers.looked({ query, issuedAtMs: 6000 }, { kind: "seen", processes: [successor] });
    assert.deepEqual(left(leftovers, 6000), []);
  });

  it("is unknown where the process table cannot be read, or does not show the new process", () => {
    const unread = asked({ kind: "unanswered", reason: "no route" });
    assert.equal(left(unread), "unknown");
    assert.equal(unread.whyUnknown, "no route");
    const blind = after(process(101, OLD, 3600));
    assert.equal(left(blind), "unknown");
    assert.match(blind.whyUnknown, /pid 200 is not in the process table/);
  });

  it("is found without the new process as well, once that has ended", () => {
    const blind = after(process(101, OLD, 3600));
    blind.newHasEnded(2000);
    assert.deepEqual(blind.query, { groups: [OLD], pids: [] });
    const look = { query: { groups: [OLD], pids: [NEW] }, issuedAtMs: 2000 };
    assert.equal(blind.looked(look, { kind: "seen", processes: [process(101, OLD, 3600)] }), true);
    assert.deepEqual(left(blind, 2000), [101]);
  });

  it("is looked for again when the look that comes back was sent before, or asked for something else", () => {
    const leftovers = new Leftovers("fail", [OLD]);
    leftovers.lookAgain(1000, NEW);
    const outcome = { kind: "seen", processes: [successor, process(101, OLD, 3600)] } as const;
    assert.equal(leftovers.looked({ query: { groups: [OLD], pids: [NEW] }, issuedAtMs: 999 }, outcome), false);
    assert.equal(leftovers.looked({ query: { groups: [7], pids: [NEW] }, issuedAtMs: 1000 }, outcome), false);
    assert.equal(leftovers.looked({ query: { groups: [OLD], pids: [] }, issuedAtMs: 1000 }, outcome), false);
    assert.deepEqual(leftovers.query, { groups: [OLD], pids: [NEW] });
  });

  it("is not asked for where there was no process before, or the plan ignores it", () => {
    for (const leftovers of [new Leftovers("fail", []), new Leftovers("ignore", [OLD])]) {
      leftovers.lookAgain(1000, NEW);
      assert.equal(leftovers.query, undefined);
      assert.deepEqual(left(leftovers), []);
    }
  });

  it("is named, and counted where there is much of it", () => {
    const all = [1, 2, 3, 4, 5, 6, 7].map((pid) => ({ pid, command: "sleep 60" }));
    assert.equal(namesOf(all.slice(0, 1)), "pid 1 (sleep 60)");
    assert.match(namesOf(all), /^pid 1 \(sleep 60\), .*pid 5 \(sleep 60\) and 2 more$/);
  });
});
