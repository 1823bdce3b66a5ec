import type { InstanceName, ProgramName } from "./ids.ts";

/** One command that changes an instance, or a group as a whole. */
export type Change =
  | { readonly action: "restart" | "start" | "stop"; readonly instance: InstanceName }
  | { readonly action: "signal"; readonly signal: string; readonly instance: InstanceName }
  | { readonly action: "update"; readonly group: ProgramName };

/** A change of one instance. */
export type InstanceChange = Extract<Change, { readonly instance: InstanceName }>;
