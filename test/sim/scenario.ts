import type { HostName, InstanceName, RolloutId } from "../../src/domain/ids.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { buildRollout } from "../../src/planner/build/build.ts";
import { hostsToReread } from "../../src/planner/build/group-updates.ts";
import type { Plan } from "../../src/planner/plan/plan.ts";
import { actionOf, drawAction, withAction, writeConfigurations } from "./draw-actions.ts";
import { drawOperator, drawRecord, drawWay, misbehave, plague, tease } from "./draw-faults.ts";
import { allSettingsOf } from "./judge/selects.ts";
import { drawPlan, raise } from "./draw.ts";
import { withWaveHooks } from "./draw-hooks.ts";
import { drawPrograms } from "./draw-programs.ts";
import { drawInterference, type Interference } from "./interference.ts";
import { SeededRandom } from "./random.ts";
import type { SimFleet } from "./sim-fleet.ts";
import type { SimulateOptions } from "./simulate.ts";
import { Troubles } from "./troubles.ts";
import { VirtualTime } from "./virtual-time.ts";

export const SIM_ROLLOUT = "20261123T000000Z-0000" as RolloutId;

/** A story that takes more steps never ends. */
const MOST_STEPS = 1_000_000;

export interface Scenario {
  readonly hasFaults: boolean;
  readonly time: VirtualTime;
  readonly fleet: SimFleet;
  readonly plan: Plan;
  readonly planned: Rollout;
  readonly options: SimulateOptions;
  readonly troubles: Troubles;
  /** Why the plan was refused as it was drawn first: a floor that nothing could keep. */
  readonly refused: readonly string[];
  readonly interference: Interference;
  /** Ends what happens to the fleet by itself, or by others. */
  readonly plagues: { end(): void };
}

/** A fleet, a plan and everything that will happen to them, made from one number. */
export function scenario(seed: number, { faults: hasFaults = true, onlyRestarts = false } = {}): Scenario {
  const random = new SeededRandom(seed);
  const time = new VirtualTime(MOST_STEPS);
  const programs = drawPrograms(random);
  const fleet = raise(random, time, programs);
  // Numbers of their own: the rest of each story stays as it is.
  const ofHooks = new SeededRandom(seed + 3_000_000);
  const restarting = withWaveHooks(ofHooks, drawPlan(random, fleet, programs, hasFaults));
  const ofActions = new SeededRandom(seed + 4_000_000);
  const drawn = onlyRestarts ? restarting : withAction(restarting, drawAction(ofActions, hasFaults ? [] : programs));
  settleDown(random, fleet);
  if (hostsToReread(drawn).size > 0) writeConfigurations(ofActions, fleet);
  const { plan, planned, refused } = possible(drawn, fleet);
  const troubles = new Troubles();
  for (const [host, instance] of failingByDesign(plan, fleet)) troubles.befall(host, instance);
  misbehave(random, fleet, troubles, hasFaults);
  if (typeof actionOf(plan) === "object") faceSignals(fleet, troubles, hasFaults);
  tease(random, fleet, time);
  const plagues = hasFaults ? plague(random, fleet, time, troubles) : { end: () => undefined };
  const options: SimulateOptions = {
    ...drawWay(random, fleet, troubles, hasFaults),
    ...drawRecord(random, time, hasFaults),
    ...drawOperator(random, plan, hasFaults),
  };
  const interference = hasFaults ? drawInterference(random) : {};
  return { hasFaults, time, fleet, plan, planned, options, troubles, refused, interference, plagues };
}

/** Workers that exit by design, which the plan takes for a failure. */
export function failingByDesign(plan: Plan, fleet: SimFleet): (readonly [HostName, InstanceName])[] {
  return [...fleet.hosts].flatMap(([host, processes]) =>
    [...processes.values()].flatMap(({ instance, isWorker }) => {
      const accepts = allSettingsOf(plan, host, instance).every(
        ({ on_expected_exit }) => on_expected_exit === "accept",
      );
      // A signal is for the process that gets it: if that ends, it has not reloaded.
      const isSignalled = typeof actionOf(plan) === "object";
      return (!accepts || isSignalled) && isWorker ? [[host, instance] as const] : [];
    }),
  );
}

/** What recovers from a crash at its start does not from one over a signal. */
function faceSignals(fleet: SimFleet, troubles: Troubles, hasFaults: boolean): void {
  for (const [host, processes] of fleet.hosts)
    for (const [instance, process] of processes) {
      if (process.behaviour.crashesAtStart === 0) continue;
      if (hasFaults) troubles.befall(host, instance);
      else process.behave({ ...process.behaviour, crashesAtStart: 0 });
    }
}

/** Not everything runs before a rollout. */
function settleDown(random: SeededRandom, fleet: SimFleet): void {
  for (const processes of fleet.hosts.values())
    for (const process of processes.values()) {
      if (process.isOneShot) continue;
      if (random.chance(0.03)) process.rest("STOPPED");
      else if (random.chance(0.01)) process.rest("FATAL");
    }
}

/** A plan with a floor that no restart can keep is refused, and goes without. */
function possible(drawn: Plan, fleet: SimFleet): Pick<Scenario, "plan" | "planned" | "refused"> {
  const build = (plan: Plan) => buildRollout(plan, fleet.report(), { id: SIM_ROLLOUT });
  const built = build(drawn);
  if (built.kind === "planned") return { plan: drawn, planned: built.rollout, refused: [] };
  const refused = built.refusals.map(({ code, reason }) => `${code}: ${reason}`);
  const plan = {
    ...drawn,
    waves: drawn.waves.map((wave) => ({ ...wave, floors: [] })),
    limits: { ...drawn.limits, min_healthy: { count: 0 } },
  };
  const without = build(plan);
  if (without.kind === "refused") throw new Error(without.refusals.map(({ reason }) => reason).join("; "));
  return { plan, planned: without.rollout, refused };
}
