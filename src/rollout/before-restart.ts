import type { HookOutcome } from "../domain/outcomes.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import { judgeFinalLook, type Due, type FinalLook } from "./final-look.ts";
import { failed, type Failed } from "./verdict.ts";
import type { InstanceTurn } from "./instance-turn.ts";
import { Reservation } from "./reservation.ts";

type Phase =
  /** Waits until its program can spare it. */
  | { readonly name: "reserving"; readonly reservation: Reservation }
  /** Waits for a look that was sent after its turn came, before it is drained: the hook may be about its pid. */
  | { readonly name: "identifying"; readonly sinceMs: number }
  | { readonly name: "draining" }
  /** Waits for a look that was sent after that: a pid from preflight may be long gone. */
  | { readonly name: "final_look"; readonly sinceMs: number };

/** What an instance has come to before its restart. */
export type Prepared =
  /** Nothing yet: what it waits for is asked for. */
  | { readonly kind: "wait" }
  /** The rollout has stopped. */
  | { readonly kind: "untouched" }
  | FinalLook;

const WAIT: Prepared = { kind: "wait" };

/** An instance before its restart: its capacity is reserved, it is drained, and looked at a last time. */
export class BeforeRestart {
  private readonly turn: InstanceTurn;
  private phase: Phase;

  constructor(turn: InstanceTurn, nowMs: number) {
    this.turn = turn;
    this.phase = this.reserving(nowMs);
  }

  /** True while its before_restart hook runs. */
  get isDraining(): boolean {
    return this.phase.name === "draining";
  }

  get awaitsLook(): boolean {
    return this.phase.name === "identifying" || this.phase.name === "final_look";
  }

  /** True where a look can be judged only with supervisord's own log. */
  needsHistory(snapshot: ProcessSnapshot): boolean {
    const { planned, work, context, mayComplete } = this.turn;
    // How far the log goes now shows later what was started since.
    return this.awaitsLook && (mayComplete || context.drift.needsHistoryOf(work, planned, snapshot));
  }

  /** From its beginning: it was not restarted yet, or is restarted again. */
  begin(nowMs: number): Prepared {
    this.phase = this.reserving(nowMs);
    return this.tryBegin(nowMs);
  }

  /** Takes its capacity, or says what it waits for. */
  tryBegin(nowMs: number): Prepared {
    const { turn, phase } = this;
    if (phase.name !== "reserving" || turn.context.tally.isHeld) return WAIT;
    const claim = phase.reservation.claim(turn.shortage, nowMs);
    if (claim.kind === "given_up") return { kind: "untouched" };
    if (claim.kind === "wait") turn.lookAt(claim.lookAtMs);
    else this.identify(nowMs);
    return WAIT;
  }

  looked(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): Prepared {
    const { phase, turn } = this;
    if (phase.name === "reserving") return this.tryBegin(nowMs);
    if (phase.name === "draining") return WAIT;
    if (issuedAtMs < phase.sinceMs) {
      turn.lookAt(nowMs);
      return WAIT;
    }
    const judged = this.judge(snapshot);
    if (judged.kind !== "due") return judged;
    // One that is not there yet serves nobody: there is nothing to drain.
    if (phase.name === "final_look" || !snapshot) return this.mayRestart(judged, phase.sinceMs, nowMs);
    this.phase = { name: "draining" };
    turn.runHook("before_restart", { pid: judged.snapshot.pid });
    return WAIT;
  }

  /** Its before_restart hook has ended. */
  hookFinished(outcome: HookOutcome, nowMs: number): Prepared {
    if (outcome.kind === "failed")
      return failed("hook_failed", `its before_restart hook failed, so it was not restarted: ${outcome.reason}`);
    this.turn.drained = outcome.kind === "succeeded";
    if (this.turn.context.tally.stop) return { kind: "untouched" };
    this.lookAgain(nowMs);
    return WAIT;
  }

  /** The operator has answered: what waited continues, with all the time that it had. */
  released(nowMs: number): Prepared {
    const { name } = this.phase;
    if (name === "reserving") return this.begin(nowMs);
    if (name === "identifying") this.identify(nowMs);
    else if (name === "final_look") this.lookAgain(nowMs);
    return WAIT;
  }

  /** It is as it was: all that is left is the final look. */
  lookAgain(nowMs: number): void {
    this.phase = { name: "final_look", sinceMs: nowMs };
    this.turn.lookAt(nowMs);
  }

  private reserving(nowMs: number): Phase {
    return { name: "reserving", reservation: new Reservation(this.turn, nowMs) };
  }

  private identify(nowMs: number): void {
    const { drained, work, isOnlyGated } = this.turn;
    if (drained || !work.hooks.before_restart || isOnlyGated) return this.lookAgain(nowMs);
    this.phase = { name: "identifying", sinceMs: nowMs };
    this.turn.lookAt(nowMs);
  }

  private judge(snapshot: ProcessSnapshot | undefined): Prepared {
    const { planned, work, context, action, isOurs, isOnlyGated } = this.turn;
    const { tally, supervisors, drift, isRevert } = context;
    if (tally.stop) return { kind: "untouched" };
    if (tally.isHeld) return WAIT;
    const supervisorRestart = supervisors.restartOf(work.host);
    const known = { action, isOurs: isOurs || isRevert, isOnlyGated, supervisorRestart };
    const judged = judgeFinalLook(planned, snapshot, known);
    if (judged.kind === "failed") return judged;
    if (judged.kind !== "restarted" && !isOurs) drift.compare(work, planned, snapshot);
    return judged;
  }

  /** Nothing else acts on it, and its program can still spare it; otherwise what it waits for. */
  private mayRestart(due: Due, sinceMs: number, nowMs: number): Prepared {
    const { timings } = this.turn.work;
    // Two clients at one instance hang each other.
    if (due.snapshot.state === "STOPPING" || this.turn.mayStillAct) {
      if (nowMs - sinceMs >= timings.stop_deadline_ms) return this.neverEnded();
      this.turn.lookAt(nowMs + timings.between_checks_ms);
      return WAIT;
    }
    if (!this.turn.shortage) return due;
    // Others have broken since its capacity was reserved. One that is drained serves nobody: it still counts as down.
    if (!this.turn.drained) this.turn.giveBackCapacity(nowMs);
    return this.begin(nowMs);
  }

  private neverEnded(): Failed {
    return this.turn.mayStillAct
      ? failed("indeterminate", "its earlier restart has not returned and may still take effect")
      : failed("stop_deadline", "someone else is already stopping it and it does not exit");
  }
}
