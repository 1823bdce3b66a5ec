import type { HookOutcome } from "../domain/outcomes.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import { failed, type Failed } from "./verdict.ts";
import type { Progress } from "./attempt.ts";
import type { InstanceTurn } from "./instance-turn.ts";
import type { Proof } from "./outcome-recorder.ts";

/** What an instance is when its turn ends well: proven, left alone for a reason, or just not reached. */
type Ending = "healthy" | "skipped" | "untouched";

type Phase =
  | { readonly name: "idle" }
  /** Its outcome is known, unless its after_healthy hook, which now runs, fails. */
  | { readonly name: "enabling"; readonly as: Ending }
  /**
   * Its failure is counted; its log is awaited, or the operator. Where only its after_healthy hook has failed, `wasEnabled`
   * says as what.
   */
  | { readonly name: "failing"; readonly wasEnabled?: Ending }
  /** Its after_healthy hook is to run again: waits for a look, sent since, that shows it as it was proven. */
  | { readonly name: "proving"; readonly sinceMs: number };

/** How an instance has passed its gate. */
export type Success = Extract<Progress, { kind: "healthy" | "completed" | "down" }>;

/** Where an instance stands after its restart, or instead of one. */
export type Ended = "wait" | "over" | "restart_again";

/** An instance after its restart, or instead of one: it is enabled again, watched from then on, or fails. */
export class AfterRestart {
  private readonly turn: InstanceTurn;
  private phase: Phase = { name: "idle" };

  constructor(turn: InstanceTurn) {
    this.turn = turn;
  }

  get isFailing(): boolean {
    return this.phase.name === "failing";
  }

  get awaitsLook(): boolean {
    return this.phase.name === "proving";
  }

  succeeded(result: Success, previousPid: number | undefined, seconds: number, nowMs: number): Ended {
    const { turn } = this;
    turn.isBroken = false;
    turn.proof = { ...proofOf(result), ...(previousPid !== undefined && { previous_pid: previousPid }), seconds };
    turn.context.outcomes.healthy(turn.id, turn.proof);
    if (result.kind !== "down") return this.enable("healthy", nowMs);
    // One that is down on purpose is not put back into service.
    turn.drained = false;
    return this.conclude(nowMs);
  }

  /** Its group is not updated. */
  leftOut(why: string, nowMs: number): Ended {
    this.turn.context.outcomes.skipped(this.turn.id, why);
    return this.leave("skipped", nowMs);
  }

  /** Another user has started or stopped it. */
  skip({ state }: ProcessSnapshot, nowMs: number): Ended {
    this.turn.context.outcomes.skipped(this.turn.id, `it has become ${state} since the preview`);
    return this.leave("skipped", nowMs);
  }

  /** It is not restarted. */
  leave(as: Exclude<Ending, "healthy">, nowMs: number): Ended {
    // One that was broken here stays down, and drained: it has nothing to serve with.
    if (this.turn.isBroken) return "over";
    return this.turn.drained ? this.enable(as, nowMs) : this.conclude(nowMs);
  }

  /** Before its restart, in it, or before its after_healthy hook was to run again. */
  fail(failure: Failed, seconds: number, nowMs: number): Ended {
    if (!this.turn.isDown && !this.turn.drained) this.turn.giveBackCapacity(nowMs);
    this.phase = this.phase.name === "proving" ? { name: "failing", wasEnabled: "healthy" } : { name: "failing" };
    this.recordFailure(failure, seconds);
    return "wait";
  }

  looked(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): Ended {
    if (this.phase.name !== "proving") return "wait";
    if (issuedAtMs < this.phase.sinceMs) return this.lookAt(nowMs);
    if (snapshot?.state === "RUNNING" && snapshot.pid === this.turn.proof?.pid) return this.enable("healthy", nowMs);
    // What was proven has died since, and is restarted again like anything else that the operator retries.
    this.turn.isBroken = true;
    this.phase = { name: "idle" };
    return "restart_again";
  }

