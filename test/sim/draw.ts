import { expandNodeSet } from "../../src/domain/node-set.ts";
import { compareNaturally, type HostName } from "../../src/domain/ids.ts";
import type { Quantity } from "../../src/domain/quantity.ts";
import type { Check, Hook, HookName, HostHooks, RolloutHooks } from "../../src/domain/settings.ts";
import type { Timings } from "../../src/domain/rollout.ts";
import type { HostSettings, Plan, PlanWave } from "../../src/planner/plan/plan.ts";
import type { SimProgram } from "./draw-programs.ts";
import { drawTerms } from "./draw-hooks.ts";
import { drawProgramSettings, withProgramSettings } from "./draw-settings.ts";
import type { SeededRandom } from "./random.ts";
import { simTimings } from "./rollouts.ts";
import { SimFleet } from "./sim-fleet.ts";
import { instanceConfigOf } from "./sim-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

const http = (url: string): Check => ({ kind: "http", url, status: 200, from: "host", timeout_ms: 5000 });

/** Hosts with these programs; sometimes two of them are supervisords on one machine. */
export function raise(random: SeededRandom, time: VirtualTime, programs: readonly SimProgram[]): SimFleet {
  const hosts = namesOf(random.whole(1, programs.length > 1 ? 4 : 6));
  const fleet = new SimFleet(time, []);
  const members = programs
    .flatMap((program) => program.members)
    .sort((a, b) => compareNaturally(a.instance, b.instance));
  const areBeside = hosts.length > 1 && random.chance(0.1);
  for (const [index, host] of hosts.entries()) {
    fleet.addHost(host, areBeside && index === 1 ? hosts[0] : undefined);
    for (const { instance, behaviour, config, isDone } of members) {
      fleet.add(host, instance, behaviour, config);
      if (isDone) fleet.process(host, instance).rest("EXITED");
    }
  }
  // How Supervisor is configured is mostly found out.
  if (!random.chance(0.1))
    fleet.configs = new Map(members.map(({ instance, config }) => [instance, instanceConfigOf(config)]));
  fleet.release = 1;
  return fleet;
}

/** A plan over all of a fleet, in one or two waves; with two, a host may come in both. */
export function drawPlan(
  random: SeededRandom,
  fleet: SimFleet,
  programs: readonly SimProgram[],
  hasFaults: boolean,
): Plan {
  const names = [...fleet.hosts.keys()];
  const ofPrograms = random.fork();
  const drawer = new Drawer(random, hasFaults);
  const sizes = programs.map(({ members }) => members.filter(({ isDone }) => !isDone).length);
  const least = Math.min(...sizes.filter((size) => size > 0)) * names.length;
  const waves = drawer.waves(names, programs);
  const limits = {
    max_failures: { count: random.chance(0.5) ? 0 : random.whole(1, 3) },
    max_unreachable: { count: random.whole(0, 1) },
    min_healthy: drawer.floor(least),
  };
  const on_failure = hasFaults && random.chance(0.4) ? "ask" : "stop";
  // What is STOPPED and is started has to run on: what does its work once cannot.
  const starts = random.chance(0.2) && !programs.some(({ members }) => members.some(({ isDone }) => isDone));
  const withStopped = ({ hosts, ...wave }: PlanWave): PlanWave => ({
    ...wave,
    hosts: hosts.map(({ host, settings }) => ({
      host,
      settings: { ...settings, stopped: starts ? "start" : "skip" },
    })),
  });
  const hasOwn = ofPrograms.chance(0.35);
  const withOwn = (wave: PlanWave) =>
    hasOwn ? withProgramSettings(wave, drawProgramSettings(ofPrograms, wave.programs, programs, hasFaults)) : wave;
  return {
    name: "simulated",
    file: "/simulated.yaml",
    hosts: names.map((name) => ({
      name,
      address: name,
      connection: "ssh",
      ssh: { connect_timeout_ms: 10_000 },
      supervisor: { command: "supervisorctl", sudo: false },
    })),
    size: names.length,
    groups: new Map(),
    waves: waves.map(withStopped).map(withOwn),
    limits,
    on_failure,
    hooks: drawer.rolloutHooks(),
    selection: { limit: [], exclude: [], programs: [] },
    warnings: [],
    lock: { mode: "required", directory: "/tmp" },
  };
}

class Drawer {
  private readonly random: SeededRandom;
  private readonly ofHooks: SeededRandom;
  private readonly timings: Timings;
  private readonly hooks: HostHooks;
  private readonly checks: readonly Check[];
  private readonly exits: Pick<HostSettings, "exited" | "on_expected_exit">;

