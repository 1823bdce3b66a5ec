import type { InstanceFailureCode } from "../domain/failures.ts";
import type { ProcessesOutcome, ProcessQuery } from "../domain/host-process.ts";
import type { ChangeOutcome, HookOutcome, SettleOutcome } from "../domain/outcomes.ts";
import { NO_PROCESS, type ProcessSnapshot } from "../domain/process-state.ts";
import { isDownAlready, type HostWork, type PlannedInstance } from "../domain/rollout.ts";
import { currentOf, lastStartIn } from "../domain/process-history.ts";
import type { Hook, HookName } from "../domain/settings.ts";
import { Attempt, type AttemptStart, type Progress } from "./attempt.ts";
import { judgeBeforeRestart } from "./final-look.ts";
import type { Standing } from "./capacity.ts";
import { Fate, type Ending } from "./fate.ts";
import type { Input } from "./messages.ts";
import type { ProcessLook } from "./process-looks.ts";
import { Reservation } from "./reservation.ts";
import type { RunContext } from "./run-context.ts";

type Checked = Extract<Input, { type: "checked" }>;

/** What may belong to a failure: as what it was being enabled, and an exit that Supervisor's log calls expected. */
interface FailureDetails {
  readonly enabling?: Ending;
  readonly expectedExit?: string;
}

type Phase =
  /** Waits until its program can spare it. */
  | { readonly name: "reserving"; readonly reservation: Reservation }
  /** Waits for a look, likewise, before it is drained: the hook may be about its pid. */
  | { readonly name: "identifying"; readonly sinceMs: number }
  | { readonly name: "draining" }
  /** Waits for a look that was sent after its turn came: a pid from preflight may be long gone. */
  | { readonly name: "aiming"; readonly sinceMs: number }
  | { readonly name: "under_restart"; readonly attempt: Attempt }
  /** Its after_healthy hook is to run again: waits for a look, likewise, that shows it as it was proven. */
  | { readonly name: "proving"; readonly sinceMs: number }
  /** Its fate is known, unless its after_healthy hook, which now runs, fails. */
  | { readonly name: "enabling"; readonly ending: Ending }
  /**
   * Its failure is counted; its log is awaited, or the operator. Enabling it had failed where `enabling` says as what.
   * What its attempt has asked of the process table may still come.
   */
  | { readonly name: "failing"; readonly enabling?: Ending; readonly attempt?: Attempt }
  | { readonly name: "over" };

/** Takes one instance through its turn: reserve, before_restart, look, restart, gate and checks, after_healthy. */
export class InstanceRun {
  readonly planned: PlannedInstance;
  private readonly work: HostWork;
  private readonly context: RunContext;
  private readonly lookAt: (atMs: number) => void;
  private phase: Phase;
  /** The before_restart hook ran, the after_healthy hook did not. */
  private drained = false;
  private readonly fate: Fate;
  /** It failed after its restart was sent, so that its state is our doing and it counts as down. */
  private isBroken = false;
  /** It was to be checked only, and still is the process that an earlier rollout was to restart. */
  private isAsItWas = false;
  /** It was healthy and failed later. Others may have brought it up since. */
  private readonly hasRegressed: boolean;
  /** The pids that it had: what they have left behind is looked for. */
  private readonly oldPids: Set<number>;
  /** A restart of it was sent that has neither come back nor been settled. */
  private mayStillAct = false;
  /** Since when it is known that our restart, lost half way, has stopped it and not started it. */
  private takenDownSinceMs: number | undefined;
  /** When its restart was sent. */
  private sentAtMs: number | undefined;
  /** What the last look at it showed. */
  private seen: ProcessSnapshot | undefined;
  /** The pid of the process in whose place another was proven. */
  private replacedPid: number | undefined;

  /** @param lookAt told when the instance wants its host to be looked at; the earliest wish counts, until that look */
  constructor(
    planned: PlannedInstance,
    work: HostWork,
    context: RunContext,
    lookAt: (atMs: number) => void,
    nowMs: number,
  ) {
    this.planned = planned;
    this.work = work;
    this.context = context;
    this.lookAt = lookAt;
    this.oldPids = new Set(planned.old_pids);
    this.phase = this.reserving(nowMs);
    this.hasRegressed = context.failures.hasRegressed(work.host, planned.instance);
    this.fate = new Fate(planned, work.host, context, this.hasRegressed);
  }

  get isOver(): boolean {
    return this.phase.name === "over";
  }

