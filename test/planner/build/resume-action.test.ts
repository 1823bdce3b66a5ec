import assert from "node:assert/strict";
import type { EventOf, RolloutEvent } from "../../../src/domain/events.ts";
import type { InstanceFailureCode } from "../../../src/domain/failures.ts";
import type { HostName, InstanceName } from "../../../src/domain/ids.ts";
import type { KnownHistory, ProcessEnd } from "../../../src/domain/process-history.ts";
import type { ProcessSnapshot, ProcessState } from "../../../src/domain/process-state.ts";
import { readResumedRollout } from "../../../src/planner/build/resumed.ts";
import { resumeAction, type MayEnd, type ResumeAction } from "../../../src/planner/build/resume-action.ts";
import { failed, healthy, indeterminate, observed, planned, restarting } from "../../views/rollout-script.ts";

const HOST = "web-01" as HostName;
const INSTANCE = "web:web_00" as InstanceName;
/** Before its restart, and of the process that was started by it. */
const OLD = 100;
const NEW = 200;

const rollout = planned({ waves: [{ group: "web", hosts: [HOST], hostsAtOnce: 1 }], instances: [INSTANCE] });
const restart = restarting(HOST, INSTANCE, OLD);
const proven = healthy(HOST, INSTANCE, 7, NEW);

function failure(code: InstanceFailureCode, state?: ProcessState): RolloutEvent {
  return { ...failed(HOST, INSTANCE, code, "why"), ...(state && { state }) };
}

function seen(state: ProcessState): RolloutEvent {
  return observed(HOST, INSTANCE, state, state === "RUNNING" ? NEW : undefined);
}

/** What a resume does with the instance after these events, when it is found so. */
function actionAfter(events: readonly RolloutEvent[], state: ProcessState, pid?: number, plan = rollout): string {
  const outcome = readResumedRollout([plan, restart, ...events])
    ?.outcomes.get(HOST)
    ?.get(INSTANCE);
  assert.ok(outcome);
  const now: ProcessSnapshot = { instance: INSTANCE, state, ...(pid !== undefined && { pid }) };
  return resumeAction(outcome, now, { mayExit: false, mayComplete: false, history: undefined }).action;
}

