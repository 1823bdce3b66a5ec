import type { ProcessesOutcome, ProcessQuery } from "../domain/host-process.ts";
import type { ChangeOutcome, HookOutcome, AwaitedOutcome } from "../domain/outcomes.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { PlannedInstance } from "../domain/rollout.ts";
import { AfterRestart, type Ended } from "./after-restart.ts";
import { BeforeRestart, type Prepared } from "./before-restart.ts";
import type { Due } from "./final-look.ts";
import type { Member } from "./group-update.ts";
import { failed, type Failed } from "./verdict.ts";
import { InstanceTurn, type TurnStart } from "./instance-turn.ts";
import type { Input } from "./messages.ts";
import type { ProcessLook } from "./process-looks.ts";
import { Restart, type Restarted } from "./restart.ts";

/** Which part of its turn an instance is in: inputs go there, and its answer says which comes next. */
type Stage = "before" | "restart" | "after" | "over";

/** Takes one instance through its turn: what comes before its restart, the restart, and what comes after it. */
export class InstanceRun implements Member {
  readonly planned: PlannedInstance;
  private readonly turn: InstanceTurn;
  private readonly before: BeforeRestart;
  private readonly restart: Restart;
  private readonly after: AfterRestart;
  private stage: Stage = "before";
  /** By the last look, where its group is to be updated. */
  private due: Due | undefined;

  constructor(start: TurnStart, nowMs: number) {
    this.planned = start.planned;
    this.turn = new InstanceTurn(start);
    this.before = new BeforeRestart(this.turn, nowMs);
    this.restart = new Restart(this.turn);
    this.after = new AfterRestart(this.turn);
  }

  get isOver(): boolean {
    return this.stage === "over";
  }

  get isReady(): boolean {
    return this.stage === "before" && this.due !== undefined;
  }

  get isOpen(): boolean {
    return this.stage === "before" || this.stage === "restart";
  }

  get hasOldProcess(): boolean {
    return this.restart.isOnOldProcess(this.turn.seen);
  }

  /** The rest that is due after it: none before a restart was sent. */
  get restAfterMs(): number {
    return this.turn.isBroken || this.restart.wasSent ? this.turn.work.timings.between_restarts_ms : 0;
  }

  /** True while it waits for a look, so that nothing of it can continue without its host. */
  get awaitsItsHost(): boolean {
    return (this.stage === "before" && this.before.awaitsLook) || (this.stage === "after" && this.after.awaitsLook);
  }

  /** What it needs to know of its host's process table, if anything. */
  get processQuery(): ProcessQuery | undefined {
    return this.restart.processQuery;
  }

  /** True where a look can be judged only with supervisord's own log. */
  needsHistory(snapshot: ProcessSnapshot, issuedAtMs: number): boolean {
    if (this.stage === "restart") return this.restart.needsHistory(snapshot, issuedAtMs);
    return this.stage === "before" && this.before.needsHistory(snapshot);
  }

  /** Takes its capacity and begins, or says what it waits for. */
  tryBegin(nowMs: number): void {
    if (this.stage === "before") this.prepared(this.before.tryBegin(nowMs), nowMs);
  }

  looked(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): void {
    // Its supervisord may have been killed, and what ran lives on.
    if (snapshot?.pid !== this.turn.seen?.pid) this.restart.addOldPid(this.turn.seen?.pid);
    this.turn.seen = snapshot;
    if (this.stage === "before") {
      this.due = undefined;
      this.prepared(this.before.looked(snapshot, issuedAtMs, nowMs), nowMs);
    } else if (this.stage === "restart") this.restarted(this.restart.looked(snapshot, issuedAtMs, nowMs), nowMs);
    else if (this.stage === "after") this.ended(this.after.looked(snapshot, issuedAtMs, nowMs), nowMs);
  }

  timePassed(nowMs: number): void {
    if (this.stage === "before") this.prepared(this.before.tryBegin(nowMs), nowMs);
    else if (this.stage === "restart") this.restarted(this.restart.timePassed(nowMs), nowMs);
  }

  /** The host's supervisord has ended. */
  supervisorEnded(why: string, nowMs: number): void {
    if (this.stage === "restart") this.restarted(this.restart.supervisorEnded(why, nowMs), nowMs);
  }

  /** Its command has come back, or could not be sent. */
  changed(outcome: ChangeOutcome, nowMs: number): void {
    if (this.stage === "after" && this.after.isFailing && outcome.kind === "returned" && outcome.said !== "")
      this.turn.addToReason(`; supervisorctl said: ${outcome.said}`);
    if (outcome.kind === "returned" || outcome.kind === "lock_lost") this.turn.update = undefined;
    this.restarted(this.restart.changed(outcome, nowMs), nowMs);
  }

  updateStarts(nowMs: number, takenDownSinceMs: number | undefined): void {
    if (!this.due || this.stage === "after" || this.stage === "over") return;
    this.stage = "restart";
    this.restart.begin(this.due, nowMs, takenDownSinceMs);
  }

