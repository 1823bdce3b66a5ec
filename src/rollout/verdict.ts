import type { InstanceFailureCode } from "../domain/failures.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";

export type GateVerdict =
  /** Not known yet: look again at `lookAtMs`. */
  | { readonly kind: "wait"; readonly lookAtMs: number }
  | { readonly kind: "healthy"; readonly pid: number }
  /** It has run, and ended as Supervisor expects: there is nothing more to come of it. */
  | { readonly kind: "completed" }
  /** No process of it runs, as is meant: it is STOPPED, or no longer configured. */
  | { readonly kind: "down"; readonly as: "stopped" | "removed" }
  | Failed;

/** @property expectedExit supervisord's log calls the exit that it failed for expected: `exit status 0` */
export interface Failed {
  readonly kind: "failed";
  readonly code: InstanceFailureCode;
  readonly reason: string;
  readonly expectedExit?: string;
}

/** Judges one instance after its command was sent, by what looks show of it. */
export interface Gate {
  /** The pid of the process that is to pass, once it is known. */
  readonly newPid: number | undefined;
  /**
   * The command came back, or can act no more; `said` is its text.
   * @param isRefused of a signal: it was not sent
   */
  commandReturned(said: string, nowMs: number, isRefused?: boolean): void;
  /** The channel was lost while the command ran. */
  commandLost(reason: string, nowMs: number): void;
  /** True where only supervisord's own log says what has become of its process: the look is judged with that. */
  needsHistory(snapshot: ProcessSnapshot, issuedAtMs: number): boolean;
  /**
   * @param snapshot what the look showed of this instance; undefined when Supervisor does not list it
   * @param issuedAtMs when the look was sent: what it shows is at least as new as this
   */
  observe(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): GateVerdict;
  /** What can be said without a look: a deadline that has passed, or when to look next. */
  verdictByTime(nowMs: number): GateVerdict;
  /** True once one that has passed has no time left for what else is asked of it. */
  isOverdue(nowMs: number): boolean;
  /** What supervisorctl said, to stand behind a reason; empty if it said nothing, or nothing yet. */
  quoted(): string;
}

export function failed(code: InstanceFailureCode, reason: string): Failed {
  return { kind: "failed", code, reason };
}

/** `FATAL (Exited too quickly)`. */
export function describeState({ state, description, pid }: ProcessSnapshot): string {
  if (state === "RUNNING") return `RUNNING on pid ${pid}`;
  return description ? `${state} (${description})` : state;
}

/** supervisorctl's text as the end of a reason. */
export function quotedFrom(said: string | undefined): string {
  return said ? `; supervisorctl said: ${said}` : "";
}
