import assert from "node:assert/strict";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { LookOutcome } from "../../src/domain/outcomes.ts";
import type { ProcessSnapshot, ProcessState } from "../../src/domain/process-state.ts";
import { Evidence } from "../../src/rollout/evidence.ts";
import type { Command } from "../../src/rollout/messages.ts";

const HOST = "host-1" as HostName;
const WORKER = "worker:0" as InstanceName;

function look(state: ProcessState, pid?: number): LookOutcome {
  return { kind: "seen", snapshots: [{ instance: WORKER, state, ...(pid !== undefined && { pid }) }] };
}

function evidence(needsHistory = false) {
  const issued: Command["type"][] = [];
  return {
    issued,
    it: new Evidence(
      ({ type }) => issued.push(type),
      () => needsHistory,
    ),
  };
}

describe("a look that cannot be judged yet", () => {
  it("is followed by another where it shows EXITED: Supervisor answers before it starts again what has ended", () => {
    const { issued, it: looks } = evidence();
    assert.equal(looks.looked(HOST, look("EXITED")), undefined);
    assert.deepEqual(issued, ["look"]);
    const running = look("RUNNING", 7);
    assert.equal(looks.looked(HOST, running), running);
    // It has ended once more.
    assert.equal(looks.looked(HOST, look("EXITED")), undefined);
  });

  it("is believed once another shows EXITED, too, and then at once", () => {
    const { issued, it: looks } = evidence();
    looks.looked(HOST, look("EXITED"));
    const exited = look("EXITED");
    assert.equal(looks.looked(HOST, exited), exited);
    assert.equal(looks.looked(HOST, exited), exited);
    assert.deepEqual(issued, ["look"]);
  });

  it("waits for supervisord's log where only that shows what has become of a process", () => {
    const { issued, it: looks } = evidence(true);
    assert.equal(looks.looked(HOST, look("RUNNING", 7)), undefined);
    assert.deepEqual(issued, ["read_history"]);
    const history = { kind: "read", processes: [{ pid: 7, start: "then" }] } as const;
    const judged = looks.historyRead(HOST, new Map([[WORKER, history]]));
    const expected: ProcessSnapshot = { instance: WORKER, state: "RUNNING", pid: 7, history };
    assert.deepEqual(judged, { kind: "seen", snapshots: [expected] });
  });

  it("is none where the host could not be looked at", () => {
    const { issued, it: looks } = evidence(true);
    const lost = { kind: "unreachable", reason: "no route" } as const;
    assert.equal(looks.looked(HOST, lost), lost);
    assert.deepEqual(issued, []);
  });
});
