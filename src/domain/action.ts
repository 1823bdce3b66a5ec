import type { InstanceName, ProgramName } from "./ids.ts";

/** One command that changes an instance, or a group as a whole. */
export type Change =
  | { readonly action: "restart" | "start" | "stop"; readonly instance: InstanceName }
  | { readonly action: "signal"; readonly signal: string; readonly instance: InstanceName }
  | { readonly action: "update"; readonly group: ProgramName };

/** A change of one instance. */
export type InstanceChange = Extract<Change, { readonly instance: InstanceName }>;

/** What a plan does to each instance. */
export type PlanAction = "restart" | "update" | "start" | "stop" | { readonly signal: string };

/** What to do about a group whose configuration on disk is newer than what supervisord has loaded. */
export type ConfigPolicy = "warn" | "refuse" | "apply";

/** `restart`, `signal HUP`. */
export function actionText(action: PlanAction): string {
  return typeof action === "string" ? action : `signal ${action.signal}`;
}

/** As one word of a command line: `restart`, `signal:HUP`. */
export function actionWord(action: PlanAction): string {
  return typeof action === "string" ? action : `signal:${action.signal}`;
}
