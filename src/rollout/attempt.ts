import type { InstanceFailureCode } from "../domain/failures.ts";
import type { CheckOutcome } from "../domain/outcomes.ts";
import { isNotStarted, type ProcessSnapshot } from "../domain/process-state.ts";
import type { HostWork, PlannedInstance } from "../domain/rollout.ts";
import { CheckRun } from "./check-run.ts";
import { describe, Gate, type Verdict } from "./gate.ts";
import type { Surroundings } from "./surroundings.ts";

/** What an attempt has come to. */
export type Progress =
  /** Nothing yet: look again then. */
  | { readonly kind: "wait"; readonly lookAtMs: number }
  | { readonly kind: "healthy"; readonly pid: number }
  | { readonly kind: "failed"; readonly code: InstanceFailureCode; readonly reason: string }
  /** It was lost on the way: nothing was done, and nothing of it can be done any more. */
  | { readonly kind: "unchanged"; readonly reason: string }
  /** It was lost between its stop and its start. */
  | { readonly kind: "half_done"; readonly snapshot: ProcessSnapshot };

/** One restart from its sending to the verdict on it: its gate, its checks, and what came of it if it was lost. */
export class Attempt {
  /** On which it was before the restart. */
  readonly previousPid: number | undefined;
  /** How often the host's supervisord had been found restarted when it was sent. */
  private readonly supervisorRestarts: number;
  private readonly planned: PlannedInstance;
  private readonly work: HostWork;
  private readonly around: Surroundings;
  private readonly gate: Gate;
  private readonly checks: CheckRun;
  /** Since when its lost restart can act no more: the next look that was sent later shows what came of it. */
  private settledAtMs: number | undefined;
  /** State and pid as last told, so that a look that shows nothing new tells nothing. */
  private told: string;

  /** @param before what was seen before the restart; undefined where that was another rollout's */
  constructor(
    planned: PlannedInstance,
    work: HostWork,
    around: Surroundings,
    { before, previousPid, nowMs }: { before?: ProcessSnapshot; previousPid: number | undefined; nowMs: number },
  ) {
    this.planned = planned;
    this.work = work;
    this.around = around;
    this.previousPid = previousPid;
    this.supervisorRestarts = around.supervisors.restartsOf(work.host);
    this.told = before ? textOf(before) : "";
    this.gate = new Gate(work.timings, previousPid, nowMs);
    const { host, vars } = work;
    const { instance } = planned;
    this.checks = new CheckRun(work.checks, (index, check) =>
      around.issue({ type: "check", host, instance, index, check, vars }),
    );
  }

  /** The command came back; `said` is its text. */
  returned(said: string, nowMs: number): void {
    this.gate.commandReturned(said, nowMs);
  }

  /** The connection was lost while the command was under way. */
  lost(reason: string, nowMs: number): void {
    this.gate.commandLost(reason, nowMs);
  }

  /** Since it was lost: it can act no more. */
  settled(nowMs: number): void {
    this.settledAtMs = nowMs;
  }

  /** True if all checks have passed: the last word is a look's, which must show the process that was proven. */
  checked(index: number, outcome: CheckOutcome): boolean {
    this.checks.finished(index, outcome);
    return this.checks.allPassed;
  }

  looked(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): Progress {
    if (snapshot) this.tell(snapshot);
    if (this.around.supervisors.restartsOf(this.work.host) > this.supervisorRestarts)
      return this.restartedUnder(snapshot);
    if (this.settledAtMs !== undefined && issuedAtMs >= this.settledAtMs) return this.settle(snapshot, nowMs);
    return this.follow(this.gate.observe(snapshot, issuedAtMs, nowMs), nowMs);
  }

  /** The host's supervisord has ended, or is about to. */
  supervisorEnded(why: string): Extract<Progress, { kind: "failed" }> {
    const reason = `supervisord itself ended after this restart; everything on this host is down: ${why}`;
    return { kind: "failed", code: "supervisor_ended", reason: `${reason}${this.gate.quoted()}` };
  }

  /** Another supervisord runs it now, so that whatever it is was not brought about by this restart. */
  private restartedUnder(snapshot: ProcessSnapshot | undefined): Progress {
    const { supervisors } = this.around;
    // Seen RUNNING it may have been well. What is not may have been why supervisord ended.
    const isDown = snapshot !== undefined && snapshot.state !== "RUNNING" && !isNotStarted(snapshot);
    const state = snapshot ? `it is ${describe(snapshot)}` : "it is not listed";
    const reason = `${supervisors.restartOf(this.work.host)} after this restart was sent; ${state}${this.gate.quoted()}`;
    return { kind: "failed", code: isDown ? "supervisor_ended" : "supervisor_restarted", reason };
  }

  timePassed(nowMs: number): Progress {
    return this.follow(this.gate.verdictByTime(nowMs), nowMs);
  }

  /** What became of a lost restart, by the state that it has left. */
  private settle(snapshot: ProcessSnapshot | undefined, nowMs: number): Progress {
    this.settledAtMs = undefined;
    if (snapshot?.state === "RUNNING" && snapshot.pid === this.previousPid)
      return { kind: "unchanged", reason: `its restart was lost on the way: it is still on pid ${snapshot.pid}` };
    if (snapshot?.state === "STOPPED") return { kind: "half_done", snapshot };
    this.gate.commandReturned("", nowMs);
    return this.follow(this.gate.observe(snapshot, nowMs, nowMs), nowMs);
  }

  private follow(verdict: Verdict, nowMs: number): Progress {
    const { gate, checks } = this;
    if (verdict.kind === "wait") return verdict;
    // Where time ran out over a check, its words say more than that time ran out.
    if (verdict.kind === "failed" && !(verdict.code === "healthy_deadline" && checks.isPending)) return verdict;
    if (verdict.kind === "healthy" && checks.allPassed) return verdict;
    if (gate.isOverdue(nowMs)) return { kind: "failed", ...checks.failure() };
    checks.begin();
    return { kind: "wait", lookAtMs: nowMs + this.work.timings.between_checks_ms };
  }

  private tell(snapshot: ProcessSnapshot): void {
    const text = textOf(snapshot);
    if (text === this.told) return;
    this.told = text;
    const { program, instance } = this.planned;
    const { state, pid, uptime_s } = snapshot;
    const running = { ...(pid === undefined ? {} : { pid }), ...(uptime_s === undefined ? {} : { uptime_s }) };
    const id = { host: this.work.host, program, instance };
    this.around.emit({ type: "instance.observed", ...id, state, ...running });
  }
}

function textOf({ state, pid }: ProcessSnapshot): string {
  return `${state} ${pid ?? ""}`;
}
