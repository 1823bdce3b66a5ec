import type { InstanceName } from "./ids.ts";
import type { KnownHistory } from "./process-history.ts";

/** Supervisor's process states: http://supervisord.org/subprocess.html#process-states */
export const PROCESS_STATES = [
  "STOPPED",
  "STARTING",
  "RUNNING",
  "BACKOFF",
  "STOPPING",
  "EXITED",
  "FATAL",
  "UNKNOWN",
] as const;

export type ProcessState = (typeof PROCESS_STATES)[number];

/** What supervisord said of one instance at one look. */
export interface ProcessSnapshot {
  readonly instance: InstanceName;
  readonly state: ProcessState;
  /** Known while RUNNING only: `supervisorctl status` prints none for STARTING and STOPPING. */
  readonly pid?: number;
  /** Whole seconds since the process was spawned, by supervisord's own clock; while RUNNING only. */
  readonly uptime_s?: number;
  /** Supervisor's words for a state other than RUNNING: `Exited too quickly (process log may have details)`. */
  readonly description?: string;
  /** What supervisord's own log says of its processes, where that was asked for. */
  readonly history?: KnownHistory;
}

/** The pid that supervisord reports for a process that it has lost. Nothing runs under it, whatever the state says. */
export const NO_PROCESS = 0;

/** It is RUNNING, and there is a process. */
export function isRunning({ state, pid }: Pick<ProcessSnapshot, "state" | "pid">): boolean {
  return state === "RUNNING" && pid !== NO_PROCESS;
}

/** What to say of one that is RUNNING, and for which there is no process. */
export const RUNNING_ON_NOTHING = "RUNNING on pid 0, which is not a process";

/** State and pid as one text: the same for two looks that show nothing new. */
export function stateKey({ state, pid }: Pick<ProcessSnapshot, "state" | "pid">): string {
  return `${state} ${pid ?? ""}`;
}

/** A supervisord shows this of a process that it has never started; one that was stopped has the time of that instead. */
export function isNotStarted({ state, description }: ProcessSnapshot): boolean {
  return state === "STOPPED" && description === "Not started";
}
