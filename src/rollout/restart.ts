import type { InstanceChange } from "../domain/action.ts";
import type { ProcessesOutcome, ProcessQuery } from "../domain/host-process.ts";
import type { ChangeOutcome, AwaitedOutcome } from "../domain/outcomes.ts";
import { currentOf, lastStartIn } from "../domain/process-history.ts";
import { NO_PROCESS, type ProcessSnapshot } from "../domain/process-state.ts";
import type { ChangeCommand } from "./actions.ts";
import type { Success } from "./after-restart.ts";
import type { PlannedInstance } from "../domain/rollout.ts";
import { Attempt, type AttemptStart, type Progress } from "./attempt.ts";
import type { Due } from "./final-look.ts";
import { failed, type Failed } from "./verdict.ts";
import type { InstanceTurn } from "./instance-turn.ts";
import type { Input } from "./messages.ts";
import type { ProcessLook } from "./process-looks.ts";

type Phase =
  | { readonly name: "idle" }
  | { readonly name: "in_progress"; readonly attempt: Attempt }
  /** What its attempt has asked of the process table may still come. */
  | { readonly name: "failed"; readonly attempt: Attempt };

/** What a restart has come to. */
export type Restarted =
  /** Nothing yet: what it waits for is asked for. */
  | { readonly kind: "wait" }
  | { readonly kind: "succeeded"; readonly result: Success; readonly previousPid: number | undefined }
  | Failed
  /** It had no effect: nothing was sent, or it was lost on the way and can no longer act. */
  | { readonly kind: "unchanged"; readonly reason: string };

const WAIT: Restarted = { kind: "wait" };

/** The restart of an instance: sends its command, and again where it was lost half way, until an attempt has ended. */
export class Restart {
  private readonly turn: InstanceTurn;
  private phase: Phase = { name: "idle" };
  /** The pids that it had: what they have left behind is looked for. */
  private readonly oldPids: Set<number>;
  /** Since when it is known that our restart, lost half way, has stopped it and not started it. */
  private takenDownSinceMs: number | undefined;
  private sentAtMs: number | undefined;

  constructor(turn: InstanceTurn) {
    this.turn = turn;
    this.oldPids = new Set(turn.planned.old_pids);
  }

  get wasSent(): boolean {
    return this.sentAtMs !== undefined;
  }

  /** True if this shows that its restart has not done anything yet. */
  isOnOldProcess(seen: ProcessSnapshot | undefined): boolean {
    return this.attempt !== undefined && seen?.state === "RUNNING" && seen.pid === this.attempt.previousPid;
  }

  /** Since it was sent; 0 where it was not. */
  secondsTaken(nowMs: number): number {
    return this.sentAtMs === undefined ? 0 : (nowMs - this.sentAtMs) / 1000;
  }

  /** What it needs to know of its host's process table, if anything. */
  get processQuery(): ProcessQuery | undefined {
    return this.phase.name === "idle" ? undefined : this.phase.attempt.processQuery;
  }

  needsHistory(snapshot: ProcessSnapshot, issuedAtMs: number): boolean {
    return this.attempt?.needsHistory(snapshot, issuedAtMs) ?? false;
  }

  /**
   * On the evidence of a look that is as fresh as can be.
   * @param takenDownSinceMs if it was sent before, and has stopped half way
   */
  begin({ snapshot, command }: Due, nowMs: number, takenDownSinceMs?: number): void {
    this.takenDownSinceMs = takenDownSinceMs;
    this.send(snapshot, command, pidOf(snapshot), nowMs);
  }

  /** An earlier rollout or another user has restarted it: it enters its gate as if that restart had just returned. */
  passOn(snapshot: ProcessSnapshot, nowMs: number): Restarted {
    const { planned, work, context } = this.turn;
    // What an earlier one may have drained stays so until it is proven: the hook is not run again before.
    if (work.hooks.before_restart && planned.action !== "start")
      this.turn.drained ||= context.wasLeftDrained(work.host, planned.instance);
    const { previous_pid: previousPid, previous_start: startBefore } = planned;
    const attempt = this.start({
      action: this.turn.action,
      previousPid,
      ...(startBefore !== undefined && { startBefore }),
      nowMs,
    });
    attempt.returned("", nowMs);
    return this.looked(snapshot, nowMs, nowMs);
  }