  constructor(random: SeededRandom, hasFaults: boolean) {
    this.random = random;
    this.ofHooks = random.fork().fork();
    this.timings = {
      ...simTimings,
      between_restarts_ms: random.pick([0, 100, 10_000]),
      between_batches_ms: random.pick([0, 30_000]),
      min_healthy_time_ms: random.pick([0, 1000, 15_000]),
      progress_deadline_ms: hasFaults ? random.whole(1000, 600_000) : 600_000,
    };
    this.hooks = {
      ...(random.chance(0.3) && this.hooksCalled("before_restart", "after_healthy")),
      ...(random.chance(0.3) && this.hooksCalled("before_host", "after_host")),
    };
    const checks = [http("http://127.0.0.1:8080/healthz"), http("http://127.0.0.1:8080/ready")];
    const passes = random.chance(0.3) ? { passes: random.whole(2, 3) } : {};
    this.exits = {
      exited: random.pick(["skip", "restart"] as const),
      // Where nothing may fail, nothing may fail by design either.
      on_expected_exit: hasFaults && random.chance(0.2) ? "fail" : "accept",
    };
    this.checks = random.chance(0.4) ? checks.slice(random.whole(0, 1)).map((check) => ({ ...check, ...passes })) : [];
  }

  waves(names: readonly HostName[], programs: readonly SimProgram[]): PlanWave[] {
    const { random } = this;
    const named = programs.filter(({ isNamed }) => isNamed).map(({ selector }) => selector);
    const selectors = random.chance(0.3) ? ["*"] : named;
    const [first = ""] = selectors;
    const shape = random.next();
    if (names.length > 1 && shape < 0.25)
      return [
        { ...this.wave("canary", names.slice(0, 1), selectors), ...this.pause() },
        this.wave("all", names.slice(1), selectors),
      ];
    // The same hosts again, for other programs, or for what the first wave has taken already.
    if (shape < 0.5)
      return [this.wave("first", names, [first]), this.wave("second", names, programs.length > 1 ? selectors : ["*"])];
    return [this.wave("all", names, selectors)];
  }

  floor(least: number): Quantity {
    const { random } = this;
    if (random.chance(0.5)) return { count: 0 };
    return random.chance(0.5) ? { count: random.whole(0, least - 1) } : { percent: random.pick([25, 50, 75]) };
  }

  rolloutHooks(): RolloutHooks {
    const { random } = this;
    if (!random.chance(0.2)) return {};
    const { before_rollout, after_rollout, on_failure } = this.hooksCalled(
      "before_rollout",
      "after_rollout",
      "on_failure",
    );
    return random.pick<RolloutHooks>([
      { before_rollout, after_rollout },
      { on_failure },
      { before_rollout, after_rollout, on_failure },
    ]);
  }

  private wave(group: string, hosts: readonly HostName[], programs: readonly string[]): PlanWave {
    const { random } = this;
    const settings: HostSettings = {
      instances: random.chance(0.2) ? { percent: 50 } : { count: random.whole(1, 4) },
      timings: this.timings,
      checks: this.checks,
      hooks: this.hooks,
      vars: {},
      action: "restart",
      config_changes: "warn",
      stopped: "skip",
      ...this.exits,
      leftovers: random.chance(0.8) ? "fail" : random.pick(["warn", "ignore"] as const),
    };
    return {
      group,
      hosts: hosts.map((host) => ({ host, settings })),
      programs,
      batches: {
        sizes: [{ count: random.whole(1, hosts.length) }],
        mode: random.pick(["lockstep", "sliding"] as const),
      },
      between_batches_ms: this.timings.between_batches_ms,
    };
  }

  private pause(): Pick<PlanWave, "pause"> {
    return { pause: this.random.pick([{ ms: 60_000 }, "ask"] as const) };
  }

  private hooksCalled<Name extends HookName>(...names: readonly Name[]) {
    const run = "host" as const;
    const hooks: Partial<Record<Name, Hook>> = {};
    for (const name of names) hooks[name] = { command: name, run, ...drawTerms(this.ofHooks, name) };
    return hooks as Record<Name, Hook>;
  }
}

function namesOf(count: number): HostName[] {
  const expansion = expandNodeSet(`host-[1-${count}]`);
  if (!("names" in expansion)) throw new Error(expansion.problem);
  return expansion.names as HostName[];
}
