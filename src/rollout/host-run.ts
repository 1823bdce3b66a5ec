import type { InstanceFailureCode } from "../domain/failures.ts";
import { programOf, type InstanceName } from "../domain/ids.ts";
import type { LookOutcome, ChangeOutcome } from "../domain/outcomes.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { HostWork, PlannedInstance } from "../domain/rollout.ts";
import type { RolloutEvent } from "../domain/events.ts";
import { Gate, type Verdict } from "./gate.ts";
import type { Command } from "./messages.ts";
import type { Tally } from "./tally.ts";

/** One instance while it is its turn. */
type Phase =
  /** Waits for a look that was sent after its turn came: a pid from preflight may be long gone. */
  | { readonly name: "aiming"; readonly sinceMs: number }
  | {
      readonly name: "under_restart";
      readonly gate: Gate;
      readonly sentAtMs: number;
      readonly previousPid: number | undefined;
    }
  /** Its failure is decided; only the end of its log is still awaited. */
  | {
      readonly name: "failing";
      readonly code: InstanceFailureCode;
      readonly reason: string;
      readonly seconds: number;
      readonly halts: boolean;
    };

interface InstanceRun {
  readonly planned: PlannedInstance;
  phase: Phase;
  /** State and pid as last told, so that a look that shows nothing new tells nothing. */
  told: string;
}

/** What a host's run needs of the rollout that it is part of. */
export interface Surroundings {
  readonly tally: Tally;
  issue(command: Command): void;
  /** All of the host's work has ended, or will not begin any more. */
  hostEnded(): void;
}

/**
 * Walks one host through its work: instance batch by instance batch, each look, restart and gate, the rests between.
 *
 * One look answers for all instances of the host, so looks are asked for by the host: at most one is on its way,
 * and an answer counts only for what was true when it was sent.
 */
export class HostRun {
  private readonly work: HostWork;
  private readonly around: Surroundings;
  private readonly active = new Map<InstanceName, InstanceRun>();
  private nextBatch = 0;
  private look: { readonly issuedAtMs: number; again: boolean } | undefined;
  private resting = false;
  private touchedAny = false;
  private ended = false;
  /** Since when looks have failed without one that succeeded. */
  private unseenSinceMs: number | undefined;

  constructor(work: HostWork, around: Surroundings) {
    this.work = work;
    this.around = around;
  }

  begin(nowMs: number): void {
    this.beginNextBatch(nowMs);
  }

  looked(outcome: LookOutcome, nowMs: number): void {
    const look = this.look;
    if (!look) return;
    this.look = undefined;
    if (outcome.kind === "seen") this.lookSucceeded(outcome.snapshots, look.issuedAtMs, nowMs);
    else this.lookFailed(outcome, nowMs);
    if (this.ended) return;
    if (look.again) this.requestLook(nowMs);
    this.settleBatch(nowMs);
  }

  restarted(instance: InstanceName, outcome: ChangeOutcome, nowMs: number): void {
    const run = this.active.get(instance);
    if (run?.phase.name !== "under_restart") return;
    if (outcome.kind === "returned") run.phase.gate.commandReturned(outcome.said, nowMs);
    else if (outcome.kind === "indeterminate") {
      run.phase.gate.commandLost(outcome.reason, nowMs);
      this.emit({ type: "instance.indeterminate", ...this.of(run), reason: outcome.reason });
    } else {
      // It never left this machine, so the instance is as it was and may be aimed at again, within the same patience.
      run.phase = { name: "aiming", sinceMs: nowMs };
      this.lookFailed({ kind: "unreachable", reason: outcome.reason }, nowMs);
      this.settleBatch(nowMs);
      return;
    }
    this.requestLook(nowMs);
  }

  logRead(instance: InstanceName, text: string, nowMs: number): void {
    const run = this.active.get(instance);
    if (run?.phase.name !== "failing") return;
    const { code, reason, seconds, halts } = run.phase;
    this.emit({ type: "instance.failed", ...this.of(run), code, reason, seconds, log_tail: text });
    if (halts) this.emit({ type: "rollout.halted", code, reason: this.placed(run, reason) });
    this.active.delete(instance);
    this.settleBatch(nowMs);
  }

