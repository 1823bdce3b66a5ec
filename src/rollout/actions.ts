import type { Change } from "../domain/action.ts";
import type { InstanceFailureCode } from "../domain/failures.ts";
import type { ProcessSnapshot, ProcessState } from "../domain/process-state.ts";
import type { PlannedInstance, Timings } from "../domain/rollout.ts";
import { AT_REST, DownGate } from "./down-gate.ts";
import { NewProcessGate, type ExitRules } from "./new-process-gate.ts";
import { SameProcessGate } from "./same-process-gate.ts";
import type { Gate } from "./verdict.ts";

/** What supervisorctl is called with. */
export type ChangeCommand = Change["action"];

/** What a command whose channel was lost has done, as the instance shows once it can no longer act. */
export type LostCommand =
  | { readonly kind: "not_done"; readonly reason: string }
  /** It has stopped the instance and not started it. */
  | { readonly kind: "half_done"; readonly snapshot: ProcessSnapshot }
  /** It has acted: the gate judges what came of it. */
  | { readonly kind: "done" }
  /** No state shows that, and it must not be sent twice. */
  | { readonly kind: "unknown"; readonly reason: string };

/** An action's own particulars: all that the run of an instance asks of it. A new action is one more of these. */
export interface Action {
  /** False where another user has started or stopped it since the preview, so that it is left as it is. */
  readonly appliesTo: (state: ProcessState) => boolean;
  /** True where another user is doing the same. How that ends is not known yet: the gate shows it. */
  readonly isBeingDone: (state: ProcessState) => boolean;
  /** The states in which it has failed before anything was sent. */
  readonly failsIn: Readonly<Partial<Record<ProcessState, InstanceFailureCode>>>;
  readonly commandFor: (state: ProcessState) => ChangeCommand;
  readonly gate: (timings: Timings, previousPid: number | undefined, sentAtMs: number, rules: ExitRules) => Gate;
  /** Whether the old process ends, so that something of it may be left behind. */
  readonly endsProcess: boolean;
  /** @param snapshot undefined where Supervisor does not list it */
  readonly afterLoss: (snapshot: ProcessSnapshot | undefined, previousPid: number | undefined) => LostCommand;
}

type ActionName = Exclude<PlannedInstance["action"], "gate">;

function never(): boolean {
  return false;
}

function always(): boolean {
  return true;
}

/** What restarts and starts have in common: they bring up a new process. */
const NEW_PROCESS: Pick<Action, "gate" | "afterLoss" | "failsIn" | "endsProcess"> = {
  failsIn: {},
  endsProcess: true,
  gate: (timings, previousPid, sentAtMs, rules) => new NewProcessGate(timings, previousPid, sentAtMs, rules),
  afterLoss: (snapshot, previousPid) => {
    if (isOn(snapshot, previousPid)) return notDone("restart", previousPid);
    return snapshot?.state === "STOPPED" ? { kind: "half_done", snapshot } : { kind: "done" };
  },
};

/** A group is updated as a whole: what became of a lost update is known of the group, and not of one of its instances. */
const OF_GROUP: Pick<Action, "appliesTo" | "isBeingDone" | "commandFor" | "endsProcess" | "failsIn" | "afterLoss"> = {
  appliesTo: always,
  isBeingDone: never,
  failsIn: {},
  commandFor: () => "update",
  endsProcess: true,
  afterLoss: () => ({ kind: "done" }),
};

const ACTIONS: Readonly<Record<ActionName, Action>> = {
  restart: {
    ...NEW_PROCESS,
    appliesTo: (state) => state !== "STOPPED",
    isBeingDone: never,
    commandFor: (state) => (state === "STOPPED" ? "start" : "restart"),
  },
  start: {
    ...NEW_PROCESS,
    appliesTo: (state) => AT_REST.has(state),
    isBeingDone: (state) => state === "STARTING" || state === "BACKOFF",
    // One that failed when another user started it is still to be started.
    commandFor: (state) => (AT_REST.has(state) ? "start" : "restart"),
  },
  stop: {
    appliesTo: (state) => !AT_REST.has(state),
    isBeingDone: (state) => state === "STOPPING",
    failsIn: {},
    commandFor: () => "stop",
    endsProcess: true,
    gate: (timings, _previousPid, sentAtMs) => new DownGate("stopped", timings, sentAtMs),
    afterLoss: (snapshot, previousPid) =>
      isOn(snapshot, previousPid) ? notDone("stop", previousPid) : { kind: "done" },
  },
  signal: {
    appliesTo: (state) => state !== "STOPPED",
    isBeingDone: never,
    failsIn: {
      EXITED: "exited",
      FATAL: "fatal",
      BACKOFF: "flapping",
      STARTING: "flapping",
      STOPPING: "stayed_stopped",
    },
    commandFor: () => "signal",
    endsProcess: false,
    gate: (timings, previousPid, sentAtMs) => new SameProcessGate(timings, previousPid, sentAtMs),
    afterLoss: () => ({
      kind: "unknown",
      reason: "the connection was lost while it was signalled: the signal may or may not have arrived",
    }),
  },
  update: {
    ...OF_GROUP,
    gate: (timings, previousPid, sentAtMs, rules) =>
      new NewProcessGate(timings, previousPid, sentAtMs, { ...rules, isUpdate: true }),
  },
  remove: { ...OF_GROUP, gate: (timings, _previousPid, sentAtMs) => new DownGate("removed", timings, sentAtMs) },
};

/**
 * One that an earlier rollout has restarted is restarted again where that restart never came, or has failed.
 * @param isOfUpdate its group is to be updated; one that is retried after that is restarted by itself
 */
export function actionOf({ action, signal }: PlannedInstance, isOfUpdate: boolean): Action {
  if (signal !== undefined) return ACTIONS.signal;
  if (action === "gate" || (action === "update" && !isOfUpdate)) return ACTIONS.restart;
  return action === "remove" && !isOfUpdate ? { ...ACTIONS.stop, gate: ACTIONS.remove.gate } : ACTIONS[action];
}

function isOn(snapshot: ProcessSnapshot | undefined, previousPid: number | undefined): boolean {
  return snapshot?.state === "RUNNING" && snapshot.pid === previousPid;
}

function notDone(what: string, pid: number | undefined): LostCommand {
  return { kind: "not_done", reason: `its ${what} was lost before it took effect: it is still on pid ${pid}` };
}
