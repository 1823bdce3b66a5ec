import type { RolloutEvent } from "../domain/events.ts";
import type { InstanceFailureCode } from "../domain/failures.ts";
import { programOf } from "../domain/ids.ts";
import type { ChangeOutcome, CheckOutcome, HookOutcome, SettleOutcome } from "../domain/outcomes.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { HostWork, PlannedInstance } from "../domain/rollout.ts";
import type { Hook, HookName } from "../domain/settings.ts";
import { Attempt, type Progress } from "./attempt.ts";
import type { Standing } from "./capacity.ts";
import { Fate, type Ending } from "./fate.ts";
import type { Surroundings } from "./surroundings.ts";

type Phase =
  /** Waits until its program can spare it. */
  | { readonly name: "reserving"; readonly sinceMs: number; told: boolean }
  | { readonly name: "draining" }
  /** Waits for a look that was sent after its turn came: a pid from preflight may be long gone. */
  | { readonly name: "aiming"; readonly sinceMs: number }
  | { readonly name: "under_restart"; readonly attempt: Attempt }
  /** Its fate is known, unless its after_healthy hook, which now runs, fails. */
  | { readonly name: "enabling"; readonly ending: Ending }
  /** Its failure is counted; its log is awaited, or the operator. Enabling it had failed where `enabling` says as what. */
  | { readonly name: "failing"; readonly enabling?: Ending }
  | { readonly name: "over" };

/** No look is needed for as long as something else is awaited. */
const NO_LOOK = Infinity;

/**
 * Takes one instance through its turn: reserve, before_restart, look, restart, gate and checks, after_healthy.
 *
 * Methods that are told of a look or of time answer when the instance wants to be looked at next.
 */
export class InstanceRun {
  readonly planned: PlannedInstance;
  private readonly work: HostWork;
  private readonly around: Surroundings;
  private phase: Phase;
  /** The before_restart hook ran, the after_healthy hook did not. */
  private drained = false;
  private readonly fate: Fate;
  /** It failed after its restart was sent, so that its state is our doing and it counts as down. */
  private isBroken = false;
  /** It was healthy and failed later. Others may have brought it up since. */
  private readonly hasRegressed: boolean;
  /** A restart of it was sent that has neither come back nor been settled. */
  private mayStillAct = false;
  /** When its restart was sent. */
  private sentAtMs: number | undefined;

  constructor(planned: PlannedInstance, work: HostWork, around: Surroundings, nowMs: number) {
    this.planned = planned;
    this.work = work;
    this.around = around;
    this.phase = { name: "reserving", sinceMs: nowMs, told: false };
    this.hasRegressed = around.failures.hasRegressed(work.host, planned.instance);
    this.fate = new Fate(planned, work.host, around, this.hasRegressed);
  }

  get isOver(): boolean {
    return this.phase.name === "over";
  }

  /** True once a restart was sent: a rest is due after it. */
  get wasTouched(): boolean {
    return this.isBroken || this.sentAtMs !== undefined;
  }

  /** Takes its capacity and begins, or says what it waits for. Returns when to look. */
  tryBegin(nowMs: number): number {
    if (this.phase.name !== "reserving" || this.around.tally.isHeld) return NO_LOOK;
    const { host, timings, hooks } = this.work;
    const { instance } = this.planned;
    const short = this.shortage();
    const sinceMs = Math.max(this.phase.sinceMs, this.around.capacity.progressedAtMs(instance));
    const untilMs = sinceMs + timings.progress_deadline_ms;
    if (short && nowMs >= untilMs) return this.giveUpWaiting(short, nowMs);
    if (short) {
      if (!this.phase.told) this.emit({ type: "instance.waiting", ...this.id, ...short, ms: untilMs - nowMs });
      this.phase.told = true;
      return Math.min(untilMs, nowMs + timings.between_checks_ms);
    }
    this.around.capacity.take(host, instance, nowMs);
    if (!this.drained && hooks.before_restart && !this.isOnlyGated) {
      this.phase = { name: "draining" };
      this.runHook("before_restart", hooks.before_restart);
      return NO_LOOK;
    }
    this.phase = { name: "aiming", sinceMs: nowMs };
    return nowMs;
  }

  looked(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): number {
    switch (this.phase.name) {
      case "reserving":
        return this.tryBegin(nowMs);
      case "aiming":
        return issuedAtMs < this.phase.sinceMs ? nowMs : this.aim(snapshot, this.phase.sinceMs, nowMs);
      case "under_restart":
        return this.follow(this.phase.attempt, this.phase.attempt.looked(snapshot, issuedAtMs, nowMs), nowMs);
      case "draining":
      case "enabling":
      case "failing":
      case "over":
        return NO_LOOK;
    }
  }