  /** True once a restart was sent: a rest is due after it. */
  get wasTouched(): boolean {
    return this.isBroken || this.sentAtMs !== undefined;
  }

  /** Takes its capacity and begins, or says what it waits for. */
  tryBegin(nowMs: number): void {
    if (this.phase.name !== "reserving" || this.context.tally.isHeld) return;
    const claim = this.phase.reservation.claim(this.shortage(), nowMs);
    if (claim.kind === "wait") this.lookAt(claim.lookAtMs);
    else if (claim.kind === "given_up") this.leaveUntouched(nowMs);
    else this.begin(nowMs);
  }

  /** True where a look can be judged only with supervisord's own log. */
  needsHistory(snapshot: ProcessSnapshot, issuedAtMs: number): boolean {
    if (this.phase.name === "under_restart") return this.phase.attempt.needsHistory(snapshot, issuedAtMs);
    if (this.phase.name !== "aiming" && this.phase.name !== "identifying") return false;
    // How far the log goes now shows later what was started since.
    return this.mayComplete || this.context.drift.needsHistoryOf(this.work, this.planned, snapshot);
  }

  looked(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): void {
    this.seen = snapshot;
    if (this.phase.name === "reserving") this.tryBegin(nowMs);
    else if ("sinceMs" in this.phase && issuedAtMs < this.phase.sinceMs) this.lookAt(nowMs);
    else if (this.phase.name === "identifying") this.drain(snapshot, nowMs);
    else if (this.phase.name === "aiming") this.aim(snapshot, this.phase.sinceMs, nowMs);
    else if (this.phase.name === "proving") this.proveAgain(snapshot, nowMs);
    else if (this.phase.name === "under_restart")
      this.follow(this.phase.attempt, this.phase.attempt.looked(snapshot, issuedAtMs, nowMs), nowMs);
  }

  /** The host's supervisord has ended: no deadline is worth waiting for. */
  supervisorEnded(why: string, nowMs: number): void {
    if (this.phase.name !== "under_restart") return;
    const { code, reason } = this.phase.attempt.supervisorEnded(why);
    this.fail(code, reason, nowMs);
  }

  /** True while it waits for a look, so that nothing of it can go on without its host. */
  get awaitsItsHost(): boolean {
    return "sinceMs" in this.phase;
  }

  /** True, and another failure, for one that is tried again: that its host is lost must not make the wish be forgotten. */
  failWithoutHost(why: string, nowMs: number): boolean {
    if (!this.fate.isTriedAgain) return false;
    const details: FailureDetails = this.phase.name === "proving" ? { enabling: "healthy" } : {};
    this.fail("indeterminate", `its host was lost before it could be tried again: ${why}`, nowMs, details);
    return true;
  }

  timePassed(nowMs: number): void {
    if (this.phase.name === "reserving") this.tryBegin(nowMs);
    else if (this.phase.name === "under_restart")
      this.follow(this.phase.attempt, this.phase.attempt.timePassed(nowMs), nowMs);
  }

  changed(outcome: ChangeOutcome, nowMs: number): void {
    this.mayStillAct = outcome.kind === "indeterminate";
    if (this.mayStillAct) this.context.issue({ type: "settle", host: this.work.host, instance: this.planned.instance });
    if (this.phase.name === "failing" && outcome.kind === "returned" && outcome.said !== "")
      this.addToReason(`; supervisorctl said: ${outcome.said}`);
    if (this.phase.name !== "under_restart") return;
    const { attempt } = this.phase;
    switch (outcome.kind) {
      case "returned":
        attempt.returned(outcome.said, nowMs);
        return this.lookAt(nowMs);
      case "indeterminate":
        attempt.lost(outcome.reason, nowMs);
        this.context.emit({ type: "instance.indeterminate", ...this.id, reason: outcome.reason });
        return this.lookAt(nowMs);
      // It never left this machine.
      case "lock_lost":
        this.context.halt("lock_lost", outcome.reason);
        if (this.takenDownSinceMs !== undefined) return this.leaveDown(outcome.reason, nowMs);
        return this.aimAgain(outcome.reason, nowMs);
      case "not_sent":
        if (this.takenDownSinceMs !== undefined)
          return this.startLater(attempt, this.takenDownSinceMs, outcome.reason, nowMs);
        return this.aimAgain(outcome.reason, nowMs);
    }
  }

