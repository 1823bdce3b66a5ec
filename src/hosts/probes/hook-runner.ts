import type { HookOutcome, LockLost } from "../../domain/outcomes.ts";
import {
  fill,
  hookEnvironment,
  pidValues,
  placeholderValues,
  type PlaceholderValues,
  waveValues,
} from "../../domain/placeholders.ts";
import type { HostTarget } from "../../domain/target.ts";
import type { HookRunner, HookSubject, HostAccess, HostLock, RunOutcome } from "../../executor/ports.ts";
import { endOf, shellScript } from "./shell-script.ts";

/** Where hooks can run, and what their placeholders can name. */
export interface HookPlaces {
  readonly controller: HostAccess;
  /** What runs on the host; left out for the hooks of the rollout. */
  readonly host?: Pick<HostLock, "run">;
  readonly targetOf: (host: string) => HostTarget | undefined;
}

/** Runs the plan's hooks. @param env for `${NAME}`, expanded here and nowhere else */
export function createHookRunner({ controller, host, targetOf }: HookPlaces, env: NodeJS.ProcessEnv): HookRunner {
  return {
    async run(hook, subject) {
      const values = valuesOf(subject, targetOf);
      const filled = fill(hook.command, values, env, "shell");
      if ("missing" in filled) return { kind: "failed", reason: `${filled.missing} has no value` };
      const access = hook.run === "host" && host ? host : controller;
      const { argv, stdin } = shellScript(filled.text, hookEnvironment(values));
      return toOutcome(await access.run(argv, { timeoutMs: subject.timeoutMs, stdin }));
    },
  };
}

function valuesOf(
  { host, instance, reason, vars, step, hosts = [], ...pids }: HookSubject,
  targetOf: HookPlaces["targetOf"],
): PlaceholderValues {
  // A page about a failure must go out, whatever the instance is called.
  const why = reason === undefined ? {} : { number: "", reason };
  const target = host === undefined ? undefined : targetOf(host);
  if (step) return { vars, ...waveValues(step.group, hosts) };
  if (!target) return { vars, ...why };
  const known = instance === undefined || reason !== undefined ? {} : pidValues(pids);
  return placeholderValues({ host: target.name, address: target.address, vars, ...why, ...known }, instance);
}

function toOutcome(outcome: RunOutcome | LockLost): HookOutcome {
  switch (outcome.kind) {
    case "exited":
      return outcome.code === 0 ? { kind: "succeeded" } : { kind: "failed", reason: endOf(outcome) };
    case "signalled":
      return { kind: "failed", reason: endOf(outcome) };
    case "timed_out":
      return { kind: "failed", reason: `it did not end within ${outcome.afterMs / 1000} s` };
    case "unreachable":
    case "indeterminate":
    case "lock_lost":
      return { kind: "failed", reason: outcome.reason };
  }
}
