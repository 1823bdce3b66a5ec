import { hostsOfHook } from "../domain/wave-hooks.ts";
import type { HookOutcome } from "../domain/outcomes.ts";
import type { WaveHooks } from "../domain/settings.ts";
import type { RunContext } from "./run-context.ts";
import type { Step } from "./steps.ts";

export type StepHook = keyof WaveHooks;

/** `failed`: the failure stands; `not_run`: the journal could not be written, so that the rollout is halted. */
export type StepHookEnd = "succeeded" | "failed" | "not_run";

/** For a wave of a journal that says nothing of it. */
const HOOK_TIMEOUT_MS = 60_000;

/** Runs the hooks around waves and batches, one at a time, and follows a failure until it stands or the hook is retried. */
export class StepHooks {
  private readonly context: RunContext;
  private readonly onEnd: (hook: StepHook, end: StepHookEnd, nowMs: number) => void;
  private current: { readonly hook: StepHook; readonly step: Step } | undefined;

  constructor(context: RunContext, onEnd: (hook: StepHook, end: StepHookEnd, nowMs: number) => void) {
    this.context = context;
    this.onEnd = onEnd;
  }

  /** True while one runs, or the operator is asked about its failure. */
  get isBusy(): boolean {
    return this.current !== undefined;
  }

  /** False if the wave has no such hook. */
  run(hook: StepHook, step: Step): boolean {
    const { wave, place } = step;
    const command = wave.hooks?.[hook];
    if (!command) return false;
    this.current = { hook, step };
    this.context.issue({
      type: "run_hook",
      hook,
      command,
      vars: wave.vars ?? {},
      timeoutMs: command.timeout_ms ?? HOOK_TIMEOUT_MS,
      step: placeOf(hook, step),
      hosts: hostsOfHook(hook, wave, place.batch),
    });
    return true;
  }

  finished(hook: StepHook, outcome: HookOutcome, nowMs: number): void {
    if (this.current?.hook !== hook) return;
    if (outcome.kind !== "failed") return this.end(outcome.kind, nowMs);
    const reason = `its ${hook} hook failed: ${outcome.reason}`;
    const step = placeOf(hook, this.current.step);
    this.context.failures.addHook({ step, hook, code: "hook_failed", reason });
  }

  /** Nothing more is awaited of its failure: it stands, or the operator has chosen to retry. */
  failureEnded(isRetried: boolean, nowMs: number): void {
    if (!this.current) return;
    if (!isRetried) return this.end("failed", nowMs);
    this.context.tally.retractFailure();
    this.run(this.current.hook, this.current.step);
  }

  private end(end: StepHookEnd, nowMs: number): void {
    const { hook } = this.current ?? {};
    this.current = undefined;
    if (hook) this.onEnd(hook, end, nowMs);
  }
}

function placeOf(hook: StepHook, { place: { wave, group, batch } }: Step) {
  return hook === "before_batch" || hook === "after_batch" ? { wave, group, batch } : { wave, group };
}