describe("what a resume does with an instance whose restart was sent", () => {
  it("restarts what failed again, though it runs on another pid than before its restart: it may be fixed by now", () => {
    for (const code of ["check_failed", "check_timed_out", "healthy_deadline", "not_restarted"] as const)
      assert.equal(actionAfter([failure(code, "RUNNING")], "RUNNING", NEW), "restart", code);
    assert.equal(actionAfter([proven, failure("hook_failed", "RUNNING")], "RUNNING", NEW), "restart");
  });

  it("restarts what runs, dies and runs again, whatever it is seen as", () => {
    for (const code of ["flapping", "regressed"] as const)
      for (const seen of ["RUNNING", "STARTING", "BACKOFF"] as const)
        for (const now of ["RUNNING", "STARTING", "BACKOFF", "EXITED"] as const)
          assert.equal(actionAfter([proven, failure(code, seen)], now, 300), "restart", `${code} ${seen} ${now}`);
  });

  it("only checks what was down when it failed and runs now: the operator has started it", () => {
    for (const [code, state] of [
      ["fatal", "FATAL"],
      ["exited", "EXITED"],
      ["stayed_stopped", "STOPPED"],
      ["unknown_state", "UNKNOWN"],
      ["vanished", undefined],
      ["supervisor_ended", undefined],
      ["supervisor_restarted", "STOPPED"],
    ] as const) {
      assert.equal(actionAfter([failure(code, state)], "RUNNING", NEW), "gate", code);
      assert.equal(actionAfter([failure(code, state)], "FATAL"), "restart", code);
      assert.equal(actionAfter([failure(code, state)], "STOPPED"), "start", code);
    }
    for (const state of ["EXITED", "FATAL", "STOPPED"] as const)
      assert.equal(actionAfter([proven, failure("regressed", state)], "RUNNING", 300), "gate", state);
  });

  it("only checks a slow restart that has completed by itself since, and restarts one that has not", () => {
    for (const [code, state] of [
      ["healthy_deadline", "STARTING"],
      ["healthy_deadline", "BACKOFF"],
      ["stop_deadline", "STOPPING"],
      ["stop_deadline", "RUNNING"],
    ] as const) {
      assert.equal(actionAfter([failure(code, state)], "RUNNING", NEW), "gate", `${code} ${state}`);
      assert.equal(actionAfter([failure(code, state)], "STARTING"), "restart", `${code} ${state}`);
      assert.equal(actionAfter([failure(code, state)], "RUNNING", OLD), "restart", `${code} ${state}`);
    }
  });

  it("only checks what went down with its supervisord and runs now: its supervisord or the operator started it", () => {
    // A listener may end supervisord at every restart: to restart it again would never end.
    assert.equal(actionAfter([failure("supervisor_ended")], "RUNNING", NEW), "gate");
    assert.equal(actionAfter([failure("supervisor_ended")], "FATAL"), "restart");
    assert.equal(actionAfter([failure("supervisor_ended")], "STOPPED"), "start");
  });

  it("checks an unknown instance first, unless its process is still the one before the restart", () => {
    for (const events of [[], [indeterminate(HOST, INSTANCE, "lost")], [failure("indeterminate", "RUNNING")]]) {
      assert.equal(actionAfter(events, "RUNNING", NEW), "gate");
      assert.equal(actionAfter(events, "STARTING"), "gate");
      assert.equal(actionAfter(events, "RUNNING", OLD), "restart");
      assert.equal(actionAfter(events, "FATAL"), "restart");
      assert.equal(actionAfter(events, "STOPPED"), "start");
    }
  });

  it("takes the state at the failure from the looks before it, where a journal of 0.1 does not say it", () => {
    assert.equal(actionAfter([seen("STARTING"), failure("healthy_deadline")], "RUNNING", NEW), "gate");
    assert.equal(actionAfter([seen("RUNNING"), failure("healthy_deadline")], "RUNNING", NEW), "restart");
    assert.equal(actionAfter([failure("fatal")], "RUNNING", NEW), "gate");
    // Not said anywhere: rather once more than never.
    assert.equal(actionAfter([proven, failure("regressed")], "RUNNING", 300), "restart");
  });

  it("leaves alone what was healthy and runs", () => {
    assert.equal(actionAfter([proven], "RUNNING", NEW), "nothing");
    assert.equal(actionAfter([proven], "EXITED"), "restart");
  });

  it("checks what was healthy, and runs its after_healthy hook, where nobody saw that succeed", () => {
    const hook = { command: "true", run: "host" } as const;
    const waves = rollout.waves.map((wave) => ({
      ...wave,
      batches: wave.batches.map((batch) => ({
        ...batch,
        hosts: batch.hosts.map((work) => ({ ...work, hooks: { after_healthy: hook } })),
      })),
    }));
    const id = { host: HOST, program: rollout.waves[0]!.programs[0] as never, instance: INSTANCE };
    const started: RolloutEvent = { type: "hook.started", hook: "after_healthy", ...id, ms: 1000 };
    const drained: RolloutEvent = { ...started, hook: "before_restart" };
    const succeeded: RolloutEvent = { type: "hook.finished", hook: "after_healthy", ...id, succeeded: true };
    const failing = failure("hook_failed", "RUNNING");
    for (const [expected, events] of [
      ["gate", [proven, started]],
      ["restart", [proven, started, failing]],
      // The operator's "retry", and how its success is reported.
      ["gate", [proven, started, failing, started]],
      ["nothing", [proven, started, failing, started, succeeded, proven]],
      ["nothing", [proven, started, succeeded]],
      // A resume takes it out of service, comes no further, and puts it back.
      ["restart", [proven, started, failing, drained, started, succeeded]],
    ] as const)
      assert.equal(actionAfter(events, "RUNNING", NEW, { ...rollout, waves }), expected);
  });
});

describe("what a resume does with what may end by design", () => {
  const STARTED = "start of before";
  const run = { ...restart, previous_start: STARTED } as RolloutEvent;
  const ended = (start: string, end: ProcessEnd): KnownHistory => {
    return { kind: "read", processes: [{ pid: NEW, start, end, how: "exit status" }] };
  };
  const settled = (events: readonly RolloutEvent[], state: ProcessState, mayEnd: Partial<MayEnd>) => {
    const outcome = readResumedRollout([rollout, run, ...events])
      ?.outcomes.get(HOST)
      ?.get(INSTANCE);
    assert.ok(outcome);
    return resumeAction(
      outcome,
      { instance: INSTANCE, state },
      { mayExit: false, mayComplete: false, history: undefined, ...mayEnd },
    );
  };
  const completed = { ...healthy(HOST, INSTANCE, 7, NEW), completed: true, pid: undefined } as unknown as RolloutEvent;

  it("leaves a one-shot alone that was run again and has completed, before the kill or since", () => {
    assert.deepEqual(settled([completed], "EXITED", { mayComplete: true }), { action: "nothing" });
    const history = ended("start of now", "expected");
    assert.deepEqual(settled([proven], "EXITED", { mayComplete: true, history }), { action: "nothing" });
  });

  it("restarts a one-shot that was proven to run and has crashed since", () => {
    const history = ended("start of now", "unexpected");
    assert.equal(settled([proven], "EXITED", { mayComplete: true, history }).action, "restart");
  });

  it("lets its gate judge a one-shot that may have been run, and runs one that by the log was not", () => {
    const maybe = settled([], "EXITED", { mayComplete: true, history: ended("start of now", "expected") });
    assert.equal(maybe.action, "gate");
    assert.equal("previous_start" in maybe && maybe.previous_start, STARTED);
    assert.equal(settled([], "EXITED", { mayComplete: true }).action, "gate");
    const unsent = settled([], "EXITED", { mayComplete: true, history: ended(STARTED, "expected") });
    assert.equal(unsent.action, "restart");
  });

  it("leaves a worker alone that is between two processes, and expects it on the one before", () => {
    assert.deepEqual(settled([proven], "EXITED", { mayExit: true }), { action: "nothing", pid: NEW });
    assert.deepEqual(settled([proven], "STARTING", { mayExit: true }), { action: "nothing", pid: NEW });
    assert.equal(settled([proven], "EXITED", {}).action, "restart");
  });
});

