import type { Hook, HookName, HostHooks, RevertHooks, RolloutHooks, RunsOn, WaveHooks } from "../../domain/settings.ts";
import { WAVE_HOOKS } from "../../domain/wave-hooks.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import type { Path } from "../text/path.ts";
import { readDuration } from "./durations.ts";
import type { RawHook, RawPlan, RawSettings } from "../schema/raw-plan.ts";
import { OF_INSTANCE, OF_WAVE, readTemplate, type Template, type Use } from "./templates.ts";

/** A hook, and where its text stands. */
export interface OwnHook {
  readonly hook: Hook;
  readonly template: Template;
}

/** The hooks that a level sets, but for those of the rollout; `null` for one that it does without. */
export type OwnHooks = { readonly [Name in keyof (HostHooks & WaveHooks)]?: OwnHook | null };

/** The hooks of the rollout, and their texts. */
export interface ReadRolloutHooks {
  readonly hooks: RolloutHooks;
  readonly templates: readonly Template[];
}

/** The hooks that replace others while a rollout is reverted, and their texts. */
export interface ReadRevertHooks {
  readonly hooks: RevertHooks;
  /** Filled in for a whole host. */
  readonly ofHost: readonly Template[];
  /** Filled in for each instance. */
  readonly ofInstances: readonly Template[];
  /** Filled in for each wave. */
  readonly ofWaves: readonly Template[];
}

const HOST_HOOKS = ["before_host", "before_restart", "after_healthy", "after_host"] as const;
const ROLLOUT_HOOKS = ["before_rollout", "after_rollout", "on_failure"] as const;

const OF_HOST = { known: ["host", "address"], vars: true, quoting: "shell" } as const;
const OF_SEVERAL = { known: OF_WAVE, vars: true, quoting: "shell" } as const;
const OF_ROLLOUT = { known: [], vars: false, quoting: "shell" } as const;

/** The process of a failed instance may be gone by then, or a new one. */
const OF_FAILURE = [...OF_INSTANCE.filter((name) => name !== "pid" && name !== "old_pid"), "reason" as const];

const USES: Readonly<Record<HookName, Use>> = {
  before_rollout: { ...OF_ROLLOUT, where: "before_rollout, which is about no host" },
  before_wave: { ...OF_SEVERAL, where: "before_wave, which is about several hosts" },
  before_batch: { ...OF_SEVERAL, where: "before_batch, which is about several hosts" },
  before_host: { ...OF_HOST, where: "before_host, which is about a whole host" },
  before_restart: { where: "before_restart", known: OF_INSTANCE, vars: true, quoting: "shell" },
  after_healthy: { where: "after_healthy", known: OF_INSTANCE, vars: true, quoting: "shell" },
  after_host: { ...OF_HOST, where: "after_host, which is about a whole host" },
  after_batch: { ...OF_SEVERAL, where: "after_batch, which is about several hosts" },
  after_wave: { ...OF_SEVERAL, where: "after_wave, which is about several hosts" },
  after_rollout: { ...OF_ROLLOUT, where: "after_rollout, which is about no host" },
  on_failure: { where: "on_failure", known: OF_FAILURE, vars: true, quoting: "shell" },
};

/** Reads a level's hooks, but for those of the rollout. */
export function readLevelHooks(
  section: RawSettings["hooks"],
  path: Path,
  document: PlanDocument,
  findings: Findings,
): OwnHooks {
  const names = [...HOST_HOOKS, ...WAVE_HOOKS];
  const none = names.filter((name) => document.isTakenAway([...path, name])).map((name) => [name, null] as const);
  return Object.fromEntries([...none, ...readHooks(names, section, path, findings)]);
}

/** Whether it is a hook of a wave or a batch. */
export function isOfWave(name: string): name is keyof WaveHooks {
  return (WAVE_HOOKS as readonly string[]).includes(name);
}

/** Reads the plan's hooks of the rollout. */
export function readRolloutHooks(section: RawPlan["hooks"], findings: Findings): ReadRolloutHooks {
  const read = readHooks(ROLLOUT_HOOKS, section, ["hooks"], findings);
  return {
    hooks: Object.fromEntries(read.map(([name, { hook }]) => [name, hook])),
    templates: read.map(([, { template }]) => template),
  };
}

/** Reads the plan's hooks of reverts. */
export function readRevertHooks(
  section: RawPlan["revert"],
  document: PlanDocument,
  findings: Findings,
): ReadRevertHooks {
  const names = [...HOST_HOOKS, ...WAVE_HOOKS, ...ROLLOUT_HOOKS];
  const none = names.filter((name) => document.isTakenAway(["revert", name])).map((name) => [name, null] as const);
  const read = readHooks(names, section, ["revert"], findings);
  const textsOf = (isOne: (name: HookName) => boolean) =>
    read.flatMap(([name, { template }]) => (isOne(name) ? template : []));
  const isOfInstance = (name: HookName) => name === "before_restart" || name === "after_healthy";
  return {
    hooks: Object.fromEntries([...none, ...read.map(([name, { hook }]) => [name, hook] as const)]),
    ofHost: textsOf((name) => !isOfInstance(name) && !isOfWave(name)),
    ofInstances: textsOf(isOfInstance),
    ofWaves: textsOf(isOfWave),
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
    const { command, run = runsByDefault(name), timeout, on_error } = asMap(raw);
    if (command === undefined) return [];
    const at = typeof raw === "string" ? [...path, name] : [...path, name, "command"];
    const timeout_ms =
      timeout === undefined ? undefined : readDuration(timeout, [...path, name, "timeout"], findings, "above zero");
    const hook: Hook = {
      command,
      run,
      ...(timeout_ms !== undefined && { timeout_ms }),
      ...(on_error !== undefined && { on_error }),
    };
    return [[name, { hook, template: readTemplate(command, at, USES[name], findings) }]];
  });
}

function asMap(raw: RawHook | undefined): Exclude<RawHook, string> {
  return typeof raw === "string" ? { command: raw } : (raw ?? {});
}

/** The schema lets the hooks of the rollout, of waves and of batches run nowhere else. */
function runsByDefault(name: HookName): RunsOn {
  return isOfWave(name) || (ROLLOUT_HOOKS as readonly HookName[]).includes(name) ? "controller" : "host";
}
