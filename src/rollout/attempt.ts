import { formatDuration } from "../domain/duration.ts";
import { INSTANCE_FAILURES } from "../domain/failures.ts";
import type { HostProcess, ProcessesOutcome, ProcessQuery } from "../domain/host-process.ts";
import type { CheckOutcome } from "../domain/outcomes.ts";
import { resolvedCheck } from "../domain/resolved-check.ts";
import { isNotStarted, stateKey, type ProcessSnapshot } from "../domain/process-state.ts";
import type { HostWork, PlannedInstance } from "../domain/rollout.ts";
import type { Check } from "../domain/settings.ts";
import type { Action, LostCommand } from "./actions.ts";
import { CheckReports } from "./check-reports.ts";
import { CheckRun, type CheckTrouble } from "./check-run.ts";
import { describeState, failed, type Gate, type Failed, type GateVerdict } from "./verdict.ts";
import { Leftovers, namesOf } from "./leftovers.ts";
import type { InstanceId } from "./outcome-recorder.ts";
import type { ProcessLook } from "./process-looks.ts";
import type { RunContext } from "./run-context.ts";

/** What an attempt has come to. */
export type Progress =
  /** Nothing yet: look again then. */
  | { readonly kind: "wait"; readonly lookAtMs: number }
  | { readonly kind: "healthy"; readonly pid: number }
  /** It has run and ended, as it is meant to. */
  | { readonly kind: "completed" }
  /** No process of it runs, as is meant. */
  | { readonly kind: "down"; readonly as: "stopped" | "removed" }
  | Failed
  /** It was lost on the way, and can no longer act. */
  | Extract<LostCommand, { kind: "not_done" | "half_done" }>;

/** The facts with which an attempt starts. */
export interface AttemptStart {
  readonly action: Action;
  /** What was seen before the restart; undefined where that was another rollout's. */
  readonly before?: ProcessSnapshot;
  readonly previousPid: number | undefined;
  /** That one and, of earlier attempts, those that may have left something behind. */
  readonly oldPids: Iterable<number>;
  /** The line of supervisord's log with its start before the restart, where that was looked for. */
  readonly startBefore?: string;
  readonly nowMs: number;
}

/** One restart from its sending to the verdict on it: its gate, its checks, and what came of it if it was lost. */
export class Attempt {
  /** On which it was before the restart. */
  readonly previousPid: number | undefined;
  /** How often the host's supervisord had been found restarted when it was sent. */
  private readonly supervisorRestarts: number;
  private readonly planned: PlannedInstance;
  private readonly work: HostWork;
  private readonly context: RunContext;
  private readonly action: Action;
  private readonly gate: Gate;
  private checks: CheckRun;
  private readonly checkReports = new CheckReports();
  private readonly leftovers: Leftovers;
  /** The process that the gate has let through, and since when. */
  private proven: { readonly pid: number; readonly sinceMs: number } | undefined;
  /** Of one that is to be down. */
  private downSinceMs: number | undefined;
  private areLeftoversReported = false;
  /** Since when its lost restart can no longer act: the next look that was sent later shows what it has done. */
  private endedAtMs: number | undefined;
  /** State and pid as last reported, so that a look that shows nothing new is not reported. */
  private reported: string;

  constructor(
    planned: PlannedInstance,
    work: HostWork,
    context: RunContext,
    { action, before, previousPid, oldPids, startBefore, nowMs }: AttemptStart,
  ) {
    this.planned = planned;
    this.work = work;
    this.context = context;
    this.previousPid = previousPid;
    this.supervisorRestarts = context.supervisors.restartsOf(work.host);
    this.reported = before ? stateKey(before) : "";
    this.action = action;
    this.gate = this.action.gate(work.timings, previousPid, nowMs, {
      mayExit: work.on_expected_exit === "accept",
      mayComplete: planned.may_complete === true,
      ...(startBefore !== undefined && { startBefore }),
    });
    this.leftovers = new Leftovers(action.endsProcess ? (work.leftovers ?? "ignore") : "ignore", oldPids);
    this.checks = this.newChecks();
  }

  private newChecks(): CheckRun {
    const { host, vars, checks, timings } = this.work;
    const { instance } = this.planned;
    const old = this.previousPid === undefined ? {} : { previousPid: this.previousPid };
    return new CheckRun(checks, timings.between_checks_ms, (index, check) => {
      const { newPid: pid } = this.gate;
      if (pid !== undefined) this.context.issue({ type: "check", host, instance, index, check, vars, pid, ...old });
    });
  }

  /** The command came back; `said` is its text. */
  returned(said: string, nowMs: number, isRefused?: boolean): void {
    this.gate.commandReturned(said, nowMs, isRefused);
    this.leftovers.lookAgain(nowMs, undefined);
  }

  /** The connection was lost while the command ran. */
  lost(reason: string, nowMs: number): void {
    this.gate.commandLost(reason, nowMs);
  }

  /** It was lost and can no longer act. */
  canNoLongerAct(nowMs: number): void {
    this.endedAtMs = nowMs;
  }

