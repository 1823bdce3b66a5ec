import type { PlanAction } from "../../domain/action.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import type { StartedBefore } from "../../planner/build/started-before.ts";

/** How events are shown: a tree at a terminal, lines elsewhere, or one JSON event per line. */
export type OutputMode = "auto" | "tree" | "plain" | "json";

/** Which part of a plan's fleet is selected; empty lists select all of it. */
export interface SelectionArguments {
  readonly limit: readonly string[];
  readonly exclude: readonly string[];
  readonly program: readonly string[];
  readonly startedBefore?: StartedBefore;
  /** Instead of every action of the plan. */
  readonly action?: PlanAction;
}

/** The plan that is meant. */
export interface PlanArguments {
  readonly plan: string;
  /** Keys that are set in it, each `KEY=VALUE`. */
  readonly set: readonly string[];
  /** The plan itself, where the command line is one: `plan` is the file that it is kept in. */
  readonly loaded?: Plan;
}

/** A plan in the words of the command line. */
export interface AdHocArguments {
  readonly hosts: readonly string[];
  readonly programs: readonly string[];
  readonly user?: string;
  readonly sudo: boolean;
  readonly action?: PlanAction;
  /** Write it down there instead of running it. */
  readonly savePlan?: string;
}

export interface RunArguments extends SelectionArguments, PlanArguments {
  readonly command: "run";
  /** Instead of a plan's file. */
  readonly adHoc?: AdHocArguments;
  readonly dryRun: boolean;
  readonly offline: boolean;
  /** With a dry run: asks every check of the selected instances as they are. */
  readonly checks?: true;
  readonly ask: boolean;
  readonly verbose: boolean;
  readonly output: OutputMode;
  readonly reason?: string;
  readonly stateDir?: string;
  /** Where a page about the rollout is written at its end. */
  readonly report?: string;
  /** The rollout to resume. */
  readonly resume?: "newest" | (string & {});
  /** The rollout to revert. */
  readonly revert?: "newest" | (string & {});
  /** How long to wait for hosts that another rollout has locked. */
  readonly waitForLockMs?: number;
}

/** How a rollout of the history ended; the last four have no end that could be read. */
export const HISTORY_OUTCOMES = [
  "succeeded",
  "incomplete",
  "halted",
  "refused",
  "interrupted",
  "running",
  "cut_off",
  "unknown",
  "damaged",
] as const;

export interface HistoryArguments {
  readonly command: "history";
  readonly plan?: string;
  readonly stateDir?: string;
  readonly output: "text" | "json";
  /** Only those that began then or later. */
  readonly since?: Date;
  readonly outcome?: (typeof HISTORY_OUTCOMES)[number];
  /** Only those that restart something on this host. */
  readonly host?: string;
}

export interface ReportArguments {
  readonly command: "report";
  readonly id: string;
  readonly stateDir?: string;
  /** Write a page instead of text. */
  readonly html?: string;
}

export interface ValidateArguments {
  readonly command: "validate";
  readonly plans: readonly string[];
  readonly output: "text" | "json";
}

/** Shells whose command lines can be completed. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

export type Shell = (typeof SHELLS)[number];

export interface CompletionArguments {
  readonly command: "completion";
  readonly shell: Shell;
}

export interface StatusArguments extends SelectionArguments, PlanArguments {
  readonly command: "status";
  readonly watch: boolean;
  /** Asks every check of the selected instances. */
  readonly checks?: true;
  readonly output: "text" | "json";
}

/** What the command line asks for; `exit` when commander has already answered it (help, version, a mistake). */
export type Arguments =
  | RunArguments
  | ValidateArguments
  | StatusArguments
  | HistoryArguments
  | ReportArguments
  | CompletionArguments
  | { readonly command: "exit"; readonly mistaken: boolean };