  /** True while it waits for a look, so that nothing of it can go on without its host. */
  get awaitsItsHost(): boolean {
    return this.phase.name === "aiming";
  }

  /** True, and another failure, for one that is tried again: that its host is lost must not make the wish be forgotten. */
  failWithoutHost(why: string, nowMs: number): boolean {
    if (!this.fate.isTriedAgain) return false;
    this.fail("indeterminate", `its host was lost before it could be restarted again: ${why}`, nowMs);
    return true;
  }

  timePassed(nowMs: number): number {
    if (this.phase.name === "reserving") return this.tryBegin(nowMs);
    if (this.phase.name === "under_restart")
      return this.follow(this.phase.attempt, this.phase.attempt.timePassed(nowMs), nowMs);
    return NO_LOOK;
  }

  /** Returns when to look. */
  changed(outcome: ChangeOutcome, nowMs: number): number {
    this.mayStillAct = outcome.kind === "indeterminate";
    if (this.mayStillAct) this.around.issue({ type: "settle", host: this.work.host, instance: this.planned.instance });
    if (this.phase.name !== "under_restart") return NO_LOOK;
    if (outcome.kind === "returned") this.phase.attempt.returned(outcome.said, nowMs);
    else if (outcome.kind === "indeterminate") {
      this.phase.attempt.lost(outcome.reason, nowMs);
      this.emit({ type: "instance.indeterminate", ...this.id, reason: outcome.reason });
    } else return this.notSent(outcome, nowMs);
    return nowMs;
  }

  /** Its lost restart can act no more, or nothing can be known of it. Returns when to look. */
  settled(outcome: SettleOutcome, nowMs: number): number {
    this.mayStillAct = false;
    if (outcome.kind === "lock_lost") this.lockLost(outcome.reason);
    if (outcome.kind !== "settled" || this.phase.name !== "under_restart") return NO_LOOK;
    this.phase.attempt.settled(nowMs);
    return nowMs;
  }

  /** Returns when to look. */
  checked(index: number, outcome: CheckOutcome, nowMs: number): number {
    if (this.phase.name !== "under_restart") return NO_LOOK;
    return this.phase.attempt.checked(index, outcome) ? nowMs : NO_LOOK;
  }

  /** Returns when to look. */
  hookFinished(hook: HookName, outcome: HookOutcome, nowMs: number): number {
    const reason = outcome.kind === "failed" ? { reason: outcome.reason } : {};
    this.emit({ type: "hook.finished", hook, ...this.id, succeeded: outcome.kind === "succeeded", ...reason });
    if (this.phase.name === "draining") return this.drainFinished(outcome, nowMs);
    if (this.phase.name !== "enabling") return NO_LOOK;
    if (outcome.kind === "failed") return this.enableFailed(outcome.reason, this.phase.ending, nowMs);
    this.drained = false;
    this.fate.enabled(this.phase.ending);
    this.conclude(nowMs);
    return NO_LOOK;
  }

  /** Nothing more is awaited of its failure: it stands, or the operator wants what failed done again. Returns when to look. */
  failureEnded(isTriedAgain: boolean, nowMs: number): number {
    if (this.phase.name !== "failing") return NO_LOOK;
    const { enabling } = this.phase;
    this.phase = { name: "over" };
    if (!isTriedAgain) return NO_LOOK;
    this.fate.tryAgain();
    if (enabling !== undefined) {
      this.enable(enabling, nowMs);
      return NO_LOOK;
    }
    this.sentAtMs = undefined;
    this.phase = { name: "reserving", sinceMs: nowMs, told: false };
    return this.tryBegin(nowMs);
  }

  /** The operator has answered: what waited goes on, with all the time that it had. Returns when to look. */
  released(nowMs: number): number {
    if (this.phase.name === "reserving") this.phase = { name: "reserving", sinceMs: nowMs, told: false };
    if (this.phase.name !== "aiming") return this.tryBegin(nowMs);
    this.phase = { name: "aiming", sinceMs: nowMs };
    return nowMs;
  }

  /** Nothing further begins. What has not been restarted stays so, and is enabled again if it was drained. */
  letGo(nowMs: number): void {
    if (this.phase.name === "reserving" || this.phase.name === "aiming") this.leaveUntouched(nowMs);
  }

  /** The operator leaves: what is under way is told as unknown. */
  abandon(): void {
    if (this.phase.name === "under_restart") this.fate.abandoned(this.drained);
    this.phase = { name: "over" };
  }

  private drainFinished(outcome: HookOutcome, nowMs: number): number {
    if (outcome.kind === "failed") {
      return this.fail(
        "hook_failed",
        `its before_restart hook failed, so it was not restarted: ${outcome.reason}`,
        nowMs,
      );
    }
    this.drained = true;
    if (this.around.tally.stop) {
      this.leaveUntouched(nowMs);
      return NO_LOOK;
    }
    this.phase = { name: "aiming", sinceMs: nowMs };
    return nowMs;
  }

