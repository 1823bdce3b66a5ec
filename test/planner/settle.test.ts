import assert from "node:assert/strict";
import type { RolloutEvent } from "../../src/domain/events.ts";
import type { InstanceFailureCode } from "../../src/domain/failures.ts";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { ProcessSnapshot, ProcessState } from "../../src/domain/process-state.ts";
import { readPast } from "../../src/planner/past.ts";
import { settle } from "../../src/planner/settle.ts";
import { failed, healthy, indeterminate, observed, planned, restarting } from "../views/rollout-script.ts";

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
  const fate = readPast([plan, restart, ...events])
    ?.fates.get(HOST)
    ?.get(INSTANCE);
  assert.ok(fate);
  const now: ProcessSnapshot = { instance: INSTANCE, state, ...(pid !== undefined && { pid }) };
  return settle(fate, now).action;
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

  it("only checks what went down with its supervisord and runs now: whoever started that has started it", () => {
    // A listener may end supervisord at every restart: to restart it again would never end.
    assert.equal(actionAfter([failure("supervisor_ended")], "RUNNING", NEW), "gate");
    assert.equal(actionAfter([failure("supervisor_ended")], "FATAL"), "restart");
    assert.equal(actionAfter([failure("supervisor_ended")], "STOPPED"), "start");
  });

  it("checks what is unknown first, unless it is still what it was before the restart", () => {
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
      // The operator's "retry", and how its success is told.
      ["gate", [proven, started, failing, started]],
      ["nothing", [proven, started, failing, started, succeeded, proven]],
      ["nothing", [proven, started, succeeded]],
      // A resume takes it out of service, comes no further, and puts it back.
      ["restart", [proven, started, failing, drained, started, succeeded]],
    ] as const)
      assert.equal(actionAfter(events, "RUNNING", NEW, { ...rollout, waves }), expected);
  });
});