  /** Its after_healthy hook has ended. */
  hookFinished(outcome: HookOutcome, seconds: number, nowMs: number): Ended {
    if (this.phase.name !== "enabling") return "wait";
    const { as } = this.phase;
    if (outcome.kind === "failed") {
      const state = as === "healthy" ? "healthy" : "as it was";
      const reason = `its after_healthy hook failed: ${outcome.reason}; the instance itself is ${state}`;
      this.phase = { name: "failing", wasEnabled: as };
      this.recordFailure(failed("hook_failed", reason), seconds);
      return "wait";
    }
    const { turn } = this;
    turn.drained = false;
    // The hook had failed before: now the instance is what it was before that.
    if (turn.isRetried && as === "healthy" && turn.proof) turn.context.outcomes.healthy(turn.id, turn.proof);
    else if (turn.isRetried)
      turn.context.outcomes.skipped(turn.id, "it was drained, not restarted, and is enabled again");
    return this.conclude(nowMs);
  }

  /** Nothing more is awaited of its failure: it stands, or the operator has chosen to retry. */
  failureEnded(isRetried: boolean, nowMs: number): Ended {
    if (this.phase.name !== "failing") return "wait";
    const { wasEnabled } = this.phase;
    this.phase = { name: "idle" };
    if (!isRetried) return "over";
    if (wasEnabled === undefined) return "restart_again";
    if (wasEnabled !== "healthy") return this.enable(wasEnabled, nowMs);
    // Nothing is put back into service on the evidence of a look from before the operator was asked.
    this.phase = { name: "proving", sinceMs: nowMs };
    return this.lookAt(nowMs);
  }

  private lookAt(atMs: number): Ended {
    this.turn.lookAt(atMs);
    return "wait";
  }

  /** Runs the after_healthy hook, which undoes what before_restart did. */
  private enable(as: Ending, nowMs: number): Ended {
    const { proof, seen } = this.turn;
    this.phase = { name: "enabling", as };
    const pids = as === "healthy" ? { pid: proof?.pid, previousPid: proof?.previous_pid } : { pid: seen?.pid };
    return this.turn.runHook("after_healthy", pids) ? "wait" : this.conclude(nowMs);
  }

  /** It serves again, or still: until here it counted as down. */
  private conclude(nowMs: number): Ended {
    // Not before: one whose after_healthy hook fails is a failure already, and cannot regress as well.
    const { proof, planned, work, context, mayComplete } = this.turn;
    const { host, on_expected_exit, timings } = work;
    if (proof?.pid !== undefined)
      context.expect({
        host,
        instance: planned.instance,
        pid: proof.pid,
        ...(on_expected_exit === "accept" && { exits_at_most_every_ms: timings.min_healthy_time_ms }),
        ...(mayComplete && { may_complete: true }),
      });
    // An instance that is down on purpose serves nobody from now on, and nobody has seen that one which is left untouched
    // after a restart of an earlier rollout serves.
    const isDown = proof ? proof.stopped === true || proof.removed === true : this.turn.isDown;
    if (!mayComplete && !isDown) this.turn.giveBackCapacity(nowMs);
    this.phase = { name: "idle" };
    return "over";
  }

  private recordFailure({ code, reason, expectedExit }: Failed, seconds: number): void {
    const { id, seen, drained, context } = this.turn;
    context.outcomes.failed({
      ...id,
      code,
      reason,
      ...(seen && { state: seen.state }),
      seconds,
      stillDrained: drained,
      ...(expectedExit !== undefined && { expectedExit }),
    });
  }
}

function proofOf(result: Success): Pick<Proof, "pid" | "completed" | "stopped" | "removed"> {
  if (result.kind === "healthy") return { pid: result.pid };
  if (result.kind === "completed") return { completed: true };
  return result.as === "stopped" ? { stopped: true } : { removed: true };
}