  updateEnded(nowMs: number): void {
    this.turn.update = undefined;
    this.restart.lostEnded(nowMs);
  }

  updateFailed(why: string, nowMs: number): void {
    if (this.stage === "restart") this.restarted(this.restart.leftDown(why), nowMs);
  }

  leaveOut(why: string, nowMs: number): void {
    if (this.stage === "before") this.ended(this.after.leftOut(why, nowMs), nowMs);
  }

  /** Its lost command can no longer act, or nothing can be known of it. */
  outcomeKnown(outcome: AwaitedOutcome, nowMs: number): void {
    this.restart.outcomeKnown(outcome, nowMs);
  }

  checked(answer: Extract<Input, { type: "checked" }>, nowMs: number): void {
    this.restart.checked(answer, nowMs);
  }

  processesSeen(look: ProcessLook, outcome: ProcessesOutcome, nowMs: number): void {
    this.restart.processesSeen(look, outcome, nowMs);
  }

  /** The hook that was sent last has ended. */
  hookFinished(outcome: HookOutcome, nowMs: number): void {
    if (this.stage === "before") this.prepared(this.before.hookFinished(outcome, nowMs), nowMs);
    else if (this.stage === "after")
      this.ended(this.after.hookFinished(outcome, this.restart.secondsTaken(nowMs), nowMs), nowMs);
  }

  /** Nothing more is awaited of its failure: it stands, or the operator has chosen to retry. */
  failureEnded(isRetried: boolean, nowMs: number): void {
    if (this.stage === "after") this.ended(this.after.failureEnded(isRetried, nowMs), nowMs);
  }

  /** The operator has answered: what waited continues. */
  released(nowMs: number): void {
    if (this.stage === "before") this.prepared(this.before.released(nowMs), nowMs);
  }

  /** Nothing further begins. What has not been restarted stays so, and is enabled again if it was drained. */
  stopBeginning(nowMs: number): void {
    if (this.stage === "before" && !this.before.isDraining) this.ended(this.after.leave("untouched", nowMs), nowMs);
    else if (this.stage === "after" && this.after.awaitsLook) this.stage = "over";
  }

  /** True, and another failure, for one that is retried: the loss of its host must not make the retry be forgotten. */
  failWithoutHost(why: string, nowMs: number): boolean {
    if (!this.turn.isRetried) return false;
    this.fail(failed("indeterminate", `its host was lost before it could be retried: ${why}`), nowMs);
    return true;
  }

  /** The operator leaves: a restart in progress is reported as unknown. */
  abandon(): void {
    if (this.stage === "restart") this.turn.context.outcomes.abandoned(this.turn.id, this.turn.drained);
    this.stage = "over";
  }

  private prepared(prepared: Prepared, nowMs: number): void {
    switch (prepared.kind) {
      case "wait":
        return;
      case "due":
        if (this.turn.update) {
          this.due = prepared;
          return;
        }
        this.stage = "restart";
        return this.restart.begin(prepared, nowMs);
      case "restarted":
      case "being_done":
        this.stage = "restart";
        return this.restarted(this.restart.passOn(prepared.snapshot, nowMs), nowMs);
      case "failed":
        return this.fail(prepared, nowMs);
      case "left_alone":
        return this.ended(this.after.skip(prepared.snapshot, nowMs), nowMs);
      case "untouched":
        return this.ended(this.after.leave("untouched", nowMs), nowMs);
    }
  }

  private restarted(restarted: Restarted, nowMs: number): void {
    switch (restarted.kind) {
      case "wait":
        return;
      case "succeeded": {
        const { result, previousPid } = restarted;
        return this.ended(this.after.succeeded(result, previousPid, this.restart.secondsTaken(nowMs), nowMs), nowMs);
      }
      case "failed":
        // What was only to be checked is as it was: the restart of the earlier rollout never came.
        if (restarted.code !== "not_restarted" || !this.turn.isOnlyGated) return this.fail(restarted, nowMs);
        this.turn.isAsItWas = true;
        return this.ended("restart_again", nowMs);
      case "unchanged":
        this.stage = "before";
        // What was seen before that is out of date: another look has to show it once more.
        this.due = undefined;
        this.before.lookAgain(nowMs);
        if (this.turn.context.tally.stop) this.ended(this.after.leave("untouched", nowMs), nowMs);
    }
  }

  private ended(ended: Ended, nowMs: number): void {
    if (ended === "wait") this.stage = "after";
    else if (ended === "over") this.stage = "over";
    else {
      this.stage = "before";
      this.restart.forget();
      this.prepared(this.before.begin(nowMs), nowMs);
    }
  }

  private fail(failure: Failed, nowMs: number): void {
    this.turn.isBroken ||= this.stage === "restart";
    this.ended(this.after.fail(failure, this.restart.secondsTaken(nowMs), nowMs), nowMs);
  }
}
