import { urlOf } from "../../domain/check-url.ts";
import type { Environment } from "../../domain/environment.ts";
import type { Refusal } from "../../domain/failures.ts";
import type { HostName, InstanceName } from "../../domain/ids.ts";
import {
  fill,
  PLACEHOLDERS,
  placeholderValues,
  type PlaceholderValues,
  type Quoting,
} from "../../domain/placeholders.ts";
import { partsIn, type HostWork, type Rollout } from "../../domain/rollout.ts";
import { templateOf, type Check } from "../../domain/settings.ts";
import type { HostTarget } from "../../domain/target.ts";
import { folded } from "../../domain/folding.ts";

/**
 * Refuses checks and hooks that can never work for an instance that is to be restarted: a placeholder has no value
 * there, or its value makes no URL. Otherwise that would only show after the instance was stopped.
 *
 * @param env for `${NAME}`, as checks and hooks will find it
 */
export function refuseUnfillable(rollout: Pick<Rollout, "waves" | "hosts">, env: Environment): Refusal[] {
  const targets = new Map(rollout.hosts.map((target) => [target.name, target]));
  return [...partsIn(rollout)].flatMap((work) => {
    const target = targets.get(work.host);
    return target ? refuseOf(work, target, env) : [];
  });
}

function refuseOf(work: HostWork, { name, address }: HostTarget, env: Environment): Refusal[] {
  const instances = work.batches.flatMap((batch) => batch.instances.map(({ instance }) => instance));
  const valuesOf = (instance: InstanceName): PlaceholderValues => ({
    ...KNOWN_LATER,
    ...placeholderValues({ host: name, address, vars: work.vars }, instance),
  });
  const flaws = new Map<string, InstanceName[]>();
  for (const { title, flawWith } of templatesOf(work, env))
    for (const instance of instances) {
      const flaw = flawWith(valuesOf(instance));
      if (flaw === undefined) continue;
      const message = `${title}: ${flaw}`;
      flaws.set(message, [...(flaws.get(message) ?? []), instance]);
    }
  return [...flaws].map(([message, some]) => refusal(work.host, some, message));
}

/** Stand-ins for values that only a restart provides, such as a pid. */
const KNOWN_LATER = Object.fromEntries(
  PLACEHOLDERS.filter((name) => name !== "number").map((name) => [name, "1"]),
) as Partial<PlaceholderValues>;

interface Template {
  /** `its check http http://127.0.0.1:80{number}/`. */
  readonly title: string;
  /** Why it cannot be used with these values. */
  readonly flawWith: (values: PlaceholderValues) => string | undefined;
}

function templatesOf({ checks, hooks }: HostWork, env: Environment): Template[] {
  const ofHooks = (["before_restart", "after_healthy"] as const).flatMap((name): Template[] => {
    const command = hooks[name]?.command;
    if (command === undefined) return [];
    return [{ title: `its ${name} hook`, flawWith: (values) => missing(command, values, env, "shell") }];
  });
  return [
    ...checks.map((check) => ({
      title: `its check ${check.kind} ${templateOf(check)}`,
      flawWith: (values: PlaceholderValues) => flawOf(check, values, env),
    })),
    ...ofHooks,
  ];
}

function missing(template: string, values: PlaceholderValues, env: Environment, quoting: Quoting): string | undefined {
  const filled = fill(template, values, env, quoting);
  return "missing" in filled ? whyMissing(filled.missing) : undefined;
}

function flawOf(check: Check, values: PlaceholderValues, env: Environment): string | undefined {
  const filled = fill(templateOf(check), values, env, check.kind === "command" ? "shell" : "url");
  if ("missing" in filled) return whyMissing(filled.missing);
  if (check.kind === "command" || urlOf(check, filled.text)) return undefined;
  const expected = check.kind === "tcp" ? "address with a port" : "URL";
  return `with its placeholders filled in, it is not ${check.kind === "tcp" ? "an" : "a"} ${expected}`;
}

function whyMissing(placeholder: string): string {
  const why = placeholder === "{number}" ? "the process name does not end with a number" : "it has no value here";
  return `${placeholder} cannot be filled in: ${why}`;
}

function refusal(host: HostName, instances: readonly InstanceName[], message: string): Refusal {
  return { code: "placeholder_unusable", host, reason: `${folded(instances)}: ${message}` };
}
