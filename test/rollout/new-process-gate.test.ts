import assert from "node:assert/strict";
import type { InstanceName } from "../../src/domain/ids.ts";
import type { KnownHistory, PastProcess } from "../../src/domain/process-history.ts";
import type { ProcessSnapshot, ProcessState } from "../../src/domain/process-state.ts";
import type { Timings } from "../../src/domain/rollout.ts";
import { NewProcessGate } from "../../src/rollout/new-process-gate.ts";

const timings: Timings = {
  between_checks_ms: 5000,
  between_restarts_ms: 10_000,
  between_batches_ms: 0,
  min_healthy_time_ms: 5000,
  stop_deadline_ms: 300_000,
  healthy_deadline_ms: 120_000,
  command_timeout_ms: 60_000,
  progress_deadline_ms: 600_000,
};
const OLD_PID = 100;
const NEW_PID = 200;

function running(pid: number, uptime_s = 0): ProcessSnapshot {
  return { instance: "web:web_00" as InstanceName, state: "RUNNING", pid, uptime_s };
}

function inState(state: ProcessState): ProcessSnapshot {
  return { instance: "web:web_00" as InstanceName, state };
}

/** A gate whose restart was sent at 0 and returned at 1000. */
function returnedGate(own: Partial<Timings> = {}, previousPid: number | undefined = OLD_PID): NewProcessGate {
  const gate = new NewProcessGate({ ...timings, ...own }, previousPid, 0);
  gate.commandReturned("web:web_00: started", 1000);
  return gate;
}

/** What the gate says of a look that was sent and answered at `atMs`. */
function look(gate: NewProcessGate, snapshot: ProcessSnapshot | undefined, atMs: number) {
  const verdict = gate.observe(snapshot, atMs, atMs);
  return verdict.kind === "failed" ? verdict.code : verdict.kind;
}