describe("what a resume does with an instance that was signalled, stopped or updated", () => {
  type Restarting = EventOf<"instance.restarting">;

  function after(
    sent: Pick<Restarting, "action" | "signal">,
    events: readonly RolloutEvent[],
    state: ProcessState,
    pid?: number,
  ): ResumeAction {
    const outcome = readResumedRollout([rollout, { ...(restart as Restarting), ...sent }, ...events])
      ?.outcomes.get(HOST)
      ?.get(INSTANCE);
    assert.ok(outcome);
    const now: ProcessSnapshot = { instance: INSTANCE, state, ...(pid !== undefined && { pid }) };
    return resumeAction(outcome, now, { mayExit: false, mayComplete: false, history: undefined });
  }
  const HUP = { action: "signal", signal: "HUP" } as const;

  it("never sends a signal again that may have arrived: on the same pid it is only checked, with a warning", () => {
    const { warning, ...action } = after(HUP, [], "RUNNING", OLD) as ResumeAction & { warning?: string };
    assert.deepEqual(action, { action: "gate", signal: "HUP", previous_pid: OLD, failed_as: "indeterminate" });
    assert.match(warning ?? "", /HUP has arrived, and it is not sent again/);
    assert.equal(after(HUP, [failure("indeterminate")], "RUNNING", OLD).action, "gate");
  });

  it("judges one that was signalled and is on another pid as a new process", () => {
    const gate = after(HUP, [], "RUNNING", NEW);
    assert.deepEqual(gate, { action: "gate", previous_pid: OLD, failed_as: "indeterminate" });
    assert.equal(after(HUP, [failure("exited", "EXITED")], "RUNNING", NEW).action, "gate");
  });

  it("signals again what failed after its signal and runs, and starts again what is down since", () => {
    const again = after(HUP, [failure("check_failed", "RUNNING")], "RUNNING", OLD);
    assert.deepEqual(again, { action: "signal", signal: "HUP", failed_as: "check_failed" });
    assert.equal(after(HUP, [failure("flapping", "RUNNING")], "RUNNING", NEW).action, "signal");
    assert.equal(after(HUP, [failure("fatal", "FATAL")], "FATAL").action, "restart");
    assert.equal(after(HUP, [failure("exited", "EXITED")], "STOPPED").action, "start");
  });

  it("leaves alone what was signalled and is healthy", () => {
    assert.equal(after(HUP, [healthy(HOST, INSTANCE, 7, OLD)], "RUNNING", OLD).action, "nothing");
  });

  it("stops again what still runs, and leaves alone what is stopped", () => {
    const stop = { action: "stop" } as const;
    assert.deepEqual(after(stop, [], "STOPPED"), { action: "nothing", why: "it was stopped before" });
    assert.deepEqual(after(stop, [], "RUNNING", OLD), { action: "stop", failed_as: "indeterminate" });
    const stopped = { ...healthy(HOST, INSTANCE, 7, OLD), stopped: true } as const;
    assert.equal(after(stop, [stopped], "STOPPED").action, "nothing");
    assert.deepEqual(after(stop, [stopped], "RUNNING", NEW), { action: "stop" });
  });

  it("checks what an update has started, and starts what it has left stopped", () => {
    const update = { action: "update" } as const;
    assert.equal(after(update, [], "RUNNING", NEW).action, "gate");
    assert.equal(after(update, [], "STOPPED").action, "start");
    const unchanged = { action: "nothing", why: "its configuration has not changed" };
    assert.deepEqual(after(update, [], "RUNNING", OLD), unchanged);
    assert.equal(after(update, [failure("check_failed", "RUNNING")], "RUNNING", NEW).action, "restart");
  });
});
