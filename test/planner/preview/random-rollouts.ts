import fc from "fast-check";
import type { PlanAction } from "../../../src/domain/action.ts";
import type { InstanceConfig } from "../../../src/domain/fleet.ts";
import type { HostName, InstanceName, RolloutId } from "../../../src/domain/ids.ts";
import type { Quantity } from "../../../src/domain/quantity.ts";
import type { Rollout } from "../../../src/domain/rollout.ts";
import { buildRollout } from "../../../src/planner/build/build.ts";
import type { HostSettings, Plan, PlanWave, ProgramFloor } from "../../../src/planner/plan/plan.ts";
import { wholeGroupOf } from "../../../src/domain/selector.ts";
import { simTimings } from "../../sim/rollouts.ts";
import { SimFleet } from "../../sim/sim-fleet.ts";
import { VirtualTime } from "../../sim/virtual-time.ts";

const HOSTS = ["web-01", "web-02", "web-03", "web-10", "db-1", "db-2", "solo", "rack1-2", "rack1-3", "rack2-2"];
const INSTANCES = [
  ...["web:web_00", "web:web_01", "web:web_02", "web:web_03", "web:web_10"],
  ...["worker:a", "worker:b", "mail:in_1", "mail:in_2", "mail:out", "cron"],
];
const SELECTORS = ["web", "worker", "mail:*", "mail:out", "web:web_0*", "cron", "*"];
/** Has everything, so that no selector names nothing. */
const FULL_HOST = HOSTS[0]!;

/** A plan, a fleet that it fits, and the rollout that comes of them. */
export interface RandomRollout {
  readonly plan: Plan;
  readonly time: VirtualTime;
  readonly fleet: SimFleet;
  readonly rollout: Rollout;
}

interface Drawn {
  readonly hosts: readonly string[];
  readonly waves: readonly WaveDrawn[];
  readonly has: readonly (readonly boolean[])[];
  readonly states: readonly number[];
  readonly stopped: "skip" | "start";
  readonly minHealthy: number;
  readonly configs: readonly InstanceConfig[];
}

interface WaveDrawn {
  readonly hosts: readonly boolean[];
  readonly programs: readonly string[];
  readonly sizes: readonly Quantity[];
  readonly instances: readonly Quantity[];
  readonly sliding: boolean;
  readonly restMs: number;
  readonly betweenBatchesMs: number;
  readonly pauseMs: number | undefined;
  readonly exited: "skip" | "restart";
  readonly action: PlanAction;
  /** The settings of the wave's programs, in their order. */
  readonly own: readonly (OwnDrawn | undefined)[];
  /** Left out of what stands before it. */
  readonly exclusion: string | undefined;
}

interface OwnDrawn {
  readonly instances: Quantity;
  readonly restMs: number;
  readonly minHealthyMs: number;
  readonly exited: "skip" | "restart";
  readonly floor: Quantity | undefined;
}

const quantity = fc.oneof(
  fc.record({ count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
);

const drawnOwn: fc.Arbitrary<OwnDrawn> = fc.record({
  instances: quantity,
  restMs: fc.constantFrom(0, 2000, 20_000),
  minHealthyMs: fc.constantFrom(0, 5000, 12_000),
  exited: fc.constantFrom("skip", "restart"),
  floor: fc.constantFrom(undefined, undefined, { count: 1 }, { percent: 50 }),
});

const drawnWave: fc.Arbitrary<WaveDrawn> = fc.record({
  hosts: fc.array(fc.boolean(), { minLength: HOSTS.length, maxLength: HOSTS.length }),
  programs: fc.uniqueArray(fc.constantFrom(...SELECTORS), { minLength: 1, maxLength: 3 }),
  sizes: fc.array(quantity, { minLength: 1, maxLength: 3 }),
  instances: fc.array(quantity, { minLength: 2, maxLength: 2 }),
  sliding: fc.boolean(),
  restMs: fc.constantFrom(0, 1000, 10_000),
  betweenBatchesMs: fc.constantFrom(0, 30_000),
  pauseMs: fc.constantFrom(undefined, 60_000),
  exited: fc.constantFrom("skip", "restart"),
  action: fc.constantFrom<PlanAction[]>("restart", "restart", "restart", "start", "stop", { signal: "HUP" }),
  own: fc.array(fc.option(drawnOwn, { nil: undefined }), { minLength: 3, maxLength: 3 }),
  exclusion: fc.constantFrom(undefined, undefined, "cron", "web:web_10"),
});

const drawn: fc.Arbitrary<Drawn> = fc.record({
  hosts: fc.shuffledSubarray(HOSTS, { minLength: 1 }),
  waves: fc.array(drawnWave, { minLength: 1, maxLength: 3 }),
  has: fc.array(fc.array(fc.boolean(), { minLength: INSTANCES.length, maxLength: INSTANCES.length }), {
    minLength: HOSTS.length,
    maxLength: HOSTS.length,
  }),
  states: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 40 }),
  stopped: fc.constantFrom("skip", "start"),
  minHealthy: fc.constantFrom(0, 0, 1, 2),
  configs: fc.array(fc.record({ priority: fc.integer({ min: 0, max: 3 }), is_listener: fc.boolean() }), {
    minLength: INSTANCES.length,
    maxLength: INSTANCES.length,
  }),
});

/** Random plans over random fleets, in which some instances are STOPPED, EXITED or FATAL and nothing fails further. */
export const randomRollout: fc.Arbitrary<() => RandomRollout> = drawn.map((given) => () => make(given));

