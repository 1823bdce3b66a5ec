import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { Timings } from "../domain/rollout.ts";
import { quotedFrom, type Gate, type GateVerdict } from "./verdict.ts";

/** What the gates of signals and of stops have in common: nothing is judged before their command has returned. */
export abstract class CommandGate implements Gate {
  abstract readonly newPid: number | undefined;
  protected readonly timings: Timings;
  protected readonly sentAtMs: number;
  protected returned: { readonly atMs: number; readonly said: string; readonly isRefused: boolean } | undefined;
  /** Why its channel was lost, unless it is known since that it can act no more. */
  protected lost: string | undefined;

  constructor(timings: Timings, sentAtMs: number) {
    this.timings = timings;
    this.sentAtMs = sentAtMs;
  }

  commandReturned(said: string, nowMs: number, isRefused = false): void {
    this.lost = undefined;
    this.returned = { atMs: nowMs, said, isRefused };
  }

  commandLost(reason: string): void {
    this.lost = reason;
  }

  needsHistory(): boolean {
    return false;
  }

  quoted(): string {
    return quotedFrom(this.returned?.said);
  }

  abstract observe(snapshot: ProcessSnapshot | undefined, issuedAtMs: number, nowMs: number): GateVerdict;
  abstract verdictByTime(nowMs: number): GateVerdict;
  abstract isOverdue(nowMs: number): boolean;
}
