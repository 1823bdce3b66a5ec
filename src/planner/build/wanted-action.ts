import type { PlanAction } from "../../domain/action.ts";
import { isRunning, RUNNING_ON_NOTHING, type ProcessSnapshot, type ProcessState } from "../../domain/process-state.ts";
import type { PlannedInstance } from "../../domain/rollout.ts";

/** What an action means for one instance as it is. `warning`: something to know before the first change. */
export type WantedAction = { readonly warning?: string } & (
  | ({ readonly kind: "act" } & Pick<PlannedInstance, "action" | "signal">)
  /** There is nothing to do for it. */
  | { readonly kind: "skip"; readonly why: string }
);

/** An action that is for single instances: `update` is for groups. */
export type InstanceAction = Exclude<PlanAction, "update">;

/** @param isAtRest it is EXITED, and Supervisor does not start it again */
export function wantedAction(action: InstanceAction, snapshot: ProcessSnapshot, isAtRest: boolean): WantedAction {
  if (typeof action === "object") return signalled(action.signal, snapshot, isAtRest);
  switch (action) {
    case "restart":
      return restarted(snapshot);
    case "start":
      return started(snapshot, isAtRest);
    case "stop":
      return stopped(snapshot, isAtRest);
  }
}

function restarted(snapshot: ProcessSnapshot): WantedAction {
  const broken = howBroken(snapshot);
  return {
    kind: "act",
    action: snapshot.state === "STOPPED" ? "start" : "restart",
    ...(broken !== undefined && { warning: `it is ${broken} already; it will be restarted anyway` }),
  };
}

function started({ state }: ProcessSnapshot, isAtRest: boolean): WantedAction {
  const isDown = state === "STOPPED" || state === "STOPPING" || state === "FATAL" || isAtRest;
  return isDown ? { kind: "act", action: "start" } : { kind: "skip", why: `it is ${state} already` };
}

function stopped({ state }: ProcessSnapshot, isAtRest: boolean): WantedAction {
  const isDown = state === "STOPPED" || state === "FATAL" || isAtRest;
  return isDown ? { kind: "skip", why: `it is ${state} already` } : { kind: "act", action: "stop" };
}

function signalled(signal: string, snapshot: ProcessSnapshot, isAtRest: boolean): WantedAction {
  const { state } = snapshot;
  if (state === "STOPPED") return { kind: "skip", why: "it is STOPPED: there is no process to signal" };
  const broken = howBroken(snapshot);
  if (state === "FATAL" || isAtRest || (state === "RUNNING" && broken !== undefined)) {
    const why = `it is ${broken}: there is no process to signal`;
    return { kind: "skip", why, warning: `${why}, and it is left as it is` };
  }
  return {
    kind: "act",
    action: "signal",
    signal,
    ...(broken !== undefined && {
      warning: `it is ${broken} already: it fails if it is not RUNNING when it is signalled`,
    }),
  };
}

const BROKEN: ReadonlySet<ProcessState> = new Set(["EXITED", "FATAL", "BACKOFF", "STARTING", "STOPPING"]);

/** `FATAL (Exited too quickly)`; undefined for an instance that is up, or STOPPED. */
export function howBroken(snapshot: ProcessSnapshot): string | undefined {
  const { state, description } = snapshot;
  if (state === "RUNNING" && !isRunning(snapshot)) return RUNNING_ON_NOTHING;
  if (!BROKEN.has(state)) return undefined;
  return description === undefined ? state : `${state} (${description})`;
}