  /** Its lost restart can act no more, or nothing can be known of it. */
  settled(outcome: SettleOutcome, nowMs: number): void {
    this.mayStillAct = false;
    if (outcome.kind === "lock_lost") this.context.halt("lock_lost", outcome.reason);
    if (outcome.kind !== "settled" || this.phase.name !== "under_restart") return;
    this.phase.attempt.settled(nowMs);
    this.lookAt(nowMs);
  }

  checked({ index, pid, outcome }: Checked, nowMs: number): void {
    if (this.phase.name === "under_restart" && this.phase.attempt.checked(index, pid, outcome, nowMs))
      this.lookAt(nowMs);
  }

  /** What it wants to know of its host's process table, if anything. */
  get processQuery(): ProcessQuery | undefined {
    return this.attemptAtWork?.processQuery;
  }

  processesSeen(look: ProcessLook, outcome: ProcessesOutcome, nowMs: number): void {
    const attempt = this.attemptAtWork;
    if (this.phase.name === "failing") this.addToReason(attempt?.processesSeenLate(look, outcome) ?? "");
    else if (attempt?.processesSeen(look, outcome)) this.lookAt(nowMs);
  }

  /** The one that may still want to know something. */
  private get attemptAtWork(): Attempt | undefined {
    return this.phase.name === "under_restart" || this.phase.name === "failing" ? this.phase.attempt : undefined;
  }

  private addToReason(more: string): void {
    this.context.failures.addToReason(this.work.host, this.planned.instance, more);
  }

  /** The hook that was sent last has ended. */
  hookFinished(outcome: HookOutcome, nowMs: number): void {
    if (this.phase.name === "draining") this.drainFinished(outcome, nowMs);
    else if (this.phase.name === "enabling") this.enableFinished(outcome, this.phase.ending, nowMs);
  }

  /** Nothing more is awaited of its failure: it stands, or the operator wants what failed done again. */
  failureEnded(isTriedAgain: boolean, nowMs: number): void {
    if (this.phase.name !== "failing") return;
    const { enabling } = this.phase;
    this.phase = { name: "over" };
    if (!isTriedAgain) return;
    this.fate.tryAgain();
    if (enabling === "healthy") this.prove(nowMs);
    else if (enabling !== undefined) this.enable(enabling, nowMs);
    else this.beginAgain(nowMs);
  }

  /** Nothing is put back into service on the evidence of a look from before the operator was asked. */
  private prove(nowMs: number): void {
    this.phase = { name: "proving", sinceMs: nowMs };
    this.lookAt(nowMs);
  }

  private proveAgain(snapshot: ProcessSnapshot | undefined, nowMs: number): void {
    if (snapshot?.state === "RUNNING" && snapshot.pid === this.fate.provenPid) return this.enable("healthy", nowMs);
    // What was proven has died since, and is restarted again like anything else that the operator wants tried again.
    this.isBroken = true;
    this.beginAgain(nowMs);
  }

  private beginAgain(nowMs: number): void {
    this.sentAtMs = undefined;
    this.phase = this.reserving(nowMs);
    this.tryBegin(nowMs);
  }

  /** The operator has answered: what waited goes on, with all the time that it had. */
  released(nowMs: number): void {
    if (this.phase.name === "reserving") this.phase = this.reserving(nowMs);
    if (this.phase.name === "identifying") this.begin(nowMs);
    else if (this.phase.name === "aiming") this.aimFrom(nowMs);
    else this.tryBegin(nowMs);
  }

  /** Nothing further begins. What has not been restarted stays so, and is enabled again if it was drained. */
  letGo(nowMs: number): void {
    const { name } = this.phase;
    if (name === "reserving" || name === "identifying" || name === "aiming") this.leaveUntouched(nowMs);
    else if (name === "proving") this.phase = { name: "over" };
  }

  /** The operator leaves: what is under way is told as unknown. */
  abandon(): void {
    if (this.phase.name === "under_restart") this.fate.abandoned(this.drained);
    this.phase = { name: "over" };
  }

  private reserving(nowMs: number): Phase {
    return { name: "reserving", reservation: new Reservation(this.planned, this.work, this.context, nowMs) };
  }

  /** Its capacity is taken. */
  private begin(nowMs: number): void {
    if (this.drained || !this.work.hooks.before_restart || this.isOnlyGated) return this.aimFrom(nowMs);
    this.phase = { name: "identifying", sinceMs: nowMs };
    this.lookAt(nowMs);
  }

