import type { InstanceFailureCode } from "../../domain/failures.ts";
import { isRunning, type ProcessSnapshot, type ProcessState } from "../../domain/process-state.ts";
import type { PlannedInstance } from "../../domain/rollout.ts";
import { lastStartIn, type KnownHistory } from "../../domain/process-history.ts";
import { hasCompleted, type EarlierOutcome } from "./resumed.ts";

/**
 * What a resume does with an instance: nothing, if it is healthy and serves, or has completed.
 * @property pid on which it is expected to stay, unless it has completed
 */
export type ResumeAction =
  | { readonly action: "nothing"; readonly pid?: number | undefined }
  | Pick<PlannedInstance, "action" | "previous_pid" | "previous_start" | "failed_as">;

/** How an instance may end by design, and what supervisord's log says of its ends. */
export interface MayEnd {
  /** And be started again by Supervisor: what is EXITED is so for a moment. */
  readonly mayExit: boolean;
  /** For good, once. */
  readonly mayComplete: boolean;
  readonly history: KnownHistory | undefined;
}

/**
 * What a resume does with an instance to which a restart was sent before.
 *
 * What failed is restarted again: its files may have been fixed since, and the process that failed does not show it.
 * What was down when it failed and runs now was started by the operator, or is a slow start that has completed: it is
 * only checked. What is unknown may have been restarted, so it is checked first if another process runs than before, or
 * if it may have ended since by design.
 */
export function resumeAction(
  outcome: EarlierOutcome,
  snapshot: ProcessSnapshot,
  { mayExit, mayComplete, history }: MayEnd,
): ResumeAction {
  const { state, pid } = snapshot;
  const isBetween = mayExit && (state === "EXITED" || state === "STARTING");
  const mayHaveCompleted = mayComplete && state === "EXITED";
  const serves = outcome.kind === "healthy" && !outcome.drained;
  if (serves && isRunning(snapshot)) return { action: "nothing", pid };
  // If its process has ended otherwise, that is noticed as soon as it is looked at.
  if (serves && isBetween && outcome.pid !== undefined) return { action: "nothing", pid: outcome.pid };
  if (serves && (hasCompleted(outcome) || (mayHaveCompleted && !hasCrashed(history)))) return { action: "nothing" };
  const failed = failureOf(outcome, serves);
  // A start never restarts it twice, no matter who stopped it.
  if (state === "STOPPED") return { action: "start", ...failed };
  // One that is only still drained is checked once more, and then enabled.
  const previousPid = serves ? outcome.pid : outcome.previousPid;
  const isNew = state === "RUNNING" && pid !== previousPid;
  const isOnlyChecked =
    outcome.kind === "failed"
      ? isNew && wasDown(outcome)
      : isNew ||
        state === "STARTING" ||
        state === "BACKOFF" ||
        isBetween ||
        (mayHaveCompleted && !serves && !isAsBefore(outcome, history));
  if (!isOnlyChecked) return { action: "restart", ...failed };
  const { previousStart } = outcome;
  return {
    action: "gate",
    ...(previousPid !== undefined && { previous_pid: previousPid }),
    ...(previousStart !== undefined && { previous_start: previousStart }),
    ...failed,
  };
}

/** It has ended otherwise than Supervisor expects. */
function hasCrashed(history: KnownHistory | undefined): boolean {
  return history?.kind === "read" && history.processes.at(-1)?.end === "unexpected";
}

/** By the log it has not been started since it was to be restarted, so that nothing was done. */
function isAsBefore({ previousStart }: EarlierOutcome, history: KnownHistory | undefined): boolean {
  return history?.kind === "read" && previousStart !== "" && lastStartIn(history.processes) === previousStart;
}

/** How it counts as failed, for the preview and the rollout: what was healthy and no longer runs has regressed. */
function failureOf(outcome: EarlierOutcome, serves: boolean): Pick<PlannedInstance, "failed_as"> {
  if (outcome.kind === "failed") return { failed_as: outcome.code };
  if (outcome.kind === "unknown") return { failed_as: "indeterminate" };
  return serves ? { failed_as: "regressed" } : {};
}

/** What these found was not running; of a stop that took too long only the old process was. */
const DOWN: ReadonlySet<InstanceFailureCode> = new Set([
  "fatal",
  "exited",
  "stayed_stopped",
  "unknown_state",
  "vanished",
  "stop_deadline",
  "supervisor_ended",
]);

/** In these Supervisor starts a process again by itself, or cannot yet. */
const PASSING: ReadonlySet<ProcessState> = new Set(["STARTING", "BACKOFF", "STOPPING"]);

/** Whether no process of its restart was running when it failed. */
function wasDown({ code, state }: Extract<EarlierOutcome, { kind: "failed" }>): boolean {
  if (DOWN.has(code)) return true;
  // Where no look is recorded, it is rather restarted once more than left on what has failed.
  if (state === undefined || state === "RUNNING") return false;
  // It ran, died and will run again: that it runs now says nothing.
  return !((code === "flapping" || code === "regressed") && PASSING.has(state));
}