  woken(nowMs: number): void {
    if (this.ended) return;
    if (this.resting) {
      this.resting = false;
      this.beginNextBatch(nowMs);
      return;
    }
    for (const run of this.active.values()) {
      if (run.phase.name === "under_restart") this.follow(run, run.phase.gate.verdictByTime(nowMs), nowMs);
    }
    if (this.active.size > 0) this.requestLook(nowMs);
    this.settleBatch(nowMs);
  }

  /** Nothing further begins: what has not been touched stays so, what is under restart finishes its gate. */
  stopBeginning(nowMs: number): void {
    for (const [instance, run] of this.active) if (run.phase.name === "aiming") this.active.delete(instance);
    this.resting = false;
    this.settleBatch(nowMs);
  }

  /** The operator leaves: what is under way is told as unknown. */
  abandon(): void {
    for (const run of this.active.values()) {
      if (run.phase.name !== "under_restart") continue;
      const reason = "the operator left while it was being restarted";
      this.around.tally.addAbandoned();
      this.emit({ type: "instance.indeterminate", ...this.of(run), reason });
    }
    this.active.clear();
    this.ended = true;
  }

  private beginNextBatch(nowMs: number): void {
    const batch = this.work.batches[this.nextBatch];
    if (!batch || this.around.tally.stop) {
      this.end();
      return;
    }
    this.nextBatch++;
    this.touchedAny = false;
    for (const planned of batch.instances)
      this.active.set(planned.instance, { planned, phase: { name: "aiming", sinceMs: nowMs }, told: "" });
    this.requestLook(nowMs);
  }

  private requestLook(nowMs: number): void {
    if (this.look) {
      this.look.again = true;
      return;
    }
    this.look = { issuedAtMs: nowMs, again: false };
    this.around.issue({ type: "look", host: this.work.host });
  }

  private lookSucceeded(snapshots: readonly ProcessSnapshot[], issuedAtMs: number, nowMs: number): void {
    if (this.unseenSinceMs !== undefined)
      this.emit({ type: "host.connected", host: this.work.host, instances: snapshots.length });
    this.unseenSinceMs = undefined;
    const seen = new Map(snapshots.map((snapshot) => [snapshot.instance, snapshot]));
    let lookAtMs = Infinity;
    for (const run of [...this.active.values()]) {
      const snapshot = seen.get(run.planned.instance);
      if (run.phase.name === "failing") continue;
      if (run.phase.name === "aiming") lookAtMs = Math.min(lookAtMs, this.aim(run, snapshot, nowMs));
      else {
        if (snapshot) this.tell(run, snapshot);
        lookAtMs = Math.min(lookAtMs, this.follow(run, run.phase.gate.observe(snapshot, issuedAtMs, nowMs), nowMs));
      }
    }
    this.wakeAt(lookAtMs);
  }

  /** Looks that fail are waited out: a gate until its deadlines, one who has not touched anything for `command_timeout`. */
  private lookFailed(outcome: { kind: "unreachable" | "unavailable"; reason: string }, nowMs: number): void {
    if (this.unseenSinceMs === undefined) {
      this.unseenSinceMs = nowMs;
      this.emit({
        type: "host.unreachable",
        host: this.work.host,
        code: outcome.kind === "unreachable" ? "unreachable" : "supervisor_unavailable",
        reason: outcome.reason,
      });
    }
    const lostMs = nowMs - this.unseenSinceMs;
    let lookAtMs = nowMs + this.work.timings.between_checks_ms;
    for (const run of [...this.active.values()]) {
      if (run.phase.name === "under_restart")
        lookAtMs = Math.min(lookAtMs, this.follow(run, run.phase.gate.verdictByTime(nowMs), nowMs));
      else if (run.phase.name === "aiming" && lostMs >= this.work.timings.command_timeout_ms) {
        const reason = `${this.work.host}: ${outcome.reason}`;
        if (this.around.tally.halt("unreachable", reason))
          this.emit({ type: "rollout.halted", code: "unreachable", reason });
      }
    }
    this.wakeAt(lookAtMs);
  }

