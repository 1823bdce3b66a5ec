import type { ChangeOutcome, LookOutcome } from "../domain/outcomes.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { HostAccess, RunOutcome, Supervisor, SupervisorReader } from "../executor/ports.ts";
import { changeArgv, statusArgv, tailArgv } from "./commands.ts";
import { parseStatus } from "./status-text.ts";

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

/** Restarts through one `supervisorctl` process per call; looks like {@link supervisorctlReader}. */
export function supervisorctl(access: HostAccess, settings: SupervisorSettings, commandTimeoutMs: number): Supervisor {
  return {
    ...supervisorctlReader(access, settings, commandTimeoutMs),
    async change(action, instance) {
      // No timeout: supervisorctl killed between its stop and its start leaves the program STOPPED for good.
      return toChange(await access.run(changeArgv(settings, action, instance)));
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

function toChange(outcome: RunOutcome): ChangeOutcome {
  switch (outcome.kind) {
    case "exited":
      return { kind: "returned", said: words(outcome) };
    case "signalled":
      return { kind: "indeterminate", reason: `supervisorctl was ended by ${outcome.signal} on the host` };
    case "unreachable":
      return { kind: "not_sent", reason: outcome.reason };
    case "timed_out":
      return { kind: "indeterminate", reason: "supervisorctl did not return" };
    case "indeterminate":
      return outcome;
  }
}

function toLog(outcome: RunOutcome): string {
  if (outcome.kind === "unreachable" || outcome.kind === "indeterminate")
    return `(its log could not be read: ${outcome.reason})`;
  if (outcome.kind === "timed_out") return "(its log could not be read in time)";
  const text = outcome.stdout.trimEnd();
  return text === "" ? words(outcome) || "(its stderr log is empty)" : text;
}

/** What it said on both streams, as one line: supervisorctl complains on stdout, sudo and the shell on stderr. */
function words(outcome: { stdout: string; stderr: string }): string {
  return `${outcome.stdout}\n${outcome.stderr}`
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(-3)
    .join("; ");
}