  /** Restarts the instance on the evidence of a look that is as fresh as can be. Returns when to look again. */
  private aim(snapshot: ProcessSnapshot | undefined, sinceMs: number, nowMs: number): number {
    const { timings } = this.work;
    if (this.around.tally.stop) {
      this.leaveUntouched(nowMs);
      return NO_LOOK;
    }
    if (this.around.tally.isHeld) return NO_LOOK;
    if (!snapshot)
      return this.fail("vanished", "it was there at the preview and Supervisor does not list it any more", nowMs);
    if (snapshot.state === "UNKNOWN")
      return this.fail("unknown_state", "it is UNKNOWN, so it was not restarted", nowMs);
    if (this.isOnlyGated) return this.passOn(snapshot, nowMs);
    const action = snapshot.state === "STOPPED" ? "start" : "restart";
    // Of one that is tried again the state is our doing, not somebody's purpose.
    const isOurs = this.isBroken || this.hasRegressed;
    if (!isOurs) this.around.drift.compare(this.work.host, this.planned, snapshot);
    if (!isOurs && (action === "start") !== (this.planned.action === "start")) return this.skip(snapshot, nowMs);
    // Somebody else is at it, or what failed before; two clients at one instance hang each other.
    if (snapshot.state === "STOPPING" || this.mayStillAct) {
      if (nowMs - sinceMs < timings.stop_deadline_ms) return nowMs + timings.between_checks_ms;
      if (this.mayStillAct)
        return this.fail("indeterminate", "its earlier restart has not come back and may still act", nowMs);
      return this.fail("stop_deadline", "it is being stopped already, and does not end", nowMs);
    }
    // Others may have broken since the capacity was reserved. It waits, drained as it is, and then looks again.
    if (this.shortage()) {
      // One that is drained serves nobody, so it goes on counting as down.
      if (!this.drained) this.around.capacity.giveBack(this.work.host, this.planned.instance, nowMs);
      this.phase = { name: "reserving", sinceMs: nowMs, told: false };
      return this.tryBegin(nowMs);
    }
    this.restart(snapshot, action, nowMs);
    return nowMs + timings.between_checks_ms;
  }

  /** An earlier rollout has restarted it: it goes to its gate as if that had come back just now. */
  private passOn(snapshot: ProcessSnapshot, nowMs: number): number {
    // By that rollout, if at all: this one has not run the hook, and does not before the instance is proven.
    this.drained = this.work.hooks.before_restart !== undefined;
    const attempt = this.attempt({ previousPid: this.planned.previous_pid, nowMs });
    attempt.returned("", nowMs);
    return this.looked(snapshot, nowMs, nowMs);
  }

  /** It never left this machine: the instance is as it was, and may be aimed at again unless that is forbidden now. */
  private notSent(outcome: Extract<ChangeOutcome, { kind: "not_sent" | "lock_lost" }>, nowMs: number): number {
    if (outcome.kind === "lock_lost") this.lockLost(outcome.reason);
    return this.aimAgain(outcome.reason, nowMs);
  }

  private aimAgain(why: string, nowMs: number): number {
    this.sentAtMs = undefined;
    this.emit({ type: "instance.unchanged", ...this.id, reason: why });
    this.phase = { name: "aiming", sinceMs: nowMs };
    if (this.around.tally.stop) this.leaveUntouched(nowMs);
    return nowMs;
  }

  private lockLost(reason: string): void {
    if (this.around.tally.halt("lock_lost", reason)) this.emit({ type: "rollout.halted", code: "lock_lost", reason });
  }

  private restart(
    snapshot: ProcessSnapshot,
    action: "restart" | "start",
    nowMs: number,
    previousPid = snapshot.pid,
  ): void {
    const { host } = this.work;
    const { instance } = this.planned;
    const previous = previousPid === undefined ? {} : { previous_pid: previousPid };
    this.sentAtMs = nowMs;
    this.mayStillAct = true;
    this.attempt({ before: snapshot, previousPid, nowMs });
    this.emit({ type: "instance.restarting", ...this.id, action, previous_state: snapshot.state, ...previous });
    this.around.issue({ type: "change", host, instance, action });
  }

  private attempt(begun: ConstructorParameters<typeof Attempt>[3]): Attempt {
    const attempt = new Attempt(this.planned, this.work, this.around, begun);
    this.phase = { name: "under_restart", attempt };
    return attempt;
  }

