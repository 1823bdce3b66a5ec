import type { HostName } from "../../src/domain/ids.ts";
import type { HostHooks } from "../../src/domain/settings.ts";
import { SeededRandom } from "./random.ts";
import { simulated, type Sizes } from "./rollouts.ts";
import type { SimBehaviour } from "./sim-process.ts";
import type { ChangeFate, SimulateOptions } from "./simulate.ts";

/** What may go wrong, and how likely it is for each thing that it can befall. */
const FAULTS: readonly ((random: SeededRandom) => Partial<SimBehaviour>)[] = [
  () => ({ crashesAtStart: Infinity }),
  (random) => ({ crashesAtStart: random.whole(1, 3) }),
  (random) => ({ diesAfterMs: random.whole(100, 20_000) }),
  (random) => ({ stopMs: random.whole(1000, 400_000) }),
  (random) => ({ startsecsMs: random.whole(2000, 200_000) }),
  () => ({ fileGone: true }),
];

/** A fleet, a plan and everything that will happen to them, made from one number. */
export function scenario(seed: number, { faults = true } = {}) {
  const random = new SeededRandom(seed);
  const sizes = sizesFrom(random, faults);
  const made = simulated(sizes);
  const { time, fleet } = made;
  const hosts = [...fleet.hosts.keys()];
  const planned = made.rollout();
  if (faults) {
    for (const processes of fleet.hosts.values())
      for (const process of processes.values())
        if (random.chance(0.04)) process.behaviour = { ...process.behaviour, ...random.pick(FAULTS)(random) };
    if (random.chance(0.3)) breakLater();
    if (random.chance(0.2)) loseHostLater();
  }

  /** A program that crashes for good by itself, at any time. */
  function breakLater(): void {
    const processes = [...(fleet.hosts.get(random.pick(hosts))?.values() ?? [])];
    const process = random.pick(processes);
    time.at(random.whole(0, 120_000), () => process.breakDown());
  }

  /** A host that cannot be reached for a while, or any more. */
  function loseHostLater(): void {
    const host: HostName = random.pick(hosts);
    const fromMs = random.whole(0, 120_000);
    time.at(fromMs, () => fleet.unreachable.add(host));
    if (random.chance(0.7)) time.at(fromMs + random.whole(100, 120_000), () => fleet.unreachable.delete(host));
  }

  const hookFails = faults && random.chance(0.2);
  const options: SimulateOptions = {
    lookMs: () => random.whole(1, faults && random.chance(0.02) ? 30_000 : 400),
    onChange: (): ChangeFate => {
      if (!faults || random.chance(0.95)) return { kind: "arrives" };
      const kind = random.pick(["not_sent", "lost_on_the_way", "lost_under_way"] as const);
      return kind === "not_sent" ? { kind } : { kind, afterMs: random.whole(1, 5000) };
    },
    onHook: () => (hookFails && random.chance(0.1) ? { kind: "failed", reason: "exit code 1" } : { kind: "succeeded" }),
  };
  const interruptAtMs = faults && random.chance(0.15) ? random.whole(0, 200_000) : undefined;
  return { ...made, planned, sizes, options, interruptAtMs };
}

function sizesFrom(random: SeededRandom, faults: boolean): Required<Sizes> {
  const hosts = random.whole(1, 6);
  const instances = random.whole(1, 6);
  const hook = { command: "true", run: "host" } as const;
  const hooks: HostHooks = random.chance(0.3) ? { before_restart: hook, after_healthy: hook } : {};
  return {
    hosts,
    instances,
    hostsAtOnce: random.whole(1, hosts),
    instancesAtOnce: random.whole(1, instances),
    mode: random.pick(["lockstep", "sliding"]),
    maxFailures: random.chance(0.5) ? 0 : random.whole(1, 3),
    maxUnreachable: random.whole(0, 1),
    minHealthy: random.chance(0.5) ? 0 : random.whole(0, hosts * instances),
    hooks,
    timings: {
      between_restarts_ms: random.pick([0, 100, 10_000]),
      between_batches_ms: random.pick([0, 30_000]),
      min_healthy_time_ms: random.pick([0, 1000, 15_000]),
      progress_deadline_ms: faults ? random.whole(1000, 600_000) : 600_000,
    },
  };
}
