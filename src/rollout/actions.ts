import type { ProcessSnapshot, ProcessState } from "../domain/process-state.ts";
import type { PlannedInstance, Timings } from "../domain/rollout.ts";
import { Gate, type ExitRules } from "./gate.ts";

/** What supervisorctl is called with. */
export type ChangeCommand = "restart" | "start";

/** What a command whose channel was lost has done, as the instance shows once it can no longer act. */
export type LostCommand =
  | { readonly kind: "not_done"; readonly reason: string }
  /** It has stopped the instance and not started it. */
  | { readonly kind: "half_done"; readonly snapshot: ProcessSnapshot }
  /** It has acted: the gate judges what came of it. */
  | { readonly kind: "done" };

/** An action's own particulars: all that the run of an instance asks of it. A new action is one more of these. */
export interface Action {
  /** False where another user has started or stopped it since the preview, so that it is left as it is. */
  readonly appliesTo: (state: ProcessState) => boolean;
  /** True where another user is doing the same. How that ends is not known yet: the gate shows it. */
  readonly isBeingDone: (state: ProcessState) => boolean;
  readonly commandFor: (state: ProcessState) => ChangeCommand;
  readonly gate: (timings: Timings, previousPid: number | undefined, sentAtMs: number, rules: ExitRules) => Gate;
  /** @param snapshot undefined where Supervisor does not list it */
  readonly afterLoss: (snapshot: ProcessSnapshot | undefined, previousPid: number | undefined) => LostCommand;
}

/** In these Supervisor does not start a process by itself. */
export const AT_REST: ReadonlySet<ProcessState> = new Set(["STOPPED", "EXITED", "FATAL"]);

/** What they have in common: they bring up a new process. */
const NEW_PROCESS: Pick<Action, "gate" | "afterLoss"> = {
  gate: (timings, previousPid, sentAtMs, rules) => new Gate(timings, previousPid, sentAtMs, rules),
  afterLoss: (snapshot, previousPid) => {
    if (snapshot?.state === "RUNNING" && snapshot.pid === previousPid)
      return {
        kind: "not_done",
        reason: `its restart was lost before it took effect: it is still on pid ${snapshot.pid}`,
      };
    return snapshot?.state === "STOPPED" ? { kind: "half_done", snapshot } : { kind: "done" };
  },
};

const RESTART: Action = {
  ...NEW_PROCESS,
  appliesTo: (state) => state !== "STOPPED",
  isBeingDone: () => false,
  commandFor: (state) => (state === "STOPPED" ? "start" : "restart"),
};

const START: Action = {
  ...NEW_PROCESS,
  appliesTo: (state) => AT_REST.has(state),
  isBeingDone: (state) => state === "STARTING" || state === "BACKOFF",
  // One that failed when another user started it is still to be started.
  commandFor: (state) => (AT_REST.has(state) ? "start" : "restart"),
};

/** One that an earlier rollout has restarted is restarted again where that restart never came, or has failed. */
export function actionOf({ action }: PlannedInstance): Action {
  return action === "start" ? START : RESTART;
}
