import { formatElapsed } from "../domain/duration.ts";
import type { ProcessSnapshot, ProcessState } from "../domain/process-state.ts";
import type { Timings } from "../domain/rollout.ts";
import { CommandGate } from "./command-gate.ts";
import { describeState, failed, type GateVerdict } from "./verdict.ts";

/** In these Supervisor does not start a process by itself. */
export const AT_REST: ReadonlySet<ProcessState> = new Set(["STOPPED", "EXITED", "FATAL"]);

/** Judges one instance that is to be down: stopped, or removed with the configuration that had it. */
export class DownGate extends CommandGate {
  /** There is no process to ask. */
  readonly newPid = undefined;
  private readonly as: "stopped" | "removed";
  private downSinceMs: number | undefined;
  private lastSeen = "not seen";

  constructor(as: "stopped" | "removed", timings: Timings, sentAtMs: number) {
    super(timings, sentAtMs);
    this.as = as;
  }

  observe(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): GateVerdict {
    this.lastSeen = snapshot ? describeState(snapshot) : "not listed";
    if (!this.returned || issuedAtMs < this.returned.atMs) return this.verdictByTime(nowMs);
    if (!snapshot && this.as === "stopped")
      return failed("vanished", "it was in `supervisorctl status` before its stop and no longer is");
    if (!snapshot || AT_REST.has(snapshot.state)) {
      this.downSinceMs ??= nowMs;
      return { kind: "down", as: this.as };
    }
    if (snapshot.state === "STOPPING") return this.verdictByTime(nowMs);
    return failed("not_stopped", `supervisorctl returned, and it is ${this.lastSeen}${this.quoted()}`);
  }

  verdictByTime(nowMs: number): GateVerdict {
    const { stop_deadline_ms, between_checks_ms } = this.timings;
    const deadlineMs = this.sentAtMs + stop_deadline_ms;
    // It was seen down: its host may have been lost while something else of it was awaited.
    if (this.isOverdue(nowMs)) return { kind: "down", as: this.as };
    if (this.downSinceMs !== undefined) return { kind: "wait", lookAtMs: nowMs + between_checks_ms };
    if (nowMs >= deadlineMs) return this.overdue();
    return { kind: "wait", lookAtMs: Math.min(deadlineMs, nowMs + between_checks_ms) };
  }

  isOverdue(nowMs: number): boolean {
    return this.downSinceMs !== undefined && nowMs >= this.downSinceMs + this.timings.healthy_deadline_ms;
  }

  private overdue(): GateVerdict {
    const { stop_deadline_ms } = this.timings;
    if (this.lost !== undefined)
      return failed("indeterminate", `${this.lost}; it was ${this.lastSeen} since, and its stop may still take effect`);
    return failed("stop_deadline", `it has not stopped ${formatElapsed(stop_deadline_ms)} after its stop was sent`);
  }
}