  /**
   * A check of the process on this pid was answered. True if nothing more is to be awaited of its checks: the last word is
   * a look's, which must show that process.
   */
  checked(index: number, pid: number, outcome: CheckOutcome, nowMs: number): boolean {
    // What was asked for an attempt before this one says nothing about it.
    if (pid !== this.gate.newPid) return false;
    const check = this.checks.answered(index, outcome, nowMs);
    const report = check && this.checkReports.answered(index, outcome, nowMs);
    if (report) this.context.emit({ ...report, ...this.id, check: this.textOf(check) });
    return this.checks.impossible !== undefined || (this.checks.isProven && this.checks.allPassed);
  }

  /** The question to its host's process table, if there is one. */
  get processQuery(): ProcessQuery | undefined {
    return this.leftovers.query;
  }

  /** True if the verdict waits for this, and for a look that shows that the proven process is still there. */
  processesSeen(look: ProcessLook, outcome: ProcessesOutcome): boolean {
    return this.leftovers.looked(look, outcome) && (this.proven ?? this.downSinceMs) !== undefined;
  }

  /** It failed faster than the process table was read. Returns what belongs to the reason of its failure. */
  processesSeenLate(look: ProcessLook, outcome: ProcessesOutcome): string {
    return this.leftovers.looked(look, outcome) && !this.areLeftoversReported ? this.leftBehind() : "";
  }

  /** True where a look can be judged only with supervisord's own log. */
  needsHistory(snapshot: ProcessSnapshot, issuedAtMs: number): boolean {
    return this.gate.needsHistory(snapshot, issuedAtMs);
  }

  looked(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): Progress {
    const progress = this.judge(snapshot, issuedAtMs, nowMs);
    // For as long as something is left, each look at the instance is one at that as well.
    const { newPid } = this.gate;
    if (newPid !== undefined && progress.kind !== "failed") this.leftovers.lookAgain(nowMs, newPid);
    return progress;
  }

  private judge(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): Progress {
    if (snapshot) this.report(snapshot);
    if (this.context.supervisors.restartsOf(this.work.host) > this.supervisorRestarts)
      return this.restartedUnder(snapshot);
    if (this.endedAtMs !== undefined && issuedAtMs >= this.endedAtMs) return this.judgeLost(snapshot, nowMs);
    const { newPid } = this.gate;
    const verdict = this.gate.observe(snapshot, issuedAtMs, nowMs);
    // Another process has taken the place of the one that was asked: it has to pass them itself.
    if (newPid !== undefined && newPid !== this.gate.newPid) {
      this.checks = this.newChecks();
      this.checkReports.startOver();
    }
    return this.follow(verdict, nowMs, snapshot);
  }

  /** The host's supervisord has ended, or is about to. */
  supervisorEnded(why: string): Failed {
    const reason = `supervisord itself ended after this restart; everything on this host is down: ${why}`;
    return { kind: "failed", code: "supervisor_ended", reason: `${reason}${this.gate.quoted()}` };
  }

  /** Another supervisord runs it now, so that whatever it is was not brought about by this restart. */
  private restartedUnder(snapshot: ProcessSnapshot | undefined): Progress {
    const { supervisors } = this.context;
    // One that is RUNNING may have been well. One that is down may have been why supervisord ended.
    const isDown = snapshot !== undefined && snapshot.state !== "RUNNING" && !isNotStarted(snapshot);
    const state = snapshot ? `it is ${describeState(snapshot)}` : "it is not listed";
    const reason = `${supervisors.restartOf(this.work.host)} after this restart was sent; ${state}${this.gate.quoted()}`;
    return { kind: "failed", code: isDown ? "supervisor_ended" : "supervisor_restarted", reason };
  }

  timePassed(nowMs: number): Progress {
    return this.follow(this.gate.verdictByTime(nowMs), nowMs);
  }

  /** The result of a lost restart, by the state that it has left. */
  private judgeLost(snapshot: ProcessSnapshot | undefined, nowMs: number): Progress {
    this.endedAtMs = undefined;
    const lost = this.action.afterLoss(snapshot, this.previousPid);
    if (lost.kind === "unknown") return failed("indeterminate", lost.reason);
    if (lost.kind !== "done") return lost;
    this.gate.commandReturned("", nowMs);
    return this.follow(this.gate.observe(snapshot, nowMs, nowMs), nowMs, snapshot);
  }