  /** Acts on what an attempt has come to. Returns when to look again. */
  private follow({ previousPid }: Attempt, progress: Progress, nowMs: number): number {
    switch (progress.kind) {
      case "wait":
        return progress.lookAtMs;
      case "healthy":
        return this.becomeHealthy(progress.pid, previousPid, nowMs);
      case "failed":
        return this.fail(progress.code, progress.reason, nowMs);
      case "unchanged":
        return this.aimAgain(progress.reason, nowMs);
      case "half_done":
        // It was taken down by us, so it is brought up even if the rollout goes no further; a start restarts nothing.
        this.restart(progress.snapshot, "start", nowMs, previousPid);
        return nowMs + this.work.timings.between_checks_ms;
    }
  }

  private becomeHealthy(pid: number, previousPid: number | undefined, nowMs: number): number {
    this.isBroken = false;
    this.fate.healthy(pid, previousPid, this.secondsTaken(nowMs));
    this.enable("healthy", nowMs);
    return NO_LOOK;
  }

  private skip(snapshot: ProcessSnapshot, nowMs: number): number {
    this.fate.skipped(`it was ${snapshot.state} since the preview`);
    this.leaveUntouched(nowMs, "skipped");
    return NO_LOOK;
  }

  private leaveUntouched(nowMs: number, ending: Ending = "untouched"): void {
    // One that was broken here stays down, and drained: it has nothing to serve with.
    if (this.isBroken) this.phase = { name: "over" };
    else if (this.drained) this.enable(ending, nowMs);
    else this.conclude(nowMs);
  }

  private shortage(): Standing | undefined {
    // What this rollout broke counts as down already, so that restarting it takes nothing away.
    return this.isBroken ? undefined : this.around.capacity.shortage(this.work.host, this.planned.instance);
  }

  /** An earlier rollout has restarted it, and that has not failed yet. */
  private get isOnlyGated(): boolean {
    return this.planned.action === "gate" && !this.isBroken && !this.hasRegressed;
  }

  /** It serves again, or still: until here it counted as down. */
  private conclude(nowMs: number): void {
    // Not before: one whose after_healthy hook fails is a failure already, and cannot regress as well.
    const { provenPid } = this.fate;
    if (provenPid !== undefined) this.around.expect(this.work.host, this.planned.instance, provenPid);
    this.around.capacity.giveBack(this.work.host, this.planned.instance, nowMs);
    this.phase = { name: "over" };
  }

  /** Runs the after_healthy hook, which undoes what before_restart did. */
  private enable(ending: Ending, nowMs: number): void {
    const hook = this.work.hooks.after_healthy;
    if (!hook) {
      this.conclude(nowMs);
      return;
    }
    this.phase = { name: "enabling", ending };
    this.runHook("after_healthy", hook);
  }

  private giveUpWaiting({ healthy, min_healthy }: Standing, nowMs: number): number {
    const program = programOf(this.planned.instance);
    const standing = `${healthy} of ${program} are healthy, and min_healthy asks that ${min_healthy} stay so`;
    const reason = `${this.work.host} ${this.planned.instance}: ${standing}`;
    if (this.around.tally.halt("floor_not_met", reason))
      this.emit({ type: "rollout.halted", code: "floor_not_met", reason });
    this.leaveUntouched(nowMs);
    return NO_LOOK;
  }

  private fail(code: InstanceFailureCode, reason: string, nowMs: number): number {
    this.isBroken ||= this.phase.name === "under_restart";
    const isAsBefore = !this.isBroken && !this.drained;
    if (isAsBefore) this.around.capacity.giveBack(this.work.host, this.planned.instance, nowMs);
    this.phase = { name: "failing" };
    this.tellFailure(code, reason, nowMs);
    return NO_LOOK;
  }

  private enableFailed(why: string, ending: Ending, nowMs: number): number {
    const state = ending === "healthy" ? "healthy" : "as it was";
    const reason = `its after_healthy hook failed: ${why}; the instance itself is ${state}`;
    this.phase = { name: "failing", enabling: ending };
    this.tellFailure("hook_failed", reason, nowMs, ending);
    return NO_LOOK;
  }

  private tellFailure(code: InstanceFailureCode, reason: string, nowMs: number, before?: Ending): void {
    const seconds = this.secondsTaken(nowMs);
    this.fate.failed({ code, reason, seconds, stillDrained: this.drained }, before);
  }

  private secondsTaken(nowMs: number): number {
    return this.sentAtMs === undefined ? 0 : (nowMs - this.sentAtMs) / 1000;
  }

  private runHook(hook: HookName, command: Hook): void {
    const { host, vars, timings } = this.work;
    const { instance } = this.planned;
    this.around.issue({ type: "run_hook", hook, command, vars, timeoutMs: timings.command_timeout_ms, host, instance });
  }

  private get id() {
    return { host: this.work.host, program: this.planned.program, instance: this.planned.instance };
  }

  private emit(event: RolloutEvent): void {
    this.around.issue({ type: "emit", event });
  }
}
