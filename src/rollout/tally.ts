import type { Counts, Outcome } from "../domain/events.ts";
import type { HaltCode } from "../domain/failures.ts";
import { sizeOf, worksOf, type Limits, type Rollout } from "../domain/rollout.ts";

/** Why no further instance is touched. */
export type Stop =
  { readonly kind: "halted"; readonly code: HaltCode; readonly reason: string } | { readonly kind: "interrupted" };

/** Counts what became of the instances and decides whether the rollout may go on. */
export class Tally {
  private readonly planned: number;
  private readonly limits: Limits;
  private healthy = 0;
  private failed = 0;
  private abandoned = 0;
  private skipped: number;
  /** What `max_failures` bounds: failed instances, and failures of hooks that are no instance's. */
  private failures = 0;
  private unreachable: number;
  private stopped: Stop | undefined;

  constructor({ waves, skipped, unreachable, limits }: Rollout) {
    let planned = 0;
    for (const work of worksOf({ waves })) planned += sizeOf(work);
    this.planned = planned + skipped.length;
    this.skipped = skipped.length;
    this.unreachable = unreachable.length;
    this.limits = limits;
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

  /** True if this failure halts the rollout. */
  addFailed(code: HaltCode, reason: string): boolean {
    this.failed++;
    return this.addFailure(code, reason);
  }

  /** One that was counted otherwise has failed after all. True if that halts the rollout. */
  addFailedAfterAll(countedAs: "healthy" | "skipped", code: HaltCode, reason: string): boolean {
    this[countedAs]--;
    return this.addFailed(code, reason);
  }

  /** A failure that is no instance's. True if it halts the rollout. */
  addFailure(code: HaltCode, reason: string): boolean {
    this.failures++;
    return this.failures > this.limits.max_failures && this.halt(code, reason);
  }

  /** A host was lost before its instances were touched. True if that halts the rollout. */
  addUnreachable(reason: string): boolean {
    this.unreachable++;
    return this.unreachable > this.limits.max_unreachable && this.halt("unreachable", reason);
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
  interrupt(): boolean {
    if (this.stopped) return false;
    this.stopped = { kind: "interrupted" };
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
    return this.failures + this.failed + this.unreachable > 0 ? "incomplete" : "succeeded";
  }
}
