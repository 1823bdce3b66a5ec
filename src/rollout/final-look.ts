import type { InstanceFailureCode } from "../domain/failures.ts";
import { isNotStarted, type ProcessSnapshot, type ProcessState } from "../domain/process-state.ts";
import type { PlannedInstance } from "../domain/rollout.ts";

/** What the last look before its restart says of an instance. */
export type BeforeRestart =
  | { readonly kind: "failed"; readonly code: InstanceFailureCode; readonly reason: string }
  /** An earlier rollout or the operator has restarted it: only its gate is left. */
  | { readonly kind: "restarted" }
  /** Another user is starting it. How that ends is not known yet: the gate shows it. */
  | { readonly kind: "being_started" }
  | { readonly kind: "due"; readonly action: "restart" | "start" }
  /** Another user has started or stopped it since the preview: it is left as it is. */
  | { readonly kind: "left_alone" };

/** What only its run knows of an instance. */
export interface KnownBefore {
  /** It is tried again, so that its state is our doing and not another user's wish. */
  readonly isOurs: boolean;
  /** An earlier rollout has restarted it, and that has not failed yet. */
  readonly isOnlyGated: boolean;
  /** How its host's supervisord was restarted during this rollout, if it was. */
  readonly supervisorRestart: string | undefined;
}

/** In these Supervisor does not start a process by itself. */
const AT_REST: ReadonlySet<ProcessState> = new Set(["STOPPED", "EXITED", "FATAL"]);

/** @param snapshot undefined where Supervisor does not list it */
export function judgeBeforeRestart(
  { action, before, failed_as }: PlannedInstance,
  snapshot: ProcessSnapshot | undefined,
  { isOurs, isOnlyGated, supervisorRestart }: KnownBefore,
): BeforeRestart {
  if (!snapshot) return failed("vanished", "it was there at the preview and Supervisor does not list it any more");
  const { state } = snapshot;
  if (state === "UNKNOWN") return failed("unknown_state", "it is UNKNOWN, so it was not restarted");
  if (isOnlyGated) return { kind: "restarted" };
  if (!isOurs) {
    if (failed_as !== undefined && AT_REST.has(before.state) && state === "RUNNING") return { kind: "restarted" };
    if (action === "start" && (state === "STARTING" || state === "BACKOFF")) return { kind: "being_started" };
    if (supervisorRestart !== undefined && before.state !== "STOPPED" && isNotStarted(snapshot))
      return failed(
        "supervisor_restarted",
        `it was ${before.state} at the preview and is STOPPED (Not started): ${supervisorRestart}`,
      );
  }
  // One that was to be started, and failed when another user started it, is still to be started.
  const isDown = action === "start" ? AT_REST.has(state) : state === "STOPPED";
  if (!isOurs && isDown !== (action === "start")) return { kind: "left_alone" };
  return { kind: "due", action: isDown ? "start" : "restart" };
}

function failed(code: InstanceFailureCode, reason: string): BeforeRestart {
  return { kind: "failed", code, reason };
}
