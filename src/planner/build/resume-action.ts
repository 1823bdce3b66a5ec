import { INSTANCE_FAILURES } from "../../domain/failures.ts";
import { isRunning, type ProcessSnapshot, type ProcessState } from "../../domain/process-state.ts";
import type { PlannedInstance } from "../../domain/rollout.ts";
import { lastStartIn, type KnownHistory } from "../../domain/process-history.ts";
import { hasCompleted, type EarlierOutcome } from "./resumed.ts";

/**
 * What a resume does with an instance: nothing, if it is healthy and serves, or has completed.
 * @property pid on which it is expected to stay, unless it has completed
 */
export type ResumeAction =
  | { readonly action: "nothing"; readonly pid?: number | undefined; readonly why?: string }
  | (Pick<PlannedInstance, "action" | "signal" | "previous_pid" | "previous_start" | "failed_as"> & {
      /** Something to know before the first change. */
      readonly warning?: string;
    });

/** How an instance may exit by design, and what supervisord's log says of its exits. */
export interface MayEnd {
  /** And is started again by Supervisor: EXITED only lasts a moment. */
  readonly mayExit: boolean;
  /** For good, once. */
  readonly mayComplete: boolean;
  readonly history: KnownHistory | undefined;
}

/**
 * What a resume does with an instance to which a restart was sent before.
 *
 * A failed instance is restarted again: its files may have been fixed since, and the failed process does not show it.
 * If it was down when it failed and runs now, the operator has started it, or a slow start has completed: it is only
 * checked. An unknown one may have been restarted, so it is checked first if its process is a new one, or if it may have
 * exited since by design.
 */
export function resumeAction(
  outcome: EarlierOutcome,
  snapshot: ProcessSnapshot,
  { mayExit, mayComplete, history }: MayEnd,
): ResumeAction {
  const { state, pid } = snapshot;
  if (outcome.sent.action === "stop") return stopAgain(outcome, snapshot);
  const ofSignal = outcome.sent.signal === undefined ? undefined : signalAgain(outcome, outcome.sent.signal, snapshot);
  if (ofSignal) return ofSignal;
  const isBetween = mayExit && (state === "EXITED" || state === "STARTING");
  const mayHaveCompleted = mayComplete && state === "EXITED";
  const serves = outcome.kind === "healthy" && !outcome.drained;
  if (serves && isRunning(snapshot)) return { action: "nothing", pid };
  // A crash of its process is noticed at the first look.
  if (serves && isBetween && outcome.pid !== undefined) return { action: "nothing", pid: outcome.pid };
  if (serves && (hasCompleted(outcome) || (mayHaveCompleted && !hasCrashed(history)))) return { action: "nothing" };
  const failed = failureOf(outcome, serves);
  // A start never restarts it twice, no matter who stopped it.
  if (state === "STOPPED") return { action: "start", ...failed };
  // One that is only still drained is checked once more, and then enabled.
  const previousPid = serves ? outcome.pid : outcome.previousPid;
  const isNew = state === "RUNNING" && pid !== previousPid;
  // Its group has the configuration that is on the disk, so that there is nothing to load.
  if (outcome.sent.action === "update" && outcome.kind === "unknown" && state === "RUNNING" && !isNew)
    return { action: "nothing", why: "its configuration has not changed" };
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

/** One that is down is left so, whether our stop or another user has done that. */
function stopAgain(outcome: EarlierOutcome, { state }: ProcessSnapshot): ResumeAction {
  if (state === "STOPPED" || state === "FATAL" || state === "EXITED")
    return { action: "nothing", why: "it was stopped before" };
  return { action: "stop", ...failureOf(outcome, false) };
}

/**
 * A signal that may have arrived is never sent again. One after which its process has failed is, if it runs: what made it
 * fail may have been fixed. Undefined where it is like a restart: its process is down, or is a new one.
 */
function signalAgain(
  outcome: EarlierOutcome,
  signal: string,
  { state, pid }: ProcessSnapshot,
): ResumeAction | undefined {
  if (state !== "RUNNING") return undefined;
  const isSame = pid === (outcome.kind === "healthy" ? outcome.pid : outcome.previousPid);
  switch (outcome.kind) {
    case "healthy":
      if (!outcome.drained) return { action: "nothing", pid, why: "it was signalled before and is healthy" };
      return isSame && pid !== undefined ? { action: "gate", signal, previous_pid: pid } : undefined;
    case "unknown":
      return isSame && pid !== undefined
        ? { action: "gate", signal, previous_pid: pid, failed_as: "indeterminate", warning: notAgain(signal) }
        : undefined;
    case "failed":
      return !isSame && wasDown(outcome) ? undefined : { action: "signal", signal, failed_as: outcome.code };
  }
}

function notAgain(signal: string): string {
  return `nobody knows whether ${signal} has arrived, and it is not sent again: it is only checked whether it is healthy`;
}

/** Its last exit was not one that Supervisor expects. */
function hasCrashed(history: KnownHistory | undefined): boolean {
  return history?.kind === "read" && history.processes.at(-1)?.end === "unexpected";
}

/** The log shows no start since its restart was sent: nothing was done. */
function isAsBefore({ previousStart }: EarlierOutcome, history: KnownHistory | undefined): boolean {
  return history?.kind === "read" && previousStart !== "" && lastStartIn(history.processes) === previousStart;
}

/** The failure that the preview and the rollout name: one that was healthy and no longer runs has regressed. */
function failureOf(outcome: EarlierOutcome, serves: boolean): Pick<PlannedInstance, "failed_as"> {
  if (outcome.kind === "failed") return { failed_as: outcome.code };
  if (outcome.kind === "unknown") return { failed_as: "indeterminate" };
  return serves ? { failed_as: "regressed" } : {};
}

/** States from which Supervisor starts a process again by itself, or cannot yet. */
const PASSING: ReadonlySet<ProcessState> = new Set(["STARTING", "BACKOFF", "STOPPING"]);

/** Whether no process of its restart was running when it failed. */
function wasDown({ code, state }: Extract<EarlierOutcome, { kind: "failed" }>): boolean {
  if (INSTANCE_FAILURES[code].process !== "may_run") return true;
  // If no look is recorded, one more restart is safer than leaving it on the failed process.
  if (state === undefined || state === "RUNNING") return false;
  // It ran, died and will run again: that it runs now says nothing.
  return !((code === "flapping" || code === "regressed") && PASSING.has(state));
}
