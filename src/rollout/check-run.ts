import { formatElapsed } from "../domain/duration.ts";
import type { CheckOutcome } from "../domain/outcomes.ts";
import type { Check } from "../domain/settings.ts";

type Standing = "due" | "running" | "passed" | Exclude<CheckOutcome, { kind: "passed" }>;

/** The checks of one restarted instance: each is tried until it has passed once. */
export class CheckRun {
  private readonly checks: readonly Check[];
  private readonly standings: Standing[];
  private readonly issue: (index: number, check: Check) => void;

  constructor(checks: readonly Check[], issue: (index: number, check: Check) => void) {
    this.checks = checks;
    this.standings = checks.map(() => "due");
    this.issue = issue;
  }

  /** Begun, and not all passed yet. */
  get isPending(): boolean {
    return !this.allPassed && this.standings.some((standing) => standing !== "due");
  }

  get allPassed(): boolean {
    return this.standings.every((standing) => standing === "passed");
  }

  /** Begins those that have not passed and are not running. */
  begin(): void {
    for (const [index, check] of this.checks.entries()) {
      const standing = this.standings[index];
      if (standing === "passed" || standing === "running") continue;
      this.standings[index] = "running";
      this.issue(index, check);
    }
  }

  finished(index: number, outcome: CheckOutcome): void {
    // One that was begun for an attempt before this one says nothing about it.
    if (this.standings[index] !== "running") return;
    this.standings[index] = outcome.kind === "passed" ? "passed" : outcome;
  }

  /** What to say of an instance whose time is up. */
  failure(): { readonly code: "check_failed" | "check_timed_out"; readonly reason: string } {
    const index = this.standings.findIndex((standing) => standing !== "passed");
    const standing = this.standings[index];
    const check = this.checks[index];
    const what = check ? textOf(check) : "";
    if (typeof standing === "object" && standing.kind === "failed")
      return { code: "check_failed", reason: `${what} did not pass until healthy_deadline: ${standing.reason}` };
    const afterMs = typeof standing === "object" ? standing.after_ms : (check?.timeout_ms ?? 0);
    return { code: "check_timed_out", reason: `${what} gave no answer within ${formatElapsed(afterMs)}` };
  }
}

function textOf(check: Check): string {
  switch (check.kind) {
    case "http":
      return `http ${check.url}`;
    case "tcp":
      return `tcp ${check.address}`;
    case "command":
      return `command ${check.command}`;
  }
}
