import { parseQuantity, type Quantity } from "../../domain/quantity.ts";
import type { Vars } from "../../domain/settings.ts";
import { readChecks, type OwnCheck } from "./checks.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import { isOfWave, readLevelHooks, type OwnHook, type OwnHooks } from "./hooks.ts";
import type { Path } from "../text/path.ts";
import type { HostSettings } from "./plan.ts";
import { defaultsOf } from "../schema/plan-schema.ts";
import type { PlacedSettings, RawSettings } from "../schema/raw-plan.ts";
import type { Template } from "./templates.ts";
import { mergeTimings, readTimings, type OwnTimings } from "./timings.ts";
import { readVars } from "./vars.ts";

/** The settings of restarts that the plan, a group, a host or a program has. */
export interface Level extends PlacedSettings {
  readonly instances: Quantity | undefined;
  readonly timings: OwnTimings;
  /** Undefined if the level has no checks of its own. */
  readonly checks: readonly OwnCheck[] | undefined;
  readonly hooks: OwnHooks;
  readonly vars: Vars;
}

/** The settings that apply, and the texts in them that are filled in: for a whole host, and for each instance. */
export interface MergedLevels {
  readonly settings: HostSettings;
  readonly ofHost: readonly Template[];
  readonly ofInstances: readonly Template[];
}

/** Reads one level. */
export function readLevel(section: RawSettings, path: Path, document: PlanDocument, findings: Findings): Level {
  const { instances } = section.batches ?? {};
  return {
    path,
    section,
    instances: instances === undefined ? undefined : parseQuantity(instances),
    timings: readTimings(section.timings, [...path, "timings"], findings),
    checks: document.isTakenAway([...path, "checks"]) ? [] : readChecks(section.checks, [...path, "checks"], findings),
    hooks: readLevelHooks(section.hooks, [...path, "hooks"], document, findings),
    vars: readVars(section.vars, [...path, "vars"], document),
  };
}

/** Whether a level sets nothing at all. */
export function isSilent({
  checks,
  section: { action, config_changes, timings, batches, hooks, vars, stopped, exited, leftovers, on_expected_exit },
}: Level): boolean {
  if (action || config_changes) return false;
  return !timings && !batches && !checks && !hooks && !vars && !stopped && !exited && !leftovers && !on_expected_exit;
}

/** Merges levels; later ones are nearer and win: key by key, and with their whole list of checks. */
export function mergeLevels(levels: readonly Level[]): MergedLevels {
  const timings = mergeTimings(...levels.map((level) => level.timings));
  const checks = levels.findLast((level) => level.checks !== undefined)?.checks ?? [];
  const hooks = nearestHooks(levels).filter(([name]) => !isOfWave(name));
  const settings: HostSettings = {
    action: levels.findLast(({ section }) => section.action)?.section.action ?? "restart",
    config_changes: levels.findLast(({ section }) => section.config_changes)?.section.config_changes ?? "warn",
    instances: levels.findLast((level) => level.instances)?.instances ?? DEFAULT_INSTANCES,
    timings,
    checks: checks.map((check) => check.withTimeout(timings.command_timeout_ms)),
    hooks: Object.fromEntries(hooks.map(([name, { hook }]) => [name, hook])),
    vars: Object.assign({}, ...levels.map((level) => level.vars)) as Vars,
    stopped: levels.findLast(({ section }) => section.stopped)?.section.stopped ?? "skip",
    exited: levels.findLast(({ section }) => section.exited)?.section.exited ?? "skip",
    leftovers: levels.findLast(({ section }) => section.leftovers)?.section.leftovers ?? "fail",
    on_expected_exit: levels.findLast(({ section }) => section.on_expected_exit)?.section.on_expected_exit ?? "fail",
  };
  const ofHooks = hooks.map(([name, { template }]) => ({ isOfHost: name.endsWith("_host"), template }));
  return {
    settings,
    ofHost: ofHooks.flatMap(({ isOfHost, template }) => (isOfHost ? template : [])),
    ofInstances: [
      ...checks.map(({ template }) => template),
      ...ofHooks.flatMap(({ isOfHost, template }) => (isOfHost ? [] : template)),
    ],
  };
}

/** The hooks of a wave and of its batches, and their texts. */
export function waveHooksOf(levels: readonly Level[]) {
  const hooks = nearestHooks(levels).filter(([name]) => isOfWave(name));
  return {
    hooks: Object.fromEntries(hooks.map(([name, { hook }]) => [name, hook])),
    templates: hooks.map(([, { template }]) => template),
  };
}

/** Of each name the hook of the nearest level that says something of it. */
function nearestHooks(levels: readonly Level[]): [string, OwnHook][] {
  const nearest = new Map<string, OwnHook | null>(levels.flatMap((level) => Object.entries(level.hooks)));
  return [...nearest].flatMap(([name, own]): [string, OwnHook][] => (own ? [[name, own]] : []));
}

const DEFAULT_INSTANCES = parseQuantity(defaultsOf("batches").instances) ?? { count: 1 };