  looked(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): Restarted {
    return this.follow((attempt) => attempt.looked(snapshot, issuedAtMs, nowMs), nowMs);
  }

  timePassed(nowMs: number): Restarted {
    return this.follow((attempt) => attempt.timePassed(nowMs), nowMs);
  }

  /** The host's supervisord has ended: no deadline is worth waiting for. */
  supervisorEnded(why: string, nowMs: number): Restarted {
    return this.follow((attempt) => attempt.supervisorEnded(why), nowMs);
  }

  checked({ index, pid, outcome }: Extract<Input, { type: "checked" }>, nowMs: number): void {
    if (this.attempt?.checked(index, pid, outcome, nowMs)) this.turn.lookAt(nowMs);
  }

  processesSeen(look: ProcessLook, outcome: ProcessesOutcome, nowMs: number): void {
    if (this.phase.name === "failed") this.turn.addToReason(this.phase.attempt.processesSeenLate(look, outcome));
    else if (this.attempt?.processesSeen(look, outcome)) this.turn.lookAt(nowMs);
  }

  /** Its command has come back, or could not be sent. */
  changed(outcome: ChangeOutcome, nowMs: number): Restarted {
    const { turn, attempt } = this;
    turn.mayStillAct = outcome.kind === "indeterminate";
    // Of an update it is asked once, for its whole group.
    if (turn.mayStillAct && !turn.update)
      turn.context.issue({ type: "await_outcome", host: turn.work.host, instance: turn.planned.instance });
    if (!attempt) return WAIT;
    switch (outcome.kind) {
      case "returned":
        attempt.returned(outcome.said, nowMs, outcome.isRefused);
        turn.lookAt(nowMs);
        return WAIT;
      case "indeterminate":
        attempt.lost(outcome.reason, nowMs);
        turn.context.emit({ type: "instance.indeterminate", ...turn.id, reason: outcome.reason });
        turn.lookAt(nowMs);
        return WAIT;
      case "lock_lost":
        turn.context.halt("lock_lost", outcome.reason);
        return this.takenDownSinceMs === undefined ? this.unchanged(outcome.reason) : this.leftDown(outcome.reason);
      case "not_sent":
        if (this.takenDownSinceMs === undefined) return this.unchanged(outcome.reason);
        return this.startLater(attempt, this.takenDownSinceMs, outcome.reason, nowMs);
    }
  }

  /** Its lost command can no longer act, or nothing can be known of it. */
  outcomeKnown(outcome: AwaitedOutcome, nowMs: number): void {
    this.turn.mayStillAct = false;
    if (outcome.kind === "lock_lost") this.turn.context.halt("lock_lost", outcome.reason);
    if (outcome.kind === "ended") this.lostEnded(nowMs);
  }

  /** What was lost has done all that it will do. */
  lostEnded(nowMs: number): void {
    this.turn.mayStillAct = false;
    this.attempt?.canNoLongerAct(nowMs);
    this.turn.lookAt(nowMs);
  }

  /** What it came to is of no interest: the instance is restarted again. */
  forget(): void {
    this.sentAtMs = undefined;
    this.phase = { name: "idle" };
  }

  private get attempt(): Attempt | undefined {
    return this.phase.name === "in_progress" ? this.phase.attempt : undefined;
  }

