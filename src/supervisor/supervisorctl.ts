import type { LookOutcome } from "../domain/outcomes.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { HostAccess, RunOutcome, SupervisorReader } from "../executor/ports.ts";
import { statusArgv, tailArgv } from "./commands.ts";
import { parseStatus } from "./status-text.ts";
import { words } from "./words.ts";

/** A log is read after a failure, when the operator waits for the report: it is not worth a minute. */
const LOG_TIMEOUT_MS = 10_000;

/**
 * Looks through one `supervisorctl` process per call.
 * @param commandTimeoutMs bound of a look; a hung supervisord makes supervisorctl hang for ever
 */
export function supervisorctlReader(
  access: HostAccess,
  settings: SupervisorSettings,
  commandTimeoutMs: number,
): SupervisorReader {
  return {
    async look() {
      return toLook(await access.run(statusArgv(settings), { timeoutMs: commandTimeoutMs }), commandTimeoutMs);
    },
    async tailLog(instance) {
      return toLog(
        await access.run(tailArgv(settings, instance), { timeoutMs: Math.min(LOG_TIMEOUT_MS, commandTimeoutMs) }),
      );
    },
  };
}

/** `status` ends so when it could list everything: 3 when something is STOPPED, EXITED, FATAL or UNKNOWN (0 before Supervisor 4). */
const LISTED_ALL: readonly number[] = [0, 3];

/** Judged by the states. Of the exit code only this: any other one cut the list short, and what is missing has not vanished. */
function toLook(outcome: RunOutcome, timeoutMs: number): LookOutcome {
  switch (outcome.kind) {
    case "exited": {
      const snapshots = parseStatus(outcome.stdout);
      const said = words(outcome);
      if (LISTED_ALL.includes(outcome.code) && (snapshots.length > 0 || said === ""))
        return { kind: "seen", snapshots };
      return {
        kind: "unavailable",
        reason: said === "" ? `supervisorctl ended with exit code ${outcome.code} and said nothing` : said,
      };
    }
    case "signalled":
      return { kind: "unavailable", reason: `supervisorctl was ended by ${outcome.signal}` };
    case "timed_out":
      return {
        kind: "unavailable",
        reason: `supervisorctl gave no answer within ${timeoutMs / 1000} s: supervisord may hang`,
      };
    case "unreachable":
    case "indeterminate":
      return { kind: "unreachable", reason: outcome.reason };
  }
}

function toLog(outcome: RunOutcome): string {
  if (outcome.kind === "unreachable" || outcome.kind === "indeterminate")
    return `(its log could not be read: ${outcome.reason})`;
  if (outcome.kind === "timed_out") return "(its log could not be read in time)";
  const text = outcome.stdout.trimEnd();
  return text === "" ? words(outcome) || "(its stderr log is empty)" : text;
}
