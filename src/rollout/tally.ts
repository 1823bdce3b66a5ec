import type { Counts, Outcome } from "../domain/events.ts";
import type { HaltCode } from "../domain/failures.ts";
import type { HostName } from "../domain/ids.ts";
import { oneLess } from "./at-least-zero.ts";
import { sizeOf, worksOf, type Limits, type Rollout } from "../domain/rollout.ts";

/** Why no further instance is touched. */
export type Stop =
  { readonly kind: "halted"; readonly code: HaltCode; readonly reason: string } | { readonly kind: "interrupted" };

/** What a failure does to the rollout. `stands`: nothing, since it is tolerated or the rollout has already halted. */
export type Consequence = "halts" | "asks" | "stands";

/** What an instance counts as; one that counts as nothing yet is untouched. */
export type CountedAs = "healthy" | "failed" | "skipped";

/** Counts outcomes, and decides from the counts whether the rollout may continue. */
export class Tally {
  private readonly planned: number;
  private readonly limits: Limits;
  /** Whether there is an operator to ask before a failure halts the rollout. */
  private asks: boolean;
  private readonly counted: Record<CountedAs, number> = { healthy: 0, failed: 0, skipped: 0 };
  /** What `max_failures` bounds: failed instances, and failures of hooks that are no instance's. */
  private failures = 0;
  private readonly unreachable: Set<HostName>;
  private stopped: Stop | undefined;
  private unanswered = 0;
  /** Something of the rollouts that it resumes is not part of it. */
  private readonly leavesOpen: boolean;
  /** The operator left restarts in progress. */
  private isLeft = false;

  constructor({ waves, skipped, unreachable, limits, on_failure, left_open = [] }: Rollout, hasOperator: boolean) {
    let planned = 0;
    for (const work of worksOf({ waves })) planned += sizeOf(work);
    this.planned = planned + skipped.length;
    this.unreachable = new Set(unreachable);
    this.limits = limits;
    this.leavesOpen = left_open.length > 0;
    this.asks = on_failure === "ask" && hasOperator;
  }

  /** Set once nothing more may start. A halt outranks an interrupt: a failure on the way out is a failure. */
  get stop(): Stop | undefined {
    return this.stopped;
  }

  /** True while the operator is asked about a failure. */
  get isHeld(): boolean {
    return !this.stopped && this.unanswered > 0;
  }

  /** Whether anything more may start. */
  get mayBegin(): boolean {
    return !this.stopped && this.unanswered === 0;
  }

  /** @param before what the instance counted as until now */
  count(before: CountedAs | undefined, now: CountedAs): void {
    if (before) this.counted[before] = oneLess(this.counted[before], `${before} instances`);
    this.counted[now]++;
    if (this.untouched < 0) throw new Error("more instances were counted than the rollout has");
  }

  /** A failure that counts against the limit: of instances, or of a hook. */
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

  /** The operator has answered the question about a failure. */
  addAnswer(): void {
    this.unanswered = oneLess(this.unanswered, "unanswered failures");
  }

  /** A failure no longer counts against the limit. */
  retractFailure(): void {
    this.failures = oneLess(this.failures, "failures");
  }

  /** A host was lost before its instances were touched. True if it is one too many; one of several waves is lost once. */
  addUnreachable(host: HostName): boolean {
    if (this.unreachable.has(host)) return false;
    this.unreachable.add(host);
    return this.unreachable.size > this.limits.max_unreachable;
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

  /** The operator does not wait for restarts or hooks in progress: whatever came of them is left undone. */
  leave(): void {
    this.interrupt();
    this.isLeft = true;
  }

  counts(): Counts {
    return { ...this.counted, untouched: this.untouched };
  }

  /** How the rollout ended; an interrupt that left nothing undone interrupted nothing. */
  outcome(): Outcome {
    if (this.stopped?.kind === "halted") return "halted";
    if (this.stopped && (this.isLeft || this.untouched > 0)) return "interrupted";
    const isWhole = this.failures + this.counted.failed + this.unreachable.size === 0 && !this.leavesOpen;
    return isWhole ? "succeeded" : "incomplete";
  }

  private get untouched(): number {
    const { healthy, failed, skipped } = this.counted;
    return this.planned - healthy - failed - skipped;
  }
}
