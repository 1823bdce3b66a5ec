import type { RolloutEvent } from "../domain/events.ts";
import { programOf } from "../domain/ids.ts";
import type { Command, Input } from "./messages.ts";

type RunHook = Extract<Command, { type: "run_hook" }>;

export function hookStarted(command: RunHook): RolloutEvent {
  return { type: "hook.started", hook: command.hook, ...subjectOf(command), ms: command.timeoutMs };
}

export function hookFinished(input: Extract<Input, { type: "hook_finished" }>): RolloutEvent {
  const { hook, outcome } = input;
  // How it ends is not an outcome of the instance that has failed.
  const subject = hook === "on_failure" ? {} : subjectOf(input);
  const reason = "reason" in outcome ? { reason: outcome.reason } : {};
  return { type: "hook.finished", hook, ...subject, succeeded: outcome.kind === "succeeded", ...reason };
}

function subjectOf({ host, instance }: Pick<RunHook, "host" | "instance">) {
  return { ...(host && { host }), ...(instance && { program: programOf(instance), instance }) };
}
