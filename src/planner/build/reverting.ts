import type { HostName, InstanceName, RolloutId } from "../../domain/ids.ts";
import type { PlanAction } from "../../domain/action.ts";
import { isRunning, type ProcessSnapshot } from "../../domain/process-state.ts";
import type { HostWork, PlannedInstance } from "../../domain/rollout.ts";
import { WAVE_HOOKS } from "../../domain/wave-hooks.ts";
import type { HookName, RevertHooks } from "../../domain/settings.ts";
import type { HostSettings, Plan, PlanWave } from "../plan/plan.ts";
import type { EarlierOutcome, ResumedRollout } from "./resumed.ts";

/** A rollout to revert: what it and those that resumed it have touched. */
export interface RevertedRollout {
  /** As the operator names it. */
  readonly id: RolloutId;
  readonly chain: ResumedRollout;
  /** Those that the plan has now. */
  readonly planHosts: ReadonlySet<HostName>;
  /** Hosts on which something of it may still act, and why: they are left out. */
  readonly acting?: ReadonlyMap<HostName, string>;
}

/** The instances to which a restart was sent, by host. */
export function touchedIn({ outcomes }: ResumedRollout): ReadonlyMap<HostName, readonly InstanceName[]> {
  const touched = [...outcomes].map(([host, instances]) => [host, [...instances.keys()]] as const);
  return new Map(touched.filter(([, instances]) => instances.length > 0));
}

/** The hosts on which there is something to revert: instances, or what a before_host hook has done. */
export function hostsToRevert(chain: ResumedRollout): ReadonlySet<HostName> {
  return new Set([...touchedIn(chain).keys(), ...chain.hookedHosts]);
}

/** The hosts that it meant to work on, and where it has restarted nothing. */
export function untouchedHostsOf(chain: ResumedRollout): HostName[] {
  const touched = touchedIn(chain);
  return [...chain.planned.keys()].filter((host) => !touched.has(host));
}

/** The failure that a reverted rollout has left an instance with, so that it counts as down before its turn. */
export function failureLeft(outcome: EarlierOutcome): Pick<PlannedInstance, "failed_as"> {
  if (outcome.kind === "failed") return { failed_as: outcome.code };
  return outcome.kind === "unknown" ? { failed_as: "indeterminate" } : {};
}

/** What a revert does to an instance: it is signalled again if that is what was done, else it gets a new process. */
export function revertAction(
  action: PlanAction,
  snapshot: ProcessSnapshot,
): Pick<PlannedInstance, "action" | "signal"> {
  if (typeof action === "object" && isRunning(snapshot)) return { action: "signal", signal: action.signal };
  return { action: snapshot.state === "STOPPED" ? "start" : "restart" };
}

/**
 * A plan as it is carried out while reverting: with the hooks of `revert`, and without pauses, in which a new release is
 * watched. A revert that halts is not reverted.
 */
export function revertingPlan(plan: Plan): Plan {
  const { revert = {}, hooks, on_failure } = plan;
  return {
    ...plan,
    waves: plan.waves.map((wave) => revertingWave(wave, revert)),
    hooks: replaced(hooks, revert, ["before_rollout", "after_rollout", "on_failure"]),
    on_failure: on_failure === "revert" ? "stop" : on_failure,
  };
}

function revertingWave({ pause: _, hooks: own = {}, ...wave }: PlanWave, revert: RevertHooks): PlanWave {
  const known = new Map<HostSettings, HostSettings>();
  const settingsOf = (settings: HostSettings): HostSettings => {
    const before = known.get(settings);
    if (before) return before;
    const hooks = replaced(settings.hooks, revert, ["before_host", "before_restart", "after_healthy", "after_host"]);
    const now = { ...settings, hooks };
    known.set(settings, now);
    return now;
  };
  const hooks = replaced(own, revert, WAVE_HOOKS);
  return {
    ...wave,
    ...(Object.keys(hooks).length > 0 && { hooks }),
    hosts: wave.hosts.map(({ host, settings, byRule }) => ({
      host,
      settings: settingsOf(settings),
      ...(byRule && { byRule: byRule.map(settingsOf) }),
    })),
  };
}

function replaced<Hooks extends object>(hooks: Hooks, revert: RevertHooks, names: readonly HookName[]): Hooks {
  const own = names.flatMap((name) => (revert[name] === undefined ? [] : [[name, revert[name]] as const]));
  const merged = { ...hooks, ...Object.fromEntries(own) };
  return Object.fromEntries(Object.entries(merged).filter(([, hook]) => hook !== null)) as Hooks;
}

/**
 * In a revert, instances that are down come before those that serve: their restart takes nothing away, and until then a
 * floor may have none to spare.
 */
export function downFirst<Item>(items: readonly Item[], isDown: (item: Item) => boolean): Item[] {
  return [...items.filter(isDown), ...items.filter((item) => !isDown(item))];
}

/** Whether its restart takes nothing away. */
export function isDown({ failed_as, before }: PlannedInstance): boolean {
  return failed_as !== undefined || !isRunning(before);
}

/** Whether any instance of a host is. */
export function hasDown({ batches }: HostWork): boolean {
  return batches.some(({ instances }) => instances.some(isDown));
}
