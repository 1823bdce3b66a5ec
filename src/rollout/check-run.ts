import { reasonOf, type CheckOutcome } from "../domain/outcomes.ts";
import type { Check } from "../domain/settings.ts";

/** Which check it is, and why it stands in the way. */
export interface CheckTrouble {
  readonly code: "check_failed" | "check_timed_out";
  readonly check: Check;
  readonly reason: string;
}

interface Asked {
  readonly check: Check;
  /** How many of its answers must pass. */
  readonly passes: number;
  /** When it was asked last. */
  askedAtMs: number;
  isUnanswered: boolean;
  answeredAtMs: number;
  /** How many of its last answers passed, in a row. */
  passed: number;
  /** Its last answer that did not pass, if one did not. */
  failed?: Exclude<CheckOutcome, { kind: "passed" }>;
}

/**
 * The checks of one restarted instance. From when it runs they are asked again and again, `between_checks` apart and
 * each only once it has answered, until the last `passes` answers of all of them have passed at once. Answers from
 * before `min_healthy_time` was over count among those, but not as the last.
 */
export class CheckRun {
  private readonly all: readonly Asked[];
  private readonly betweenMs: number;
  private readonly ask: (index: number, check: Check) => void;
  /** When min_healthy_time was found to be over. */
  private provenAtMs: number | undefined;

  constructor(checks: readonly Check[], betweenMs: number, ask: (index: number, check: Check) => void) {
    this.all = checks.map((check) => ({
      check,
      passes: check.passes ?? 1,
      askedAtMs: -Infinity,
      isUnanswered: false,
      answeredAtMs: -Infinity,
      passed: 0,
    }));
    this.betweenMs = betweenMs;
    this.ask = ask;
  }

  /** min_healthy_time is over. */
  get isProven(): boolean {
    return this.provenAtMs !== undefined;
  }

  /** The instance lacks nothing but them. */
  get isPending(): boolean {
    return this.isProven && !this.allPassed;
  }

  get allPassed(): boolean {
    return this.all.every((asked) => this.hasPassed(asked));
  }

  /** One of them can never pass, whatever else becomes of the instance. */
  get impossible(): CheckTrouble | undefined {
    for (const { check, failed } of this.all)
      if (failed?.kind === "impossible")
        return { code: "check_failed", check, reason: `${failed.reason}: this check can never pass` };
    return undefined;
  }

  /** min_healthy_time is over: from here on their last answers count. */
  proven(nowMs: number): void {
    this.provenAtMs ??= nowMs;
  }

  /** Asks those that are due. Returns when the next one is, if none has to answer before that. */
  askDue(nowMs: number): number {
    let nextAtMs = Infinity;
    for (const [index, asked] of this.all.entries()) {
      if (asked.isUnanswered) continue;
      const dueAtMs = this.isStale(asked) ? nowMs : asked.askedAtMs + this.betweenMs;
      if (dueAtMs > nowMs) {
        nextAtMs = Math.min(nextAtMs, dueAtMs);
        continue;
      }
      asked.askedAtMs = nowMs;
      asked.isUnanswered = true;
      this.ask(index, asked.check);
    }
    return nextAtMs;
  }

  /** Returns the check that has answered; undefined if it was not asked. */
  answered(index: number, outcome: CheckOutcome, nowMs: number): Check | undefined {
    const asked = this.all[index];
    if (!asked?.isUnanswered) return undefined;
    asked.isUnanswered = false;
    asked.answeredAtMs = nowMs;
    asked.passed = outcome.kind === "passed" ? asked.passed + 1 : 0;
    if (outcome.kind !== "passed") asked.failed = outcome;
    return asked.check;
  }

  /**
   * Which check has kept an instance from being healthy in time. A try that is cut off by that says less than the one before it.
   * @param deadline in words, with its length
   */
  failure(deadline: string): CheckTrouble | undefined {
    const asked = this.all.find((each) => !this.hasPassed(each));
    if (!asked) return undefined;
    const { check, passes, passed, failed } = asked;
    const isCutOff = passed >= passes || (passed === 0 && failed?.kind !== "failed");
    const code = isCutOff ? "check_timed_out" : "check_failed";
    if (passed >= passes)
      return { code, check, reason: `no answer since min_healthy_time was over, still so at ${deadline}` };
    if (passed > 0) {
      const before = failed ? `${reasonOf(failed)}, then ` : "";
      return { code, check, reason: `${before}passed only ${passed} of ${passes} times in a row at ${deadline}` };
    }
    const why = failed ? reasonOf(failed) : "no answer";
    return { code, check, reason: `${why}, still so at ${deadline}` };
  }

  private hasPassed(asked: Asked): boolean {
    return asked.passed >= asked.passes && !this.isStale(asked);
  }

  /** Its last answer, if there is one, is from before min_healthy_time was over. */
  private isStale({ answeredAtMs }: Asked): boolean {
    return this.provenAtMs !== undefined && answeredAtMs < this.provenAtMs;
  }
}