  private send(snapshot: ProcessSnapshot, action: ChangeCommand, previousPid: number | undefined, nowMs: number): void {
    const { planned, work, context, id, mayComplete } = this.turn;
    const { host, timings } = work;
    // Where another process runs by now, that one may still be there as well.
    this.addOldPid(planned.before.pid);
    const { history } = snapshot;
    const startBefore = history?.kind === "read" && mayComplete ? lastStartIn(history.processes) : undefined;
    this.sentAtMs = nowMs;
    this.turn.mayStillAct = true;
    this.start({
      action: this.turn.action,
      before: snapshot,
      previousPid,
      ...(startBefore !== undefined && { startBefore }),
      nowMs,
    });
    context.emit({
      type: "instance.restarting",
      ...id,
      action,
      ...(planned.signal !== undefined && { signal: planned.signal }),
      previous_state: snapshot.state,
      ...(previousPid !== undefined && { previous_pid: previousPid }),
      ...(startBefore !== undefined && { previous_start: startBefore }),
    });
    const change = changeOf(planned, action);
    if (change) context.issue({ type: "change", host, instances: [planned.instance], ...change });
    this.turn.lookAt(nowMs + timings.between_checks_ms);
  }

  private start(start: Omit<AttemptStart, "oldPids">): Attempt {
    const { planned, work, context } = this.turn;
    this.addOldPid(start.previousPid);
    const attempt = new Attempt(planned, work, context, { ...start, oldPids: this.oldPids });
    this.phase = { name: "in_progress", attempt };
    return attempt;
  }

  /** It had this pid: what that has left behind is looked for. */
  addOldPid(pid = NO_PROCESS): void {
    if (pid !== NO_PROCESS) this.oldPids.add(pid);
  }

  private follow(step: (attempt: Attempt) => Progress, nowMs: number): Restarted {
    const { attempt } = this;
    if (!attempt) return WAIT;
    const { previousPid } = attempt;
    const progress = step(attempt);
    switch (progress.kind) {
      case "wait":
        this.turn.lookAt(progress.lookAtMs);
        return WAIT;
      case "healthy":
      case "completed":
      case "down":
        this.phase = { name: "idle" };
        return { kind: "succeeded", result: progress, previousPid };
      case "failed":
        this.phase = { name: "failed", attempt };
        return progress;
      case "not_done":
        return this.unchanged(progress.reason);
      case "half_done":
        // It was taken down by us, so it is brought up even if the rollout goes no further; a start restarts nothing.
        this.takenDownSinceMs ??= nowMs;
        this.send(progress.snapshot, "start", previousPid, nowMs);
        return WAIT;
    }
  }

  private unchanged(reason: string): Restarted {
    this.forget();
    this.turn.context.emit({ type: "instance.unchanged", ...this.turn.id, reason });
    return { kind: "unchanged", reason };
  }

  /** It was taken down by us, so that it is not as it was before: its start is sent again after the next look. */
  private startLater(attempt: Attempt, sinceMs: number, why: string, nowMs: number): Restarted {
    const { healthy_deadline_ms, between_checks_ms } = this.turn.work.timings;
    if (nowMs - sinceMs >= healthy_deadline_ms) return this.leftDown(why);
    attempt.lost(why, nowMs);
    attempt.canNoLongerAct(nowMs);
    this.turn.lookAt(nowMs + between_checks_ms);
    return WAIT;
  }

  /** It was stopped, and cannot be started. */
  leftDown(why: string): Restarted {
    if (this.attempt) this.phase = { name: "failed", attempt: this.attempt };
    const reason = this.turn.update
      ? `the update of its group was lost after it had stopped it, and could not be completed: ${why}`
      : `its restart was lost after it had stopped it, and its start could not be sent: ${why}`;
    return failed("stayed_stopped", reason);
  }
}

/** Undefined for an update, which is sent once for all instances of its group. */
function changeOf({ instance, signal = "" }: PlannedInstance, action: ChangeCommand): InstanceChange | undefined {
  if (action === "update") return undefined;
  return action === "signal" ? { action, signal, instance } : { action, instance };
}

/** supervisorctl does not print the pid of an instance that is being started, but supervisord's log has it. */
function pidOf({ pid, history }: ProcessSnapshot): number | undefined {
  return pid ?? (history?.kind === "read" ? currentOf(history.processes)?.pid : undefined);
}
