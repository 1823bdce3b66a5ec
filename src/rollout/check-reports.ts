import { reasonOf, type CheckOutcome } from "../domain/outcomes.ts";

/** A check is reported again no sooner than this, however often its reason changes. */
const LEAST_BETWEEN_MS = 5000;

export type CheckReport =
  | { readonly type: "check.failing"; readonly reason: string; readonly tries: number }
  | { readonly type: "check.recovered"; readonly tries: number };

interface Reported {
  /** Undefined once it has passed. */
  readonly reason: string | undefined;
  readonly failingAtMs: number;
}

/** Reports the checks of one restart while they are asked: failures at each change, not at each try. */
export class CheckReports {
  private readonly last = new Map<number, Reported>();
  private readonly tries = new Map<number, number>();

  /** Another process has taken the place of the one that was asked. */
  startOver(): void {
    this.tries.clear();
  }

  /** Undefined if its answer says nothing new, or if the news has to wait for a later answer. */
  answered(index: number, outcome: CheckOutcome, nowMs: number): CheckReport | undefined {
    const tries = (this.tries.get(index) ?? 0) + 1;
    this.tries.set(index, tries);
    const last = this.last.get(index);
    if (outcome.kind === "passed") {
      if (last?.reason === undefined) return undefined;
      this.last.set(index, { ...last, reason: undefined });
      return { type: "check.recovered", tries };
    }
    const reason = reasonOf(outcome);
    if (last && (last.reason === reason || nowMs - last.failingAtMs < LEAST_BETWEEN_MS)) return undefined;
    this.last.set(index, { reason, failingAtMs: nowMs });
    return { type: "check.failing", reason, tries };
  }
}
