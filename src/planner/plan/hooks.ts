import { PLACEHOLDERS } from "../../domain/placeholders.ts";
import type { Hook, HookName, HostHooks, RolloutHooks, RunsOn } from "../../domain/settings.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import type { Path } from "../text/path.ts";
import type { RawPlan, RawSettings } from "../schema/raw-plan.ts";
import { OF_INSTANCE, readTemplate, type Template, type Use } from "./templates.ts";

/** A hook, and where its text stands. */
export interface OwnHook {
  readonly hook: Hook;
  readonly template: Template;
}

/** The hooks of hosts and instances that a level sets; `null` for one that it does without. */
export type OwnHooks = { readonly [Name in keyof HostHooks]?: OwnHook | null };

/** The hooks of the rollout, and their texts. */
export interface ReadRolloutHooks {
  readonly hooks: RolloutHooks;
  readonly templates: readonly Template[];
}

const HOST_HOOKS = ["before_host", "before_restart", "after_healthy", "after_host"] as const;
const ROLLOUT_HOOKS = ["before_rollout", "after_rollout", "on_failure"] as const;

const OF_HOST = { known: ["host", "address"], vars: true, quoting: "shell" } as const;
const OF_ROLLOUT = { known: [], vars: false, quoting: "shell" } as const;

/** The process of a failed instance may be gone by then, or a new one. */
const OF_FAILURE = PLACEHOLDERS.filter((name) => name !== "pid" && name !== "old_pid");

const USES: Readonly<Record<HookName, Use>> = {
  before_rollout: { ...OF_ROLLOUT, where: "before_rollout, which is about no host" },
  before_host: { ...OF_HOST, where: "before_host, which is about a whole host" },
  before_restart: { where: "before_restart", known: OF_INSTANCE, vars: true, quoting: "shell" },
  after_healthy: { where: "after_healthy", known: OF_INSTANCE, vars: true, quoting: "shell" },
  after_host: { ...OF_HOST, where: "after_host, which is about a whole host" },
  after_rollout: { ...OF_ROLLOUT, where: "after_rollout, which is about no host" },
  on_failure: { where: "on_failure", known: OF_FAILURE, vars: true, quoting: "shell" },
};

/** Reads a level's hooks of hosts and instances. */
export function readHostHooks(
  section: RawSettings["hooks"],
  path: Path,
  document: PlanDocument,
  findings: Findings,
): OwnHooks {
  const none = HOST_HOOKS.filter((name) => document.isTakenAway([...path, name])).map((name) => [name, null] as const);
  return Object.fromEntries([...none, ...readHooks(HOST_HOOKS, section, path, findings)]);
}

/** Reads the plan's hooks of the rollout. */
export function readRolloutHooks(section: RawPlan["hooks"], findings: Findings): ReadRolloutHooks {
  const read = readHooks(ROLLOUT_HOOKS, section, ["hooks"], findings);
  return {
    hooks: Object.fromEntries(read.map(([name, { hook }]) => [name, hook])),
    templates: read.map(([, { template }]) => template),
  };
}

function readHooks(
  names: readonly HookName[],
  section: RawPlan["hooks"],
  path: Path,
  findings: Findings,
): [HookName, OwnHook][] {
  return names.flatMap((name): [HookName, OwnHook][] => {
    const raw = section?.[name];
    const command = typeof raw === "string" ? raw : raw?.command;
    if (raw === undefined || command === undefined) return [];
    const run = (typeof raw === "string" ? undefined : raw.run) ?? runsByDefault(name);
    const at = typeof raw === "string" ? [...path, name] : [...path, name, "command"];
    return [[name, { hook: { command, run }, template: readTemplate(command, at, USES[name], findings) }]];
  });
}

/** The schema lets the hooks of the rollout run nowhere else. */
function runsByDefault(name: HookName): RunsOn {
  return (ROLLOUT_HOOKS as readonly HookName[]).includes(name) ? "controller" : "host";
}
