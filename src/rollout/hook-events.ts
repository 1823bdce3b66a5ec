import type { RolloutEvent } from "../domain/events.ts";
import { programOf } from "../domain/ids.ts";
import type { HookOutcome } from "../domain/outcomes.ts";
import type { Command, Input } from "./messages.ts";

type RunHook = Extract<Command, { type: "run_hook" }>;
type HookEnded = Extract<Input, { type: "hook_finished" }>;

export function hookStarted(command: RunHook): RolloutEvent {
  return { type: "hook.started", hook: command.hook, ...subjectOf(command), ms: command.timeoutMs };
}

export function hookFinished(input: HookEnded): RolloutEvent {
  const { hook, outcome } = input;
  // How it ends is not an outcome of the instance that has failed.
  const subject = hook === "on_failure" ? {} : subjectOf(input);
  const reason = "reason" in outcome ? { reason: outcome.reason } : {};
  const onError = isOnlyWarning(input) ? { on_error: "warn" as const } : {};
  return { type: "hook.finished", hook, ...subject, succeeded: outcome.kind === "succeeded", ...reason, ...onError };
}

/** How it ended for all that follows: one that only warns has not failed. Its drain may have had its effect. */
export function outcomeThatCounts(input: HookEnded): HookOutcome {
  return isOnlyWarning(input) ? { kind: "succeeded" } : input.outcome;
}

function isOnlyWarning({ on_error, outcome }: HookEnded): boolean {
  return on_error === "warn" && outcome.kind === "failed";
}

function subjectOf({ host, instance, step }: Pick<RunHook, "host" | "instance" | "step">) {
  return { ...(host && { host }), ...(instance && { program: programOf(instance), instance }), ...step };
}
