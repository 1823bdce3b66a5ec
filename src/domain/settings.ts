import { formatDuration } from "./duration.ts";

/** How an instance is judged, and the commands around its restart: the checks and hooks of a plan. */

/** Where a check or a hook runs: on the instance's host, or where orchestrate runs. */
export type RunsOn = "host" | "controller";

/** Asked from RUNNING on, until its last answers passed or `healthy_deadline`. Texts are templates: see placeholders.ts. */
export type Check = (
  | { readonly kind: "http"; readonly url: string; readonly status: number }
  | { readonly kind: "tcp"; readonly address: string }
  | { readonly kind: "command"; readonly command: string }
) & {
  readonly from: RunsOn;
  readonly timeout_ms: number;
  /** How many answers in a row must pass. Default: 1. */
  readonly passes?: number;
};

/** What it asks, as the plan has it. */
export function templateOf(check: Check): string {
  switch (check.kind) {
    case "http":
      return check.url;
    case "tcp":
      return check.address;
    case "command":
      return check.command;
  }
}

/** To name it in a message: `tcp 127.0.0.1:80`. */
export function checkName(check: Check): string {
  return `${check.kind} ${templateOf(check)}`;
}

/** What it asks for, as the plan has it: `http://127.0.0.1/ answers 200, 3 times in a row`. */
export function checkText(check: Check): string {
  const { passes = 1 } = check;
  const asked =
    check.kind === "http"
      ? `${check.url} answers ${check.status}`
      : check.kind === "tcp"
        ? `${check.address} accepts a connection`
        : check.command;
  return passes === 1 ? asked : `${asked}, ${passes} times in a row`;
}

/** A shell command; a template like those of checks. */
export interface Hook {
  readonly command: string;
  readonly run: RunsOn;
  /** Default: command_timeout; of the hooks of the rollout a minute. */
  readonly timeout_ms?: number;
  /** Default: fail. */
  readonly on_error?: HookErrorPolicy;
}

/** What a hook that fails does to the rollout; `warn`: it is reported, and all continues as if it had succeeded. */
export type HookErrorPolicy = "fail" | "warn";

/** What else the plan says of a hook, behind its command: ` (timeout 10m, on_error: warn)`. */
export function hookTermsText({ timeout_ms, on_error }: Hook): string {
  const terms = [
    ...(timeout_ms === undefined ? [] : [`timeout ${formatDuration(timeout_ms)}`]),
    ...(on_error === "warn" ? ["on_error: warn"] : []),
  ];
  return terms.length === 0 ? "" : ` (${terms.join(", ")})`;
}

/** The hooks of a host's turn, and of each of its instances. */
export interface HostHooks {
  readonly before_host?: Hook;
  readonly before_restart?: Hook;
  readonly after_healthy?: Hook;
  readonly after_host?: Hook;
}

/** The hooks around a wave and around each of its batches; they run on the controller. */
export interface WaveHooks {
  readonly before_wave?: Hook;
  readonly before_batch?: Hook;
  readonly after_batch?: Hook;
  readonly after_wave?: Hook;
}

/** The hooks of the rollout as a whole; they run on the controller. */
export interface RolloutHooks {
  readonly before_rollout?: Hook;
  readonly after_rollout?: Hook;
  readonly on_failure?: Hook;
}

export type HookName = keyof HostHooks | keyof WaveHooks | keyof RolloutHooks;

/** What replaces hooks of the same name while a rollout is reverted; `null`: nothing runs in its place. */
export type RevertHooks = { readonly [Name in HookName]?: Hook | null };

/** What to do about processes of an old instance that outlive it. */
export type LeftoverPolicy = "fail" | "warn" | "ignore";

/** What to do about a process that ends with an exit that Supervisor expects, and is started again. */
export type ExitPolicy = "fail" | "accept";

/** The user's own words for placeholders: `{vars.zone}`. */
export type Vars = Readonly<Record<string, string>>;