  /** @param snapshot what the look showed that the verdict is about, if it is about one */
  private follow(verdict: GateVerdict, nowMs: number, snapshot?: ProcessSnapshot): Progress {
    const { gate, checks } = this;
    if (verdict.kind === "completed") return verdict;
    if (verdict.kind === "down") return this.judgeLeftBehind(nowMs) ?? verdict;
    // Where time ran out over a check, its words say more than that time ran out.
    if (verdict.kind === "failed" && INSTANCE_FAILURES[verdict.code].process === "ended")
      this.leftovers.newHasEnded(nowMs);
    if (verdict.kind === "failed" && !(verdict.code === "healthy_deadline" && checks.isPending))
      return this.failed(verdict);
    if (checks.impossible) return this.failedOver(checks.impossible);
    if (verdict.kind === "healthy") {
      if (this.proven?.pid !== verdict.pid) this.proven = { pid: verdict.pid, sinceMs: nowMs };
      const left = this.judgeLeftovers(this.proven.sinceMs, nowMs);
      if (left) return left;
      checks.proven(nowMs);
      if (checks.allPassed) return verdict;
    }
    if (verdict.kind !== "wait" && gate.isOverdue(nowMs)) {
      const trouble = checks.failure(`healthy_deadline (${formatDuration(this.work.timings.healthy_deadline_ms)})`);
      if (trouble) return this.failedOver(trouble);
    }
    const lookAtMs = verdict.kind === "wait" ? verdict.lookAtMs : nowMs + this.work.timings.between_checks_ms;
    const isRunning = snapshot?.state === "RUNNING" && snapshot.pid === gate.newPid;
    // What the old process has left behind could answer in the place of the new one.
    const mayAsk = isRunning && (checks.isProven || this.leftovers.areGone);
    return { kind: "wait", lookAtMs: mayAsk ? Math.min(lookAtMs, checks.askDue(nowMs)) : lookAtMs };
  }

  /** Before any check: what the old process has left behind could answer in the place of the new one. */
  private judgeLeftovers(sinceMs: number, nowMs: number): Progress | undefined {
    const left = this.leftovers.remaining(sinceMs);
    if (left === "unknown") {
      const { leftovers, timings } = this.work;
      if (!this.gate.isOverdue(nowMs)) return { kind: "wait", lookAtMs: nowMs + timings.between_checks_ms };
      if (leftovers === "warn") return undefined;
      const reason = `could not determine whether processes of its old process group are still running: ${this.leftovers.whyUnknown}`;
      return { kind: "failed", code: "leftovers", reason };
    }
    if (left.length === 0) return undefined;
    this.reportLeftovers(left);
    if (this.work.leftovers === "warn") return undefined;
    return {
      kind: "failed",
      code: "leftovers",
      reason: `${namesOf(left)} of its old process group ${left.length === 1 ? "is" : "are"} still running`,
    };
  }

  /** It is down: what its old process has left behind has as long to end as it has where a new one takes its place. */
  private judgeLeftBehind(nowMs: number): Progress | undefined {
    const { min_healthy_time_ms, between_checks_ms } = this.work.timings;
    this.downSinceMs ??= nowMs;
    const untilMs = this.downSinceMs + min_healthy_time_ms;
    if (nowMs < untilMs && !this.leftovers.areGone) {
      this.leftovers.lookAgain(nowMs, undefined);
      return { kind: "wait", lookAtMs: Math.min(untilMs, nowMs + between_checks_ms) };
    }
    const left = this.judgeLeftovers(untilMs, nowMs);
    if (left?.kind === "wait") this.leftovers.lookAgain(nowMs, undefined);
    return left;
  }

  /** The cause first, then the check, to be pasted. */
  private failedOver({ code, reason, check }: CheckTrouble): Progress {
    return this.failed({ kind: "failed", code, reason: `${reason}: ${this.textOf(check)}` });
  }

  private textOf(check: Check): string {
    const { host, vars } = this.work;
    const { newPid: pid } = this.gate;
    const old = this.previousPid === undefined ? {} : { previousPid: this.previousPid };
    const address = this.context.addressOf(host);
    return resolvedCheck(check, {
      host,
      address,
      vars,
      instance: this.planned.instance,
      ...(pid !== undefined && { pid }),
      ...old,
    });
  }

  private get id(): InstanceId {
    return { host: this.work.host, program: this.planned.program, instance: this.planned.instance };
  }

  /** Leftovers of the old process may be why: they hold a port, for example. */
  private failed(failure: Failed): Progress {
    return { ...failure, reason: `${failure.reason}${this.leftBehind()}` };
  }

  /** Reports the leftovers that were seen. Returns them as the end of a reason; empty if there were none. */
  private leftBehind(): string {
    const { seen } = this.leftovers;
    if (seen.length === 0) return "";
    this.reportLeftovers(seen);
    return `; ${namesOf(seen)} of its old process group ${seen.length === 1 ? "was" : "were"} still running`;
  }

  private reportLeftovers(processes: readonly HostProcess[]): void {
    if (this.areLeftoversReported) return;
    this.areLeftoversReported = true;
    this.context.emit({
      type: "instance.leftovers",
      ...this.id,
      processes: processes.map(({ pid, command }) => ({ pid, command })),
    });
  }

  private report(snapshot: ProcessSnapshot): void {
    const text = stateKey(snapshot);
    if (text === this.reported) return;
    this.reported = text;
    const { state, pid, uptime_s } = snapshot;
    const running = { ...(pid === undefined ? {} : { pid }), ...(uptime_s === undefined ? {} : { uptime_s }) };
    this.context.emit({ type: "instance.observed", ...this.id, state, ...running });
  }
}
