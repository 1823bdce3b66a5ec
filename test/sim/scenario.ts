import type { Answer } from "../../src/domain/events.ts";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { HostHooks } from "../../src/domain/settings.ts";
import { SeededRandom } from "./random.ts";
import { simulated, type Sizes } from "./rollouts.ts";
import type { SimFleet } from "./sim-fleet.ts";
import type { SimBehaviour } from "./sim-process.ts";
import type { ChangeFate } from "./sim-world.ts";
import type { SimulateOptions } from "./simulate.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What may be wrong with a program, and how likely it is for each that it can befall. */
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
  const planned = made.rollout();
  if (faults) {
    for (const processes of fleet.hosts.values())
      for (const process of processes.values())
        if (random.chance(0.04)) process.behave({ ...process.behaviour, ...random.pick(FAULTS)(random) });
    plagueFleet(fleet, time, random);
  }
  const operator = operatorFrom(random, sizes);
  const options: SimulateOptions = { ...wayFrom(random, faults), ...recordFrom(random, time, faults), ...operator };
  const interruptAtMs = faults && random.chance(0.15) ? random.whole(0, 200_000) : undefined;
  /** The second Ctrl-C. */
  const leaveAtMs =
    interruptAtMs !== undefined && random.chance(0.3) ? interruptAtMs + random.whole(0, 30_000) : undefined;
  /** The first Ctrl-C comes while a question is open. */
  const interruptsQuestion = sizes.onFailure === "ask" && random.chance(0.1);
  /** It comes right after an answer. */
  const interruptsAnswer = sizes.onFailure === "ask" && random.chance(0.1);
  /** Somebody else takes the lock of a host that nothing is sent to. */
  const lockLostAtMs = faults && random.chance(0.03) ? random.whole(0, 200_000) : undefined;
  return {
    ...made,
    planned,
    sizes,
    options,
    interruptAtMs,
    leaveAtMs,
    interruptsQuestion,
    interruptsAnswer,
    lockLostAtMs,
  };
}

/** What happens to hosts and programs by itself, or by somebody else's hand, at any time. */
function plagueFleet(fleet: SimFleet, time: VirtualTime, random: SeededRandom): void {
  const hosts = [...fleet.hosts.keys()];
  const soon = () => random.whole(0, 120_000);
  const anInstance = (host: HostName) => random.pick([...(fleet.hosts.get(host)?.keys() ?? [])]);
  const processOf = (host: HostName, instance: InstanceName) => fleet.hosts.get(host)?.get(instance);

  if (random.chance(0.3)) {
    const host = random.pick(hosts);
    const instance = anInstance(host);
    time.at(soon(), () => processOf(host, instance)?.breakDown());
  }
  // A host that cannot be reached for a while, or any more.
  if (random.chance(0.2)) {
    const host = random.pick(hosts);
    const fromMs = soon();
    time.at(fromMs, () => fleet.lose(host));
    if (random.chance(0.7)) time.at(fromMs + random.whole(100, 120_000), () => fleet.unreachable.delete(host));
  }
  // A supervisord that hangs for a while, or for good.
  if (random.chance(0.1)) {
    const host = random.pick(hosts);
    const fromMs = soon();
    time.at(fromMs, () => fleet.hang(host));
    if (random.chance(0.8)) time.at(fromMs + random.whole(100, 300_000), () => fleet.goOn(host));
  }
  // Somebody at a host's own shell.
  for (let act = random.chance(0.15) ? random.whole(1, 4) : 0; act > 0; act--) {
    const host = random.pick(hosts);
    const instance = anInstance(host);
    const doing = random.pick(["stop", "start", "restart"] as const);
    time.at(soon(), () => fleet.request(host, () => processOf(host, instance)?.meddle(doing)));
  }
  // Somebody who changes Supervisor's config there.
  if (random.chance(0.05)) {
    const host = random.pick(hosts);
    const instance = anInstance(host);
    const isNew = random.chance(0.5);
    time.at(soon(), () => (isNew ? fleet.add(host, "web:new" as InstanceName) : fleet.remove(host, instance)));
  }
}

