import type { EventOf } from "../domain/events.ts";
import type { Rollout } from "../domain/rollout.ts";
import { oneLess } from "./at-least-zero.ts";
import type { Command } from "./messages.ts";

/** The hooks of the rollout belong to no wave, whose command_timeout could bound them. */
const HOOK_TIMEOUT_MS = 60_000;

/** The hooks that run on the controller, around the rollout and after each failure. */
export class RolloutHookRun {
  private readonly hooks: Rollout["hooks"];
  private readonly issue: (command: Command) => void;
  /** on_failure hooks in progress. */
  private afterFailures = 0;

  constructor(hooks: Rollout["hooks"], issue: (command: Command) => void) {
    this.hooks = hooks;
    this.issue = issue;
  }

  /** True while an on_failure hook runs. */
  get isBusy(): boolean {
    return this.afterFailures > 0;
  }

  /** False if the plan has no such hook. */
  run(hook: "before_rollout" | "after_rollout"): boolean {
    const command = this.hooks[hook];
    const timeoutMs = command?.timeout_ms ?? HOOK_TIMEOUT_MS;
    if (command) this.issue({ type: "run_hook", hook, command, vars: {}, timeoutMs });
    return command !== undefined;
  }

  runAfterFailure({ host, instance, reason }: EventOf<"instance.failed">): void {
    const command = this.hooks.on_failure;
    if (!command) return;
    this.afterFailures++;
    const timeoutMs = command.timeout_ms ?? HOOK_TIMEOUT_MS;
    this.issue({ type: "run_hook", hook: "on_failure", command, vars: {}, timeoutMs, host, instance, reason });
  }

  afterFailureFinished(): void {
    this.afterFailures = oneLess(this.afterFailures, "on_failure hooks in progress");
  }
}
