import type { Counts, Outcome } from "../domain/events.ts";
import type { HaltCode } from "../domain/failures.ts";
import type { HostName } from "../domain/ids.ts";
import { sizeOf, worksOf, type Limits, type Rollout } from "../domain/rollout.ts";

/** Why no further instance is touched. */
export type Stop =
  { readonly kind: "halted"; readonly code: HaltCode; readonly reason: string } | { readonly kind: "interrupted" };

/** What a failure does to the rollout. The last: nothing, as it is tolerated or the rollout is halted already. */
export type Consequence = "halts" | "asks" | "stands";

/** Counts what became of the instances and decides whether the rollout may go on. */
export class Tally {
  private readonly planned: number;
  private readonly limits: Limits;
  /** Whether there is an operator to ask before a failure halts the rollout. */
  private asks: boolean;
  private healthy = 0;
  private failed = 0;
  private skipped: number;
  /** What `max_failures` bounds: failed instances, and failures of hooks that are no instance's. */
  private failures = 0;
  private readonly unreachable: Set<HostName>;
  private stopped: Stop | undefined;
  private unanswered = 0;
  /** Something of the rollouts that it resumes is not part of it. */
  private readonly leavesOpen: boolean;
  /** The operator left what was under way. */
  private isLeft = false;

  constructor({ waves, skipped, unreachable, limits, on_failure, left_open = [] }: Rollout, hasOperator: boolean) {
    let planned = 0;
    for (const work of worksOf({ waves })) planned += sizeOf(work);
    this.planned = planned + skipped.length;
    this.skipped = skipped.length;
    this.unreachable = new Set(unreachable);
    this.limits = limits;
    this.leavesOpen = left_open.length > 0;
    this.asks = on_failure === "ask" && hasOperator;
  }

  /** Set once nothing further may begin. A halt outranks an interrupt: a failure on the way out is a failure. */
  get stop(): Stop | undefined {
    return this.stopped;
  }

  /** True while the operator is asked about a failure. */
  get isHeld(): boolean {
    return !this.stopped && this.unanswered > 0;
  }

  /** Whether anything may be begun that is not under way. */
  get mayBegin(): boolean {
    return !this.stopped && this.unanswered === 0;
  }

  addHealthy(): void {
    this.healthy++;
  }

  addSkipped(): void {
    this.skipped++;
  }

  /** An instance has failed; one that was counted otherwise before has done so after all. */
  addFailed(code: HaltCode, reason: string, countedAs?: "healthy" | "skipped"): Consequence {
    this.addFailedWith(countedAs);
    return this.addFailure(code, reason);
  }

  /** Another instance has failed with one whose failure is counted. */
  addFailedWith(countedAs?: "healthy" | "skipped"): void {
    if (countedAs) this[countedAs]--;
    this.failed++;
  }

  /** A failure that is no instance's. */
  addFailure(code: HaltCode, reason: string, askable = this.asks): Consequence {
    this.failures++;
    if (this.failures <= this.limits.max_failures) return "stands";
    if (!askable || this.stopped) return this.halt(code, reason) ? "halts" : "stands";
    this.unanswered++;
    return "asks";
  }

  /** All is done: nothing could be tried again. */
  askNoMore(): void {
    this.asks = false;
  }

  /** The operator has answered what is to be done about a failure. */
  addAnswer(): void {
    this.unanswered--;
  }

  /** An instance has another fate after its failure. */
  retractFailed(): void {
    this.failed--;
  }

  /** A failure counts no more against what is tolerated. */
  retractFailure(): void {
    this.failures--;
  }

  /** A host was lost before its instances were touched. True if it is one too many; one of several waves is lost once. */
  addUnreachable(host: HostName): boolean {
    if (this.unreachable.has(host)) return false;
    this.unreachable.add(host);
    return this.unreachable.size > this.limits.max_unreachable;
  }

  /** Left while under restart: what became of it is unknown, which counts as failed. */
  addAbandoned(): void {
    this.failed++;
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

  /** The operator does not wait for what is under way, be it only a hook: whatever came of it is left undone. */
  leave(): void {
    this.interrupt();
    this.isLeft = true;
  }

  counts(): Counts {
    const { healthy, failed, skipped } = this;
    return { healthy, failed, skipped, untouched: this.planned - healthy - failed - skipped };
  }

  /** How the rollout ended; an interrupt that left nothing undone interrupted nothing. */
  outcome(): Outcome {
    if (this.stopped?.kind === "halted") return "halted";
    if (this.stopped && (this.isLeft || this.counts().untouched > 0)) return "interrupted";
    const isWhole = this.failures + this.failed + this.unreachable.size === 0 && !this.leavesOpen;
    return isWhole ? "succeeded" : "incomplete";
  }
}
