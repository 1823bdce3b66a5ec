import { isNotStarted, type ProcessSnapshot } from "../domain/process-state.ts";
import type { PlannedInstance } from "../domain/rollout.ts";
import type { Action, ChangeCommand } from "./actions.ts";
import { AT_REST } from "./down-gate.ts";
import { describeState, failed, type Failed } from "./verdict.ts";

/** What the last look before its restart says of an instance. */
export type FinalLook =
  | Failed
  | Due
  /** An earlier rollout or the operator has done it, or another user is doing it: only its gate is left. */
  | { readonly kind: "restarted" | "being_done"; readonly snapshot: ProcessSnapshot }
  /** Another user has started or stopped it since the preview: it is left as it is. */
  | { readonly kind: "left_alone"; readonly snapshot: ProcessSnapshot };

/** It is to be restarted on the evidence of this look. */
export interface Due {
  readonly kind: "due";
  readonly command: ChangeCommand;
  readonly snapshot: ProcessSnapshot;
}

/** Facts about an instance that a look does not show. */
export interface KnownBefore {
  readonly action: Action;
  /** It is tried again, so that its state is our doing and not another user's wish. */
  readonly isOurs: boolean;
  /** An earlier rollout has restarted it, and that has not failed yet. */
  readonly isOnlyGated: boolean;
  /** How its host's supervisord was restarted during this rollout, if it was. */
  readonly supervisorRestart: string | undefined;
}

/** @param snapshot undefined where Supervisor does not list it */
export function judgeFinalLook(
  planned: PlannedInstance,
  seen: ProcessSnapshot | undefined,
  { action, isOurs, isOnlyGated, supervisorRestart }: KnownBefore,
): FinalLook {
  const { before, failed_as } = planned;
  const snapshot = seen ?? (mayBeAbsent(planned) ? { instance: planned.instance, state: "STOPPED" } : undefined);
  if (!snapshot) return failed("vanished", "it was there at the preview, but Supervisor no longer lists it");
  const { state } = snapshot;
  if (state === "UNKNOWN") return failed("unknown_state", "it is UNKNOWN, so it was not restarted");
  if (isOnlyGated) return { kind: "restarted", snapshot };
  if (!isOurs) {
    if (failed_as !== undefined && AT_REST.has(before.state) && state === "RUNNING")
      return { kind: "restarted", snapshot };
    if (action.isBeingDone(state)) return { kind: "being_done", snapshot };
    if (supervisorRestart !== undefined && before.state !== "STOPPED" && isNotStarted(snapshot))
      return failed(
        "supervisor_restarted",
        `it was ${before.state} at the preview and is STOPPED (Not started): ${supervisorRestart}`,
      );
    if (!action.appliesTo(state)) return { kind: "left_alone", snapshot };
  }
  const code = action.failsIn[state];
  if (code !== undefined) return failed(code, `it is ${describeState(snapshot)}, so nothing was sent to it`);
  return { kind: "due", command: action.commandFor(state), snapshot };
}

/** Its group's update adds it, or is to remove it: it need not be there. */
function mayBeAbsent({ action, is_new }: PlannedInstance): boolean {
  return is_new === true || action === "remove";
}