  /** Takes it out of service, unless the look shows that it is not restarted anyway. */
  private drain(snapshot: ProcessSnapshot | undefined, nowMs: number): void {
    const { before_restart } = this.work.hooks;
    if (!before_restart || this.actionFor(snapshot, nowMs) === undefined) return;
    this.phase = { name: "draining" };
    this.runHook("before_restart", before_restart, snapshot?.pid === undefined ? {} : { pid: snapshot.pid });
  }

  private drainFinished(outcome: HookOutcome, nowMs: number): void {
    if (outcome.kind === "failed") {
      const reason = `its before_restart hook failed, so it was not restarted: ${outcome.reason}`;
      return this.fail("hook_failed", reason, nowMs);
    }
    this.drained = outcome.kind === "succeeded";
    if (this.context.tally.stop) this.leaveUntouched(nowMs);
    else this.aimFrom(nowMs);
  }

  private aimFrom(nowMs: number): void {
    this.phase = { name: "aiming", sinceMs: nowMs };
    this.lookAt(nowMs);
  }

  /** What is to be done upon this look; undefined where that is decided: it has failed, is skipped, or only gated. */
  private actionFor(snapshot: ProcessSnapshot | undefined, nowMs: number): "restart" | "start" | undefined {
    const { tally, supervisors, drift } = this.context;
    if (tally.stop) this.leaveUntouched(nowMs);
    if (tally.stop || tally.isHeld) return undefined;
    const { isOurs, isOnlyGated } = this;
    const supervisorRestart = supervisors.restartOf(this.work.host);
    const judged = judgeBeforeRestart(this.planned, snapshot, { isOurs, isOnlyGated, supervisorRestart });
    if (judged.kind === "failed") this.fail(judged.code, judged.reason, nowMs);
    if (judged.kind === "failed" || !snapshot) return undefined;
    if (judged.kind !== "restarted" && !isOurs) drift.compare(this.work, this.planned, snapshot);
    if (judged.kind === "due") return judged.action;
    if (judged.kind === "left_alone") this.skip(snapshot, nowMs);
    else this.passOn(snapshot, nowMs);
    return undefined;
  }

  /** Restarts the instance on the evidence of a look that is as fresh as can be. */
  private aim(snapshot: ProcessSnapshot | undefined, sinceMs: number, nowMs: number): void {
    const { timings } = this.work;
    const action = this.actionFor(snapshot, nowMs);
    if (!snapshot || action === undefined) return;
    // Somebody else is at it, or what failed before; two clients at one instance hang each other.
    if (snapshot.state === "STOPPING" || this.mayStillAct) {
      if (nowMs - sinceMs < timings.stop_deadline_ms) return this.lookAt(nowMs + timings.between_checks_ms);
      if (this.mayStillAct)
        return this.fail("indeterminate", "its earlier restart has not come back and may still act", nowMs);
      return this.fail("stop_deadline", "it is being stopped already, and does not end", nowMs);
    }
    // Others may have broken since the capacity was reserved. It waits, drained as it is, and then looks again.
    if (this.shortage()) {
      // One that is drained serves nobody, so it goes on counting as down.
      if (!this.drained) this.context.capacity.giveBack(this.work.host, this.planned.instance, nowMs);
      this.phase = this.reserving(nowMs);
      return this.tryBegin(nowMs);
    }
    this.takenDownSinceMs = undefined;
    this.restart(snapshot, action, nowMs);
  }

  /** An earlier rollout or another user has restarted it: it enters its gate as if that restart had just returned. */
  private passOn(snapshot: ProcessSnapshot, nowMs: number): void {
    // What an earlier one may have drained stays so until it is proven: the hook is not run again before.
    if (this.work.hooks.before_restart && this.planned.action !== "start")
      this.drained ||= this.context.wasLeftDrained(this.work.host, this.planned.instance);
    const { previous_pid: previousPid, previous_start: startBefore } = this.planned;
    const attempt = this.attempt({ previousPid, ...(startBefore !== undefined && { startBefore }), nowMs });
    attempt.returned("", nowMs);
    this.looked(snapshot, nowMs, nowMs);
  }

  /** Nothing was done: the instance is as it was, and may be aimed at again unless that is forbidden now. */
  private aimAgain(why: string, nowMs: number): void {
    this.sentAtMs = undefined;
    this.context.emit({ type: "instance.unchanged", ...this.id, reason: why });
    this.aimFrom(nowMs);
    if (this.context.tally.stop) this.leaveUntouched(nowMs);
  }