describe("the gate that a restarted instance has to pass", () => {
  it("opens when a new pid stays RUNNING for min_healthy_time, and not before", () => {
    const gate = returnedGate();
    assert.equal(look(gate, running(NEW_PID, 1), 1000), "wait");
    assert.equal(look(gate, running(NEW_PID, 5), 5999), "wait");
    assert.deepEqual(gate.observe(running(NEW_PID, 6), 6000, 6100), { kind: "healthy", pid: NEW_PID });
  });

  it("counts only the time that is certain: from the first answer to the sending of the last question", () => {
    const gate = returnedGate();
    assert.equal(gate.observe(running(NEW_PID), 1000, 1400).kind, "wait");
    assert.equal(gate.observe(running(NEW_PID, 5), 6000, 6600).kind, "wait");
    assert.equal(gate.observe(running(NEW_PID, 5), 6400, 6600).kind, "healthy");
  });

  it("opens at the first look where min_healthy_time is 0", () => {
    assert.equal(look(returnedGate({ min_healthy_time_ms: 0 }), running(NEW_PID), 1000), "healthy");
  });

  it("takes the old pid for a restart that did not happen", () => {
    assert.equal(look(returnedGate(), running(OLD_PID, 999), 1000), "not_restarted");
  });

  it("notices a program that dies after RUNNING by its pid", () => {
    const gate = returnedGate();
    look(gate, running(NEW_PID, 1), 1000);
    assert.equal(look(gate, running(NEW_PID + 1, 1), 6000), "flapping");
  });

  it("says for how long it was RUNNING at most: by how long it is known, and its age when it was found", () => {
    const gate = returnedGate({ min_healthy_time_ms: 60_000 });
    for (const [second, uptime] of [
      [1, 1],
      [11, 11],
      [21, 21],
      [31, 31],
    ] as const)
      look(gate, running(NEW_PID, uptime), second * 1000);
    const verdict = gate.observe(running(NEW_PID + 1, 1), 31_000, 31_000);
    assert.match("reason" in verdict ? verdict.reason : "", /^it was RUNNING on pid \d+ for at most 31s, then/);
  });

  it("notices it by its uptime when the kernel gave the same pid again", () => {
    const gate = returnedGate();
    look(gate, running(NEW_PID, 4), 1000);
    assert.equal(look(gate, running(NEW_PID, 1), 6000), "flapping");
  });

  it("does not take a clock of the host that is set back for another process", () => {
    const gate = returnedGate({ min_healthy_time_ms: 20_000 });
    look(gate, running(NEW_PID, 3600), 1000);
    assert.equal(look(gate, running(NEW_PID, 5), 6000), "wait");
    // Whole seconds: of the 5 s between two looks as little as 4 s may be shown.
    assert.equal(look(gate, running(NEW_PID, 4), 11_000), "wait");
    assert.equal(look(gate, running(NEW_PID, 9), 16_000), "wait");
    assert.equal(look(gate, running(NEW_PID, 14), 21_000), "healthy");
  });

  it("does not do so where the clock is set back to before the start of the process: Supervisor then says 0", () => {
    const gate = returnedGate({ min_healthy_time_ms: 10_000 });
    look(gate, running(NEW_PID, 2), 1000);
    assert.equal(look(gate, running(NEW_PID, 0), 6000), "wait");
    assert.equal(look(gate, running(NEW_PID, 0), 11_000), "healthy");
  });

  it("never takes RUNNING on pid 0 for healthy: that is not a process", () => {
    assert.equal(look(returnedGate({ min_healthy_time_ms: 0 }), running(0, 99), 1000), "unknown_state");
    assert.equal(look(returnedGate({ min_healthy_time_ms: 0 }, 0), running(0, 99), 1000), "unknown_state");
  });

  for (const state of ["STARTING", "BACKOFF"] as const) {
    it(`notices it when it is ${state} again`, () => {
      const gate = returnedGate();
      look(gate, running(NEW_PID, 1), 1000);
      assert.equal(look(gate, inState(state), 3000), "flapping");
    });

    it(`waits for ${state} to become RUNNING until healthy_deadline`, () => {
      const gate = returnedGate();
      assert.equal(look(gate, inState(state), 1000), "wait");
      assert.equal(look(gate, inState(state), 120_999), "wait");
      // In BACKOFF it has died: that is more than slow.
      assert.equal(look(gate, inState(state), 121_000), state === "BACKOFF" ? "flapping" : "healthy_deadline");
    });
  }

  it("says of a program that dies at each start how it died, and how often, instead of calling it slow", () => {
    const ended = (pid: number): PastProcess => ({ pid, start: `${pid}`, end: "unexpected", how: "exit status 3" });
    const old: PastProcess = { pid: OLD_PID, start: "old", end: "stopped", how: "terminated by SIGTERM" };
    const history: KnownHistory = { kind: "read", processes: [old, ...[200, 201, 202].map(ended)] };
    const gate = returnedGate();
    const backoff = { ...inState("BACKOFF"), description: "Exited too quickly" };
    assert.equal(gate.needsHistory(backoff, 2000), true);
    assert.equal(look(gate, { ...backoff, history }, 2000), "wait");
    assert.equal(look(gate, inState("STARTING"), 120_000), "wait");
    const verdict = gate.verdictByTime(121_000);
    assert.ok(verdict.kind === "failed" && verdict.code === "flapping");
    assert.match(
      verdict.reason,
      /^it died at each start \(exit status 3\), 3 times, still so at healthy_deadline \(2m\): it is STARTING/,
    );
  });

  for (const [state, code] of [
    ["FATAL", "fatal"],
    ["STOPPED", "stayed_stopped"],
    ["UNKNOWN", "unknown_state"],
    ["EXITED", "exited"],
  ] as const)
    it(`fails at once for ${state}`, () => {
      assert.equal(look(returnedGate(), inState(state), 1000), code);
    });

  it("fails at once for a name that Supervisor does not list any more", () => {
    assert.equal(look(returnedGate(), undefined, 1000), "vanished");
  });

  it("judges nothing but deadlines before the command has returned: a healthy restart is STOPPED for a moment", () => {
    const gate = new NewProcessGate(timings, OLD_PID, 0);
    for (const snapshot of [
      running(OLD_PID),
      inState("STOPPING"),
      inState("STOPPED"),
      inState("STARTING"),
      running(NEW_PID),
    ])
      assert.equal(look(gate, snapshot, 500), "wait");
  });

  it("judges nothing by a look that was sent before the command returned", () => {
    const gate = returnedGate();
    assert.equal(gate.observe(inState("STOPPED"), 999, 1200).kind, "wait");
  });

  it("gives a stop until stop_deadline and then a start until healthy_deadline, also while the command is still out", () => {
    const gate = new NewProcessGate(timings, OLD_PID, 0);
    assert.equal(look(gate, inState("STOPPING"), 299_999), "wait");
    assert.equal(look(gate, inState("STARTING"), 299_999), "wait");
    assert.equal(look(gate, inState("STARTING"), 299_999 + 119_999), "wait");
    assert.equal(look(gate, inState("STARTING"), 299_999 + 120_000), "healthy_deadline");
    assert.equal(look(new NewProcessGate(timings, OLD_PID, 0), inState("STOPPING"), 300_000), "stop_deadline");
  });

  it("takes neither the old pid nor STOPPED for the result of a restart whose channel was lost", () => {
    const gate = new NewProcessGate(timings, OLD_PID, 0);
    gate.commandLost("connection lost", 1000);
    assert.equal(look(gate, running(OLD_PID, 99), 2000), "wait");
    assert.equal(look(gate, inState("STOPPED"), 3000), "wait");
    assert.equal(look(gate, running(NEW_PID), 4000), "wait");
    assert.equal(look(gate, running(NEW_PID, 5), 9000), "healthy");
  });

  it("calls it indeterminate when nothing could be seen until the deadline", () => {
    const lost = new NewProcessGate(timings, OLD_PID, 0);
    lost.commandLost("connection lost", 1000);
    const verdict = lost.verdictByTime(300_000);
    assert.equal(verdict.kind === "failed" && verdict.code, "indeterminate");
    const unseen = returnedGate().verdictByTime(121_000);
    assert.equal(unseen.kind === "failed" && unseen.code, "indeterminate");
  });

  describe("where processes may end with an exit that Supervisor expects", () => {
    const expected = (pid: number) =>
      ({ pid, start: `start of ${pid}`, end: "expected", how: "exit status 0" }) as const;
    const runs = (pid: number) => ({ pid, start: `start of ${pid}` });
    const log = (...processes: readonly PastProcess[]): { history: KnownHistory } => ({
      history: { kind: "read", processes },
    });

    function acceptingGate(own: Partial<Timings> = {}): NewProcessGate {
      const gate = new NewProcessGate({ ...timings, ...own }, OLD_PID, 0, { mayExit: true, mayComplete: false });
      gate.commandReturned("web:web_00: started", 1000);
      return gate;
    }

    it("waits for the next process, which has to live for min_healthy_time itself", () => {
      const gate = acceptingGate();
      look(gate, running(NEW_PID, 1), 1000);
      assert.equal(gate.needsHistory(inState("STARTING"), 4000), true);
      assert.equal(look(gate, { ...inState("STARTING"), ...log(expected(NEW_PID), runs(300)) }, 4000), "wait");
      assert.equal(look(gate, { ...running(300), ...log(expected(NEW_PID), runs(300)) }, 5000), "wait");
      assert.equal(look(gate, running(300, 4), 9999), "wait");
      assert.deepEqual(gate.observe(running(300, 5), 10_000, 10_000), { kind: "healthy", pid: 300 });
    });

    it("fails what ends before min_healthy_time twice in a row, however expected", () => {
      const gate = acceptingGate();
      look(gate, running(NEW_PID, 1), 1000);
      look(gate, { ...running(300), ...log(expected(NEW_PID), runs(300)) }, 3000);
      const verdict = gate.observe(
        { ...running(301), ...log(expected(NEW_PID), expected(300), runs(301)) },
        5000,
        5000,
      );
      assert.ok(verdict.kind === "failed");
      assert.equal(verdict.code, "flapping");
      assert.match(verdict.reason, /2 of its processes in a row have ended \(exit status 0\) before min_healthy_time$/);
    });

    it("fails what has ended otherwise, and what nothing is known of", () => {
      const crashed = { pid: NEW_PID, start: "start", end: "unexpected", how: "exit status 1" } as const;
      const stopped = { pid: NEW_PID, start: "start", end: "stopped", how: "terminated by SIGTERM" } as const;
      const unread: { history: KnownHistory } = { history: { kind: "unread", reason: "no log file" } };
      for (const [history, why] of [
        [log(crashed, runs(300)), /did not exit as expected: exit status 1$/],
        [log(stopped, runs(300)), /did not exit as expected: it was stopped$/],
        [log(crashed, expected(299), runs(300)), /exit status 1$/],
        [log(runs(300)), /does not contain the start and end of pid 200$/],
        [unread, /supervisord's log does not say how it ended: no log file$/],
      ] as const) {
        const gate = acceptingGate();
        look(gate, running(NEW_PID, 1), 1000);
        const verdict = gate.observe({ ...running(300), ...history }, 4000, 4000);
        assert.ok(verdict.kind === "failed" && verdict.code === "flapping");
        assert.match(verdict.reason, why);
      }
    });

    it("does not take an end for that of its process whose start the log, which may have been rotated, does not have", () => {
      const gate = acceptingGate();
      look(gate, running(NEW_PID, 1), 1000);
      const rotated = log({ end: "expected", how: "exit status 0" }, runs(300));
      assert.equal(look(gate, { ...running(300), ...rotated }, 4000), "flapping");
    });

    it("waits for another look where the host is lost before it could say how a process ended", () => {
      const lost: { history: KnownHistory } = { history: { kind: "lost", reason: "no route" } };
      const gate = acceptingGate();
      look(gate, running(NEW_PID, 1), 1000);
      assert.equal(look(gate, { ...running(300), ...lost }, 4000), "wait");
      assert.equal(look(gate, { ...running(300), ...log(expected(NEW_PID), runs(300)) }, 4100), "wait");
      assert.equal(look(gate, running(300, 5), 9100), "healthy");
      const strict = returnedGate();
      look(strict, running(NEW_PID, 1), 1000);
      assert.equal(look(strict, { ...running(300), ...lost }, 4000), "flapping");
    });

    it("fails what stays EXITED, since it is not started again", () => {
      const gate = acceptingGate();
      look(gate, running(NEW_PID, 1), 1000);
      assert.equal(look(gate, { ...inState("EXITED"), ...log(expected(NEW_PID)) }, 4000), "exited");
    });

    it("says that Supervisor expects the exit where the plan does not accept it", () => {
      const gate = returnedGate();
      look(gate, running(NEW_PID, 1), 1000);
      const verdict = gate.observe({ ...running(300), ...log(expected(NEW_PID), runs(300)) }, 4000, 4000);
      assert.ok(verdict.kind === "failed" && verdict.code === "flapping");
      assert.equal(verdict.expectedExit, "exit status 0");
    });

    it("decides by the log whether a process that seems too young is another one, or the clock was set back", () => {
      for (const [history, verdict] of [
        [log(runs(NEW_PID)), "wait"],
        [log(expected(NEW_PID), runs(NEW_PID)), "flapping"],
      ] as const) {
        const gate = returnedGate();
        look(gate, running(NEW_PID, 4), 1000);
        assert.equal(gate.needsHistory(running(NEW_PID, 1), 6000), true);
        assert.equal(look(gate, { ...running(NEW_PID, 1), ...history }, 5900), verdict);
      }
    });
  });

  describe("where an instance had ended before, and is run again", () => {
    const ended = { pid: NEW_PID, start: "start of now", end: "expected", how: "exit status 0" } as const;
    const exited = (...processes: readonly PastProcess[]): ProcessSnapshot => {
      return { ...inState("EXITED"), history: { kind: "read", processes } };
    };

    function oneShotGate(startBefore?: string): NewProcessGate {
      const rules = { mayExit: false, mayComplete: true, ...(startBefore !== undefined && { startBefore }) };
      const gate = new NewProcessGate(timings, undefined, 0, rules);
      gate.commandReturned("migrate: started", 1000);
      return gate;
    }

    it("has completed once it has ended as expected, after a start of its own", () => {
      const gate = oneShotGate("start of before");
      assert.equal(gate.needsHistory(inState("EXITED"), 1000), true);
      assert.equal(look(gate, exited(ended), 1100), "completed");
      assert.equal(look(oneShotGate(""), exited(ended), 1100), "completed");
    });

    it("has failed where the end that the log has is of before, was not expected, or cannot be read", () => {
      const unread: ProcessSnapshot = { ...inState("EXITED"), history: { kind: "unread", reason: "no log file" } };
      for (const [snapshot, why] of [
        [exited({ ...ended, start: "start of before" }), /no start of it since its restart: it may have been rotated$/],
        [exited({ ...ended, end: "unexpected", how: "exit status 1" }), /calls its end unexpected: exit status 1$/],
        [unread, /does not say how it ended: no log file$/],
      ] as const) {
        const gate = oneShotGate("start of before");
        const verdict = gate.observe(snapshot, 1100, 1100);
        assert.ok(verdict.kind === "failed" && verdict.code === "exited");
        assert.match(verdict.reason, why);
      }
    });
  });

  it("asks for the next look at most between_checks later, and exactly when the soak is over", () => {
    const soaking = (min_healthy_time_ms: number) =>
      returnedGate({ min_healthy_time_ms }).observe(running(NEW_PID), 1000, 1000);
    assert.deepEqual(soaking(3000), { kind: "wait", lookAtMs: 4000 });
    assert.deepEqual(soaking(8000), { kind: "wait", lookAtMs: 6000 });
  });

  it("looks sooner than between_checks while a start is awaited, and less and less often", () => {
    assert.deepEqual(returnedGate().observe(inState("STARTING"), 1000, 1000), { kind: "wait", lookAtMs: 1250 });
    assert.deepEqual(returnedGate().observe(inState("STARTING"), 3000, 3000), { kind: "wait", lookAtMs: 5000 });
    assert.deepEqual(returnedGate().observe(inState("BACKOFF"), 60_000, 60_000), { kind: "wait", lookAtMs: 65_000 });
  });
});
