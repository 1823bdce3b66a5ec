import assert from "node:assert/strict";
import { locking } from "./locking.ts";
import type { Change } from "../../src/domain/action.ts";
import type { InstanceName, ProgramName } from "../../src/domain/ids.ts";
import type { LockLost } from "../../src/domain/outcomes.ts";
import type { RunOutcome } from "../../src/executor/ports.ts";
import { supervisorctlChanges } from "../../src/supervisor/changes.ts";

const PLAIN = { command: "supervisorctl", sudo: false };
const WEB = "web:web_00" as InstanceName;

/** Sends a change under a lock whose command ends like that. */
async function send(change: Change, outcome: RunOutcome | LockLost = exited("")) {
  const { lock, asked } = locking(outcome);
  return { outcome: await supervisorctlChanges(lock, PLAIN).change(change), asked };
}

function exited(stdout: string, code = 0): RunOutcome {
  return { kind: "exited", code, stdout, stderr: "" };
}

const signal = (named = "HUP", instance = WEB): Change => ({ action: "signal", signal: named, instance });
const update = (group: string): Change => ({ action: "update", group: group as ProgramName });

describe("a change", () => {
  for (const [change, words] of [
    [{ action: "stop", instance: WEB }, "stop web:web_00"],
    [{ action: "stop", instance: "all" as InstanceName }, "stop all:all"],
    [signal(), "signal HUP web:web_00"],
    [signal("RTMIN+1"), "signal RTMIN+1 web:web_00"],
    [signal("HUP", "all" as InstanceName), "signal HUP all:all"],
    [update("web"), "update web"],
  ] satisfies [Change, string][])
    it(`is sent as \`${words}\`, without a bound and not by halves`, async () => {
      const { asked } = await send(change);
      assert.deepEqual(asked, [{ argv: ["supervisorctl", ...words.split(" ")], options: { inSession: words } }]);
    });

  for (const group of ["all", "", " ", "web worker", "all ", "a\nstop all", "a\u001bb", "a\0b"])
    it(`is never an update of ${JSON.stringify(group)}, which would be another one`, async () => {
      const { outcome, asked } = await send(update(group));
      assert.equal(outcome.kind, "not_sent");
      assert.deepEqual(asked, []);
    });

  for (const named of ["", "HUP all", "HUP\nstop all", "$(reboot)", "A".repeat(13)])
    it(`is never a signal that is called ${JSON.stringify(named)}`, async () => {
      const { outcome, asked } = await send(signal(named));
      assert.equal(outcome.kind, "not_sent");
      assert.deepEqual(asked, []);
    });

  it("was signalled where supervisorctl says so, and refused where it says anything else", async () => {
    const said = async (stdout: string) => (await send(signal(), exited(stdout))).outcome;
    assert.deepEqual(await said("web:web_00: signalled\n"), { kind: "returned", said: "web:web_00: signalled" });
    for (const stdout of [
      "web:web_00: ERROR (not running)\n",
      "web:web_00: ERROR (bad signal name)\n",
      "web:web_00: ERROR (no such process)\n",
      "*** Unknown syntax: signal HUP web:web_00\n",
      "",
    ])
      assert.deepEqual(await said(stdout), {
        kind: "returned",
        said: stdout.trim(),
        isRefused: true,
      });
  });

  it("that was not sent, or of which nobody knows, is no refusal", async () => {
    const lost: RunOutcome = { kind: "indeterminate", reason: "lost" };
    assert.deepEqual((await send(signal(), lost)).outcome, lost);
    assert.equal((await send(signal(), { kind: "unreachable", reason: "no route" })).outcome.kind, "not_sent");
    assert.equal((await send(signal(), { kind: "timed_out", afterMs: 1 })).outcome.kind, "indeterminate");
  });

  it("of another kind is never judged by what supervisorctl says", async () => {
    const { outcome } = await send({ action: "stop", instance: WEB }, exited("web:web_00: ERROR (not running)\n", 7));
    assert.deepEqual(outcome, { kind: "returned", said: "web:web_00: ERROR (not running)" });
  });
});