function make(given: Drawn): RandomRollout {
  const hosts = [FULL_HOST, ...given.hosts.filter((host) => host !== FULL_HOST)] as HostName[];
  const time = new VirtualTime();
  const fleet = fleetOf(given, hosts, time);
  const waves = given.waves.map((wave, index) => waveOf(wave, index, hosts, given.stopped));
  const plan: Plan = {
    warnings: [],
    size: hosts.length,
    name: "random",
    file: "/random.yaml",
    hosts: hosts.map((name) => ({
      name,
      address: name,
      connection: "ssh",
      ssh: { connect_timeout_ms: 10_000 },
      supervisor: { command: "supervisorctl", sudo: false },
    })),
    groups: new Map(),
    waves,
    limits: { max_failures: { count: 0 }, max_unreachable: { count: 0 }, min_healthy: { count: given.minHealthy } },
    on_failure: "stop",
    hooks: {},
    selection: { limit: [], exclude: [], programs: [] },
    lock: { mode: "off", directory: "/tmp" },
  };
  const id = "20261123T000000Z-0000" as RolloutId;
  const built = buildRollout(plan, fleet.report(), { id }, { programsWhereFound: true });
  // With a floor above the number of instances nothing is planned; other tests cover that.
  if (built.kind === "refused" && built.refusals.some(({ code }) => code !== "floor_impossible"))
    throw new Error(built.refusals.map(({ reason }) => reason).join("; "));
  if (built.kind === "refused")
    return make({
      ...given,
      minHealthy: 0,
      waves: given.waves.map((wave) => ({ ...wave, own: wave.own.map((own) => own && { ...own, floor: undefined }) })),
    });
  return { plan, time, fleet, rollout: built.rollout };
}

function fleetOf({ has, states, configs }: Drawn, hosts: readonly HostName[], time: VirtualTime): SimFleet {
  const fleet = new SimFleet(time, hosts, INSTANCES);
  fleet.configs = new Map(
    INSTANCES.map((instance, index) => [instance as InstanceName, configOf(instance, configs, index)]),
  );
  let turn = 0;
  for (const [index, host] of hosts.entries())
    for (const [position, instance] of INSTANCES.entries()) {
      if (host !== FULL_HOST && !has[index]?.[position]) fleet.hosts.get(host)?.delete(instance as InstanceName);
      else {
        const state = (["STOPPED", "EXITED", "FATAL"] as const)[states[turn++ % states.length] ?? 3];
        if (!state) continue;
        const process = fleet.process(host, instance);
        process.state = state;
        process.pid = undefined;
      }
    }
  return fleet;
}

/** Only one that is a group of its own may be a listener; a group's priority is that of its first process here. */
function configOf(instance: string, configs: Drawn["configs"], index: number): InstanceConfig {
  const first = INSTANCES.findIndex((other) => other.split(":")[0] === instance.split(":")[0]);
  const is_listener = instance === "cron" && configs[index]?.is_listener === true;
  return { ...configs[index], is_listener, group_priority: configs[first]?.priority ?? 0 };
}

function waveOf(wave: WaveDrawn, index: number, hosts: readonly HostName[], stopped: "skip" | "start"): PlanWave {
  const chosen = hosts.filter((_, position) => wave.hosts[position]);
  const mode = wave.sliding ? "sliding" : "lockstep";
  const exclusions = wave.exclusion === undefined ? [] : [`!${wave.exclusion}`];
  const own = wave.programs.map((_, place) => wave.own[place]);
  return {
    group: `group-${index + 1}`,
    hosts: (chosen.length > 0 ? [FULL_HOST as HostName, ...chosen.filter((host) => host !== FULL_HOST)] : hosts).map(
      (host, position) => {
        const settings: HostSettings = {
          action: wave.action,
          config_changes: "warn",
          instances: wave.instances[position % 3 === 0 ? 1 : 0]!,
          timings: {
            ...simTimings,
            between_restarts_ms: wave.restMs,
            between_batches_ms: wave.betweenBatchesMs,
          },
          checks: [],
          hooks: {},
          vars: {},
          stopped,
          exited: wave.exited,
          leftovers: "fail",
          on_expected_exit: "fail",
        };
        return { host, settings, byRule: own.map((drawnOf) => (drawnOf ? settingsOf(drawnOf, settings) : settings)) };
      },
    ),
    programs: [...wave.programs, ...exclusions],
    rules: wave.programs.map((text) => [[text, ...exclusions]]),
    floors: wave.programs.flatMap((text, place): ProgramFloor[] => {
      const min_healthy = wave.own[place]?.floor;
      const group = wholeGroupOf(text);
      return min_healthy ? [{ selects: [text, ...exclusions], min_healthy, ...(group && { group }) }] : [];
    }),
    batches: { sizes: mode === "sliding" ? wave.sizes.slice(0, 1) : wave.sizes, mode },
    between_batches_ms: wave.betweenBatchesMs,
    ...(wave.pauseMs === undefined ? {} : { pause: { ms: wave.pauseMs } }),
  };
}

function settingsOf({ instances, restMs, minHealthyMs, exited }: OwnDrawn, settings: HostSettings): HostSettings {
  const timings = { ...settings.timings, between_restarts_ms: restMs, min_healthy_time_ms: minHealthyMs };
  return { ...settings, instances, timings, exited };
}