  /** It was taken down by us, so that it is not as it was before: its start is sent again after the next look. */
  private startLater(attempt: Attempt, sinceMs: number, why: string, nowMs: number): void {
    const { healthy_deadline_ms, between_checks_ms } = this.work.timings;
    if (nowMs - sinceMs >= healthy_deadline_ms) return this.leaveDown(why, nowMs);
    attempt.lost(why, nowMs);
    attempt.settled(nowMs);
    this.lookAt(nowMs + between_checks_ms);
  }

  private leaveDown(why: string, nowMs: number): void {
    const reason = `its restart was lost after it had stopped it, and its start could not be sent: ${why}`;
    this.fail("stayed_stopped", reason, nowMs);
  }

  private restart(
    snapshot: ProcessSnapshot,
    action: "restart" | "start",
    nowMs: number,
    previousPid = pidOf(snapshot),
  ): void {
    const { host, timings } = this.work;
    const { instance, before } = this.planned;
    // Where another process runs by now, that one may still be there as well.
    this.addOldPid(before.pid);
    const previous = previousPid === undefined ? {} : { previous_pid: previousPid };
    const { history } = snapshot;
    const startBefore = history?.kind === "read" && this.mayComplete ? lastStartIn(history.processes) : undefined;
    const start = startBefore === undefined ? {} : { previous_start: startBefore };
    this.sentAtMs = nowMs;
    this.mayStillAct = true;
    this.attempt({ before: snapshot, previousPid, ...(startBefore !== undefined && { startBefore }), nowMs });
    this.context.emit({
      type: "instance.restarting",
      ...this.id,
      action,
      previous_state: snapshot.state,
      ...previous,
      ...start,
    });
    this.context.issue({ type: "change", host, instance, action });
    this.lookAt(nowMs + timings.between_checks_ms);
  }

  private attempt(start: Omit<AttemptStart, "oldPids">): Attempt {
    this.addOldPid(start.previousPid);
    const attempt = new Attempt(this.planned, this.work, this.context, { ...start, oldPids: this.oldPids });
    this.phase = { name: "under_restart", attempt };
    return attempt;
  }

  private addOldPid(pid = NO_PROCESS): void {
    if (pid !== NO_PROCESS) this.oldPids.add(pid);
  }

  /** Acts on what an attempt has come to. */
  private follow({ previousPid }: Attempt, progress: Progress, nowMs: number): void {
    switch (progress.kind) {
      case "wait":
        return this.lookAt(progress.lookAtMs);
      case "healthy":
        return this.becomeHealthy(progress.pid, previousPid, nowMs);
      case "completed":
        return this.becomeHealthy(undefined, previousPid, nowMs);
      case "failed":
        // What was only to be checked is as it was: the restart of the earlier rollout never came.
        if (progress.code === "not_restarted" && this.isOnlyGated) {
          this.isAsItWas = true;
          return this.beginAgain(nowMs);
        }
        return this.fail(progress.code, progress.reason, nowMs, progress);
      case "unchanged":
        return this.aimAgain(progress.reason, nowMs);
      case "half_done":
        // It was taken down by us, so it is brought up even if the rollout goes no further; a start restarts nothing.
        this.takenDownSinceMs ??= nowMs;
        return this.restart(progress.snapshot, "start", nowMs, previousPid);
    }
  }

  private becomeHealthy(pid: number | undefined, previousPid: number | undefined, nowMs: number): void {
    this.isBroken = false;
    this.replacedPid = previousPid;
    this.fate.healthy(pid, previousPid, this.secondsTaken(nowMs));
    this.enable("healthy", nowMs);
  }

  private skip(snapshot: ProcessSnapshot, nowMs: number): void {
    this.fate.skipped(`it was ${snapshot.state} since the preview`);
    this.leaveUntouched(nowMs, "skipped");
  }

  private leaveUntouched(nowMs: number, ending: Ending = "untouched"): void {
    // One that was broken here stays down, and drained: it has nothing to serve with.
    if (this.isBroken) this.phase = { name: "over" };
    else if (this.drained) this.enable(ending, nowMs);
    else this.conclude(nowMs);
  }

  private shortage(): Standing | undefined {
    // What is broken counts as down already, so that restarting it takes nothing away.
    return this.isDown ? undefined : this.context.capacity.shortage(this.work.host, this.planned.instance);
  }

  /** This rollout broke it, or the ones that it resumes. */
  private get isDown(): boolean {
    return this.isBroken || (isDownAlready(this.planned) && !this.hasRegressed);
  }