  /** Restarts an instance on the evidence of a look that is as fresh as can be. Returns when to look again. */
  private aim(run: InstanceRun, snapshot: ProcessSnapshot | undefined, nowMs: number): number {
    const { timings, host } = this.work;
    if (this.around.tally.stop) {
      this.active.delete(run.planned.instance);
      return Infinity;
    }
    if (!snapshot)
      return this.fail(run, "vanished", "it was there at the preview and Supervisor does not list it any more", 0);
    if (snapshot.state === "UNKNOWN")
      return this.fail(run, "unknown_state", "it is UNKNOWN, so it was not restarted", 0);
    if (snapshot.state === "STOPPED") {
      this.around.tally.addSkipped();
      this.emit({ type: "instance.skipped", ...this.of(run), why: "it was STOPPED since the preview" });
      this.active.delete(run.planned.instance);
      return Infinity;
    }
    // Somebody else is stopping it; two clients at one instance hang each other.
    if (snapshot.state === "STOPPING") {
      if (run.phase.name === "aiming" && nowMs - run.phase.sinceMs >= timings.stop_deadline_ms)
        return this.fail(run, "stop_deadline", "somebody else is stopping it, and it does not end", 0);
      return nowMs + timings.between_checks_ms;
    }
    const previousPid = snapshot.pid;
    this.touchedAny = true;
    run.told = toldAs(snapshot);
    run.phase = { name: "under_restart", gate: new Gate(timings, previousPid, nowMs), sentAtMs: nowMs, previousPid };
    const previous = previousPid === undefined ? {} : { previous_pid: previousPid };
    this.emit({ type: "instance.restarting", ...this.of(run), previous_state: snapshot.state, ...previous });
    this.around.issue({ type: "restart", host, instance: run.planned.instance });
    return nowMs + timings.between_checks_ms;
  }

  /** Acts on what the gate says. Returns when to look again. */
  private follow(run: InstanceRun, verdict: Verdict, nowMs: number): number {
    if (run.phase.name !== "under_restart") return Infinity;
    if (verdict.kind === "wait") return verdict.lookAtMs;
    const { sentAtMs, previousPid } = run.phase;
    const seconds = (nowMs - sentAtMs) / 1000;
    if (verdict.kind === "failed") return this.fail(run, verdict.code, verdict.reason, seconds);
    this.around.tally.addHealthy();
    const previous = previousPid === undefined ? {} : { previous_pid: previousPid };
    this.emit({ type: "instance.healthy", ...this.of(run), pid: verdict.pid, ...previous, seconds });
    this.active.delete(run.planned.instance);
    return Infinity;
  }

  /** Counts the failure at once, so that nothing further begins while the log is being read. */
  private fail(run: InstanceRun, code: InstanceFailureCode, reason: string, seconds: number): number {
    const halts = this.around.tally.addFailed(code, this.placed(run, reason));
    run.phase = { name: "failing", code, reason, seconds, halts };
    this.around.issue({ type: "read_log", host: this.work.host, instance: run.planned.instance });
    return Infinity;
  }

  private settleBatch(nowMs: number): void {
    if (this.active.size > 0 || this.resting || this.ended) return;
    if (this.nextBatch >= this.work.batches.length || this.around.tally.stop) {
      this.end();
      return;
    }
    const restMs = this.touchedAny ? this.work.timings.between_restarts_ms : 0;
    if (restMs === 0) {
      this.beginNextBatch(nowMs);
      return;
    }
    this.resting = true;
    this.emit({ type: "host.resting", host: this.work.host, ms: restMs });
    this.wakeAt(nowMs + restMs);
  }

  private end(): void {
    this.ended = true;
    this.emit({ type: "host.finished", host: this.work.host });
    this.around.hostEnded();
  }

  private wakeAt(atMs: number): void {
    if (atMs !== Infinity) this.around.issue({ type: "wake", host: this.work.host, atMs });
  }

  private tell(run: InstanceRun, snapshot: ProcessSnapshot): void {
    const told = toldAs(snapshot);
    if (told === run.told) return;
    run.told = told;
    const { state, pid, uptime_s } = snapshot;
    this.emit({
      type: "instance.observed",
      ...this.of(run),
      state,
      ...(pid === undefined ? {} : { pid }),
      ...(uptime_s === undefined ? {} : { uptime_s }),
    });
  }

  private placed(run: InstanceRun, reason: string): string {
    return `${this.work.host} ${run.planned.instance}: ${reason}`;
  }

  private of(run: InstanceRun) {
    return { host: this.work.host, program: programOf(run.planned.instance), instance: run.planned.instance };
  }

  private emit(event: RolloutEvent): void {
    this.around.issue({ type: "emit", event });
  }
}

function toldAs({ state, pid }: ProcessSnapshot): string {
  return `${state} ${pid ?? ""}`;
}
