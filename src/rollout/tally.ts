import type { Counts, Outcome } from "../domain/events.ts";
import type { HaltCode } from "../domain/failures.ts";

/** Why no further instance is touched. */
export type Stop =
  | { readonly kind: "halted"; readonly code: HaltCode; readonly reason: string }
  | { readonly kind: "interrupted"; readonly signal: string };

/** Counts what became of the instances and decides whether the rollout may go on. */
export class Tally {
  private readonly planned: number;
  private healthy = 0;
  private failed = 0;
  private abandoned = 0;
  private skipped: number;
  private stopped: Stop | undefined;

  /** @param planned instances that the rollout means to restart; @param skipped those that planning left out */
  constructor(planned: number, skipped: number) {
    this.planned = planned + skipped;
    this.skipped = skipped;
  }

  /** Set once nothing further may begin. A halt outranks an interrupt: a failure on the way out is a failure. */
  get stop(): Stop | undefined {
    return this.stopped;
  }

  addHealthy(): void {
    this.healthy++;
  }

  addSkipped(): void {
    this.skipped++;
  }

  /** No failure is tolerated: the first halts the rollout. True if this one did. */
  addFailed(code: HaltCode, reason: string): boolean {
    this.failed++;
    return this.halt(code, reason);
  }

  /** Left while under restart: what became of it is unknown, which counts as failed. */
  addAbandoned(): void {
    this.failed++;
    this.abandoned++;
  }

  /** True unless the rollout had been halted already. */
  halt(code: HaltCode, reason: string): boolean {
    if (this.stopped?.kind === "halted") return false;
    this.stopped = { kind: "halted", code, reason };
    return true;
  }

  /** True unless the rollout was stopping already. */
  interrupt(signal: string): boolean {
    if (this.stopped) return false;
    this.stopped = { kind: "interrupted", signal };
    return true;
  }

  counts(): Counts {
    const { healthy, failed, skipped } = this;
    return { healthy, failed, skipped, untouched: this.planned - healthy - failed - skipped };
  }

  /** How the rollout ended; an interrupt that left nothing undone interrupted nothing. */
  outcome(): Outcome {
    if (this.stopped?.kind === "halted") return "halted";
    if (this.stopped && this.counts().untouched + this.abandoned > 0) return "interrupted";
    return this.failed > 0 ? "incomplete" : "succeeded";
  }
}
