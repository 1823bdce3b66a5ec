import type { PlanAction } from "../../src/domain/action.ts";
import { programOf, type InstanceName, type ProgramName } from "../../src/domain/ids.ts";
import type { HostSettings, Plan } from "../../src/planner/plan/plan.ts";
import type { SimProgram } from "./draw-programs.ts";
import type { SeededRandom } from "./random.ts";
import type { Configured } from "./sim-disks.ts";
import type { SimFleet } from "./sim-fleet.ts";

const HUP: PlanAction = { signal: "HUP" };

/** What a plan does with all that it selects. */
export type DrawnAction = Pick<HostSettings, "action" | "config_changes">;

/**
 * Mostly restarts, some of which load what has changed on the disks.
 * @param programs among which no signal may fail: it does where its process ends, as workers do by design
 */
export function drawAction(random: SeededRandom, programs: readonly SimProgram[]): DrawnAction {
  const mayFail = programs.some(({ members }) => members.some(({ behaviour }) => behaviour.completesAfterMs));
  const drawn = random.next();
  const config_changes = drawn > 0.88 ? "apply" : "warn";
  if (drawn < 0.1 && !mayFail) return { action: HUP, config_changes };
  if (drawn < 0.17) return { action: "stop", config_changes };
  return { action: drawn < 0.29 ? "update" : "restart", config_changes };
}

/** The same plan with this action for all. */
export function withAction(plan: Plan, action: DrawnAction): Plan {
  const acting = (settings: HostSettings): HostSettings => ({ ...settings, ...action });
  return {
    ...plan,
    waves: plan.waves.map((wave) => ({
      ...wave,
      hosts: wave.hosts.map((one) => ({
        ...one,
        settings: acting(one.settings),
        ...(one.byRule && { byRule: one.byRule.map(acting) }),
      })),
    })),
  };
}

/** The plan's action. A scenario has one for all. */
export function actionOf({ waves }: Plan): PlanAction {
  return waves[0]?.hosts[0]?.settings.action ?? "restart";
}

/** Someone has written other configurations to the disks of the hosts, of which their supervisords know nothing yet. */
export function writeConfigurations(random: SeededRandom, fleet: SimFleet): void {
  for (const [host, processes] of fleet.hosts) {
    const groups = new Set([...processes.values()].map(({ instance }) => programOf(instance)));
    for (const group of groups) {
      if (!random.chance(0.6)) continue;
      const members = [...processes.values()].filter(({ instance }) => programOf(instance) === group);
      if (members.some(({ config, isOneShot }) => config.isListener || isOneShot)) continue;
      const instances = new Map(
        members.map(({ instance, config }): [InstanceName, Configured] => [instance, { config }]),
      );
      change(random, group, instances);
      fleet.disks.write(host, group, { version: 1, instances });
    }
  }
}

/** More processes, fewer, or the same ones with another command. */
function change(random: SeededRandom, group: ProgramName, instances: Map<InstanceName, Configured>): void {
  const names = [...instances.keys()];
  const [first] = names;
  const like = first && instances.get(first);
  const drawn = random.next();
  if (drawn < 0.4 && like)
    for (let more = random.whole(1, 3); more > 0; more--) instances.set(`${group}:more_${more}` as InstanceName, like);
  else if (drawn < 0.6 && names.length > 1)
    for (const name of names.slice(random.whole(1, names.length - 1))) instances.delete(name);
}