/** What happens between the controller and the hosts. */
function wayFrom(random: SeededRandom, faults: boolean): SimulateOptions {
  const hookFails = faults && random.chance(0.2);
  return {
    lookMs: () => random.whole(1, faults && random.chance(0.02) ? 30_000 : 400),
    onChange: (): ChangeFate => {
      if (!faults || random.chance(0.95)) return { kind: "arrives" };
      const kind = random.pick(["not_sent", "lost_on_the_way", "lost_under_way", "lost_after"] as const);
      if (kind === "not_sent") return { kind };
      if (kind === "lost_after") return { kind, forMs: random.whole(1, 100_000) };
      return { kind, afterMs: random.whole(1, 5000) };
    },
    onSettle: () => {
      if (!faults || random.chance(0.9)) return { kind: "settled" };
      return random.chance(0.5) ? { kind: "unprovable" } : { kind: "lock_lost", reason: "somebody else has it" };
    },
    onHook: () => (hookFails && random.chance(0.1) ? { kind: "failed", reason: "exit code 1" } : { kind: "succeeded" }),
  };
}

/** What happens to the controller's disk and to its clock. */
function recordFrom(random: SeededRandom, time: VirtualTime, faults: boolean): SimulateOptions {
  const fullFromMs = faults && random.chance(0.05) ? random.whole(0, 120_000) : Infinity;
  let offMs = 0;
  return {
    journalProblem: () => (time.now >= fullFromMs ? "no space left on device" : undefined),
    clockOffMs: () => (random.chance(0.02) ? (offMs = random.whole(-7_200_000, 7_200_000)) : offMs),
  };
}

/** Somebody who answers anything, after any time; nobody, where the plan asks nothing. */
function operatorFrom(random: SeededRandom, { onFailure, canaryPause }: Sizes): SimulateOptions {
  if (onFailure !== "ask" && canaryPause !== "ask") return {};
  const bias = random.pick<readonly Answer[]>([
    ["retry", "skip"],
    ["retry", "retry", "skip"],
    ["retry", "skip", "stop"],
  ]);
  return {
    onQuestion(answers) {
      const wished = random.pick(bias);
      return {
        answer: answers.includes(wished) ? wished : "skip",
        afterMs: random.whole(0, random.pick([5000, 900_000])),
      };
    },
  };
}

type ScenarioSizes = Required<Omit<Sizes, "canaryPause">> & Pick<Sizes, "canaryPause">;

function sizesFrom(random: SeededRandom, faults: boolean): ScenarioSizes {
  const hosts = random.whole(1, 6);
  const instances = random.whole(1, 6);
  const hook = { command: "true", run: "host" } as const;
  const ofInstance: HostHooks = random.chance(0.3) ? { before_restart: hook, after_healthy: hook } : {};
  const ofHost: HostHooks = random.chance(0.3) ? { before_host: hook, after_host: hook } : {};
  return {
    hosts,
    instances,
    hostsAtOnce: random.whole(1, hosts),
    instancesAtOnce: random.whole(1, instances),
    mode: random.pick(["lockstep", "sliding"]),
    maxFailures: random.chance(0.5) ? 0 : random.whole(1, 3),
    maxUnreachable: random.whole(0, 1),
    minHealthy: random.chance(0.5) ? 0 : random.whole(0, hosts * instances - 1),
    hooks: { ...ofInstance, ...ofHost },
    onFailure: faults && random.chance(0.4) ? "ask" : "stop",
    canaryPause: hosts > 1 && random.chance(0.3) ? random.pick([{ ms: 60_000 }, "ask"] as const) : undefined,
    timings: {
      between_restarts_ms: random.pick([0, 100, 10_000]),
      between_batches_ms: random.pick([0, 30_000]),
      min_healthy_time_ms: random.pick([0, 1000, 15_000]),
      progress_deadline_ms: faults ? random.whole(1000, 600_000) : 600_000,
    },
  };
}