  /** It is tried again, so that its state is our doing and not somebody's purpose. */
  private get isOurs(): boolean {
    return this.isBroken || this.hasRegressed;
  }

  /** An earlier rollout has restarted it, and that has not failed yet. */
  private get isOnlyGated(): boolean {
    return this.planned.action === "gate" && !this.isOurs && !this.isAsItWas;
  }

  /** It had ended before the rollout, and may do so again. */
  private get mayComplete(): boolean {
    return this.planned.may_complete === true;
  }

  /** It serves again, or still: until here it counted as down. */
  private conclude(nowMs: number): void {
    // Not before: one whose after_healthy hook fails is a failure already, and cannot regress as well.
    const { provenPid } = this.fate;
    const { host, on_expected_exit, timings } = this.work;
    const { instance, may_complete } = this.planned;
    if (provenPid !== undefined)
      this.context.expect({
        host,
        instance,
        pid: provenPid,
        ...(on_expected_exit === "accept" && { exits_at_most_every_ms: timings.min_healthy_time_ms }),
        ...(may_complete && { may_complete }),
      });
    if (!this.mayComplete) this.context.capacity.giveBack(host, instance, nowMs);
    this.phase = { name: "over" };
  }

  /** Runs the after_healthy hook, which undoes what before_restart did. */
  private enable(ending: Ending, nowMs: number): void {
    const { after_healthy } = this.work.hooks;
    if (!after_healthy) return this.conclude(nowMs);
    this.phase = { name: "enabling", ending };
    const pid = ending === "healthy" ? this.fate.provenPid : this.seen?.pid;
    const previousPid = ending === "healthy" ? this.replacedPid : undefined;
    this.runHook("after_healthy", after_healthy, {
      ...(pid !== undefined && { pid }),
      ...(previousPid !== undefined && { previousPid }),
    });
  }

  private enableFinished(outcome: HookOutcome, ending: Ending, nowMs: number): void {
    if (outcome.kind === "failed") {
      const state = ending === "healthy" ? "healthy" : "as it was";
      const reason = `its after_healthy hook failed: ${outcome.reason}; the instance itself is ${state}`;
      this.phase = { name: "failing", enabling: ending };
      return this.tellFailure("hook_failed", reason, nowMs, { enabling: ending });
    }
    this.drained = false;
    this.fate.enabled(ending);
    this.conclude(nowMs);
  }

  private fail(code: InstanceFailureCode, reason: string, nowMs: number, details: FailureDetails = {}): void {
    const attempt = this.phase.name === "under_restart" ? this.phase.attempt : undefined;
    this.isBroken ||= attempt !== undefined;
    const isAsBefore = !this.isDown && !this.drained;
    if (isAsBefore) this.context.capacity.giveBack(this.work.host, this.planned.instance, nowMs);
    const { enabling, expectedExit } = details;
    this.phase = { name: "failing", ...(enabling !== undefined && { enabling }), ...(attempt && { attempt }) };
    this.tellFailure(code, reason, nowMs, expectedExit === undefined ? {} : { expectedExit });
  }

  private tellFailure(
    code: InstanceFailureCode,
    reason: string,
    nowMs: number,
    { enabling, expectedExit }: FailureDetails,
  ): void {
    const seconds = this.secondsTaken(nowMs);
    const seen = this.seen === undefined ? {} : { state: this.seen.state };
    const expected = expectedExit === undefined ? {} : { expectedExit };
    this.fate.failed({ code, reason, ...seen, seconds, stillDrained: this.drained, ...expected }, enabling);
  }

  private secondsTaken(nowMs: number): number {
    return this.sentAtMs === undefined ? 0 : (nowMs - this.sentAtMs) / 1000;
  }

  private runHook(hook: HookName, command: Hook, pids: { readonly pid?: number; readonly previousPid?: number }): void {
    const { host, vars, timings } = this.work;
    const of = { host, instance: this.planned.instance, vars, ...pids };
    this.context.issue({ type: "run_hook", hook, command, timeoutMs: timings.command_timeout_ms, ...of });
  }

  private get id() {
    return { host: this.work.host, program: this.planned.program, instance: this.planned.instance };
  }
}

/** Of one that is being started supervisorctl does not print the pid, but supervisord's log has it. */
function pidOf({ pid, history }: ProcessSnapshot): number | undefined {
  return pid ?? (history?.kind === "read" ? currentOf(history.processes)?.pid : undefined);
}
