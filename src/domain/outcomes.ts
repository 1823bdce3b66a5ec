import { formatElapsed } from "./duration.ts";
import type { ProcessSnapshot } from "./process-state.ts";

/** What one look at a host's supervisord gave. */
export type LookOutcome =
  /** @property supervisorPid of the supervisord that has answered, where it is known for certain */
  | { readonly kind: "seen"; readonly snapshots: readonly ProcessSnapshot[]; readonly supervisorPid?: number }
  /**
   * supervisorctl answered, but not with states: no socket, permission denied, not in PATH.
   * @property code default supervisor_unavailable
   * @property remedy what the operator can do, where the reason says more than the code
   * @property hasEnded true: a supervisord that had answered before is shutting down, or gone with its socket
   */
  | {
      readonly kind: "unavailable";
      readonly reason: string;
      readonly code?: "status_unreadable" | "not_addressable";
      readonly remedy?: string;
      readonly hasEnded?: true;
    }
  /** No connection, or no answer in time. */
  | { readonly kind: "unreachable"; readonly reason: string };

export type UnseenLook = Exclude<LookOutcome, { kind: "seen" }>;

/** What a look that saw nothing is called, before the first change as a refusal. */
export function codeOf(look: UnseenLook) {
  return look.kind === "unreachable" ? "unreachable" : (look.code ?? "supervisor_unavailable");
}

/** How the command that changes an instance ended. `said` is supervisorctl's own text: for people, never judged. */
export type ChangeOutcome =
  /**
   * @property isRefused supervisorctl did not say that it was done: of a signal, which no state shows, and of an update,
   * which may have stopped half way
   */
  | { readonly kind: "returned"; readonly said: string; readonly isRefused?: true }
  | { readonly kind: "not_sent"; readonly reason: string }
  | { readonly kind: "indeterminate"; readonly reason: string }
  | LockLost;

/** It was not sent: the lock on its host was lost for good. */
export interface LockLost {
  readonly kind: "lock_lost";
  readonly reason: string;
}

/** Whether what was sent to a host before, and never came back, can still act there. */
export type AwaitedOutcome =
  /** It cannot: what a look shows from now on is what it has done. */
  | { readonly kind: "ended" }
  /** It may: there is no lock that would show it. */
  | { readonly kind: "unprovable" }
  | LockLost;

export type CheckOutcome =
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "timed_out"; readonly after_ms: number }
  /** It was not asked, and never can be for this process: what it asks for is no URL with this pid, for example. */
  | { readonly kind: "impossible"; readonly reason: string };

/** Why a check did not pass. */
export function reasonOf(outcome: Exclude<CheckOutcome, { kind: "passed" }>): string {
  return outcome.kind === "timed_out" ? `no answer within ${formatElapsed(outcome.after_ms)}` : outcome.reason;
}

export type HookOutcome =
  | { readonly kind: "succeeded" }
  | { readonly kind: "failed"; readonly reason: string }
  /** It was not started, since that could not be recorded: the rollout is halted already. */
  | { readonly kind: "not_run"; readonly reason: string };

/** What there is to read of an instance that has failed. */
export interface LogTail {
  /** The end of a log, or in brackets why there is none. */
  readonly text: string;
  /** Of which log; absent where there is none to read. */
  readonly log?: "stderr" | "stdout";
  /** The end of its stdout log, where both have something since its restart. */
  readonly stdout?: string;
}
