import { formatElapsed } from "../domain/duration.ts";
import { isRunning, type ProcessSnapshot } from "../domain/process-state.ts";
import type { Timings } from "../domain/rollout.ts";
import { CommandGate } from "./command-gate.ts";
import { describeState, failed, type GateVerdict } from "./verdict.ts";

/**
 * Judges one signalled instance: RUNNING on the pid that it had, for `min_healthy_time` from the first look after the
 * signal. No state shows whether a signal has arrived, so that supervisorctl must have said so.
 */
export class SameProcessGate extends CommandGate {
  private readonly pid: number | undefined;
  /** Since when looks have shown it on its pid, without a break. */
  private sinceMs: number | undefined;
  private lastSeen = "not seen";
  /** A look that was sent after the signal has shown it. */
  private wasSeenSince = false;

  constructor(timings: Timings, pid: number | undefined, sentAtMs: number) {
    super(timings, sentAtMs);
    this.pid = pid;
  }

  /** Before it is signalled, its checks would say nothing of what it has loaded. */
  get newPid(): number | undefined {
    return this.returned && this.pid;
  }

  observe(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): GateVerdict {
    if (!snapshot) return failed("vanished", "it was in `supervisorctl status` before its signal and no longer is");
    this.lastSeen = describeState(snapshot);
    if (!this.returned || issuedAtMs < this.returned.atMs) return this.verdictByTime(nowMs);
    this.wasSeenSince = true;
    if (this.returned.isRefused)
      return failed("not_signalled", `supervisorctl did not send the signal${this.quoted()}`);
    if (!isRunning(snapshot) || snapshot.pid !== this.pid) return this.judgeEnded(snapshot, nowMs);
    this.sinceMs ??= nowMs;
    const { min_healthy_time_ms } = this.timings;
    const isProven = min_healthy_time_ms === 0 || issuedAtMs - this.sinceMs >= min_healthy_time_ms;
    return isProven && this.pid !== undefined ? { kind: "healthy", pid: this.pid } : this.verdictByTime(nowMs);
  }

  verdictByTime(nowMs: number): GateVerdict {
    const { between_checks_ms, min_healthy_time_ms } = this.timings;
    const deadlineMs = this.deadlineMs();
    if (nowMs >= deadlineMs) return this.overdue();
    const provenAtMs = this.sinceMs === undefined ? Infinity : this.sinceMs + min_healthy_time_ms;
    return {
      kind: "wait",
      lookAtMs: Math.min(deadlineMs, nowMs + between_checks_ms, Math.max(nowMs, provenAtMs)),
    };
  }

  isOverdue(nowMs: number): boolean {
    return this.returned !== undefined && nowMs >= this.deadlineMs();
  }

  /** A signal is sent in a moment, unless supervisord hangs. */
  private deadlineMs(): number {
    const { command_timeout_ms, healthy_deadline_ms } = this.timings;
    return this.returned ? this.returned.atMs + healthy_deadline_ms : this.sentAtMs + command_timeout_ms;
  }

  private judgeEnded(snapshot: ProcessSnapshot, nowMs: number): GateVerdict {
    const what = `it was on pid ${this.pid} when it was signalled, and is ${describeState(snapshot)}`;
    switch (snapshot.state) {
      // Another user stops it: how that ends is not known yet.
      case "STOPPING":
        return this.verdictByTime(nowMs);
      case "STOPPED":
        return failed("stayed_stopped", what);
      case "EXITED":
        return failed("exited", what);
      case "FATAL":
        return failed("fatal", what);
      case "UNKNOWN":
        return failed("unknown_state", what);
      case "RUNNING":
      case "STARTING":
      case "BACKOFF":
        return failed("flapping", `${what}: its process has ended, and Supervisor has started it again`);
    }
  }

  private overdue(): GateVerdict {
    const { command_timeout_ms, healthy_deadline_ms } = this.timings;
    if (this.returned && !this.wasSeenSince)
      return failed(
        "indeterminate",
        `no look at it succeeded within ${formatElapsed(healthy_deadline_ms)} of its signal`,
      );
    if (this.returned)
      return failed(
        "healthy_deadline",
        `it was not healthy ${formatElapsed(healthy_deadline_ms)} after its signal: it is ${this.lastSeen}${this.quoted()}`,
      );
    const why = this.lost ?? `supervisorctl has not returned ${formatElapsed(command_timeout_ms)} after it was called`;
    return failed("indeterminate", `${why}; the signal may have arrived, or may still arrive: it is ${this.lastSeen}`);
  }
}
