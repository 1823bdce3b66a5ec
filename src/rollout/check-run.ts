import { formatElapsed } from "../domain/duration.ts";
import type { CheckOutcome } from "../domain/outcomes.ts";
import { templateOf, type Check } from "../domain/settings.ts";

/** @property last how its last try ended, if one has and it did not pass */
interface Standing {
  readonly check: Check;
  is: "due" | "running" | "passed";
  last?: Exclude<CheckOutcome, { kind: "passed" }>;
}

/** The checks of one restarted instance: each is tried until it has passed once. */
export class CheckRun {
  private readonly standings: readonly Standing[];
  private readonly issue: (index: number, check: Check) => void;

  constructor(checks: readonly Check[], issue: (index: number, check: Check) => void) {
    this.standings = checks.map((check) => ({ check, is: "due" }));
    this.issue = issue;
  }

  /** Begun, and not all passed yet. */
  get isPending(): boolean {
    return !this.allPassed && this.standings.some(({ is, last }) => is !== "due" || last !== undefined);
  }

  get allPassed(): boolean {
    return this.standings.every(({ is }) => is === "passed");
  }

  /** Begins those that have not passed and are not running. */
  begin(): void {
    for (const [index, standing] of this.standings.entries()) {
      if (standing.is !== "due") continue;
      standing.is = "running";
      this.issue(index, standing.check);
    }
  }

  finished(index: number, outcome: CheckOutcome): void {
    const standing = this.standings[index];
    // One that was begun for an attempt before this one says nothing about it.
    if (standing?.is !== "running") return;
    standing.is = outcome.kind === "passed" ? "passed" : "due";
    if (outcome.kind !== "passed") standing.last = outcome;
  }

  /** What to say of an instance whose time is up. A try that is cut off by that says less than the one before it. */
  failure(): { readonly code: "check_failed" | "check_timed_out"; readonly reason: string } {
    const standing = this.standings.find(({ is }) => is !== "passed");
    const what = standing ? textOf(standing.check) : "";
    const last = standing?.last;
    if (last?.kind === "failed")
      return { code: "check_failed", reason: `${what} did not pass until healthy_deadline: ${last.reason}` };
    const within = last ? `within ${formatElapsed(last.after_ms)}` : "until healthy_deadline";
    return { code: "check_timed_out", reason: `${what} gave no answer ${within}` };
  }
}

/** `tcp 127.0.0.1:80`. */
export function textOf(check: Check): string {
  return `${check.kind} ${templateOf(check)}`;
}
