import type { Answer } from "../../src/domain/events.ts";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { Plan } from "../../src/planner/plan/plan.ts";
import type { SeededRandom } from "./random.ts";
import type { SimulateOptions } from "./simulate.ts";
import type { SimFleet } from "./sim-fleet.ts";
import { healthy, type SimBehaviour } from "./sim-process.ts";
import type { ChangeFate } from "./sim-world.ts";
import type { Troubles } from "./troubles.ts";
import type { VirtualTime } from "./virtual-time.ts";

type Drawn = (random: SeededRandom) => Partial<SimBehaviour>;

/** What may be wrong with a program, and how likely it is for each that it can befall. */
const FAULTS: readonly Drawn[] = [
  () => ({ crashesAtStart: Infinity }),
  (random) => ({ diesAfterMs: random.whole(100, 20_000) }),
  // Over and over, though with exit code 0.
  (random) => ({ completesAfterMs: random.whole(100, 20_000) }),
  (random) => ({ stopMs: random.whole(1000, 400_000) }),
  (random) => ({ startsecsMs: random.whole(2000, 200_000) }),
  () => ({ fileGone: true }),
  // A child of the old one outlives it, for good or for a while, and answers in its place.
  (random) => ({ leavesForMs: random.chance(0.5) ? Infinity : random.whole(100, 20_000) }),
  // It never serves; it does for a moment; it does not now and then.
  () => ({ failsChecks: [[0, Infinity]] }),
  (random) => ({ failsChecks: [[random.whole(1500, 6000), Infinity]] }),
  (random) => ({ failsChecks: [[random.whole(1500, 9000), random.whole(10_000, 60_000)]] }),
  () => ({ isUnaskable: true }),
];

/** No gate takes longer, and no two looks of one are further apart. */
const LONGEST_PROOF_MS = 600_000;
const LONGEST_LOOK_MS = 95_000;

/** What befalls a worker that is to exit by design. */
const CRASHES_LATE: Drawn = (random) => ({ diesAfterMs: random.whole(16_000, 60_000) });

/** What is odd and right. */
const PECULIAR: readonly Drawn[] = [
  (random) => ({ crashesAtStart: random.whole(1, 3) }),
  (random) => ({ startsecsMs: random.whole(0, 20_000) }),
  (random) => ({ stopMs: random.whole(0, 30_000) }),
  // It takes a while until it serves.
  (random) => ({ failsChecks: [[0, random.whole(1000, 60_000)]] }),
];

/** Some programs are peculiar, and with faults some are broken: here and there, or by the new release. */
export function misbehave(random: SeededRandom, fleet: SimFleet, troubles: Troubles, hasFaults: boolean): void {
  const breakDown = (host: HostName, instance: InstanceName, fault: Drawn) => {
    const process = fleet.process(host, instance);
    process.behave({ ...process.behaviour, ...fault(random) });
    troubles.befall(host, instance);
  };
  const isBadRelease = hasFaults && random.chance(0.1);
  const badly = random.pick(FAULTS);
  for (const [host, processes] of fleet.hosts)
    for (const [instance, process] of processes) {
      if (process.isOneShot) continue;
      if (random.chance(0.05)) process.behave({ ...process.behaviour, ...random.pick(PECULIAR)(random) });
      if (hasFaults && process.isWorker && random.chance(0.15)) breakDown(host, instance, CRASHES_LATE);
      else if (isBadRelease && random.chance(0.7)) breakDown(host, instance, badly);
      else if (hasFaults && random.chance(0.04)) breakDown(host, instance, random.pick(FAULTS));
    }
}

/**
 * What happens to hosts and programs by itself, or by another user's hand, at any time.
 * @returns a way to have nothing of it happen any more
 */
export function plague(random: SeededRandom, fleet: SimFleet, time: VirtualTime, troubles: Troubles): { end(): void } {
  let isOver = false;
  const at = (atMs: number, act: () => void) => void time.at(atMs, () => isOver || act());
  const hosts = [...fleet.hosts.keys()];
  const soon = () => random.whole(0, 120_000);
  const anInstance = (host: HostName) => {
    const lasting = [...(fleet.hosts.get(host) ?? [])].filter(([, process]) => !process.isOneShot);
    return random.pick(lasting.map(([instance]) => instance));
  };
  const processOf = (host: HostName, instance: InstanceName) => fleet.hosts.get(host)?.get(instance);
  const someHost = () => {
    const host = random.pick(hosts);
    troubles.befall(host);
    return host;
  };

  if (random.chance(0.3)) {
    const host = random.pick(hosts);
    const instance = anInstance(host);
    troubles.befall(host, instance);
    at(soon(), () => processOf(host, instance)?.breakDown());
  }
  // Hosts that cannot be reached for a while, or never again.
  for (let lost = random.chance(0.25) ? random.whole(1, 2) : 0; lost > 0; lost--) {
    const host = random.pick(hosts);
    for (const other of fleet.onMachineOf(host)) troubles.befall(other);
    const fromMs = random.chance(0.5) ? random.whole(0, 5000) : soon();
    at(fromMs, () => fleet.lose(host));
    if (random.chance(0.5)) at(fromMs + random.whole(100, 120_000), () => fleet.find(host));
  }
  // A log of supervisord that is rotated, or cannot be read.
  if (random.chance(0.06)) {
    const host = someHost();
    const sinceMs = random.chance(0.3) ? "unreadable" : soon();
    at(sinceMs === "unreadable" ? 0 : sinceMs, () => fleet.logsSinceMs.set(host, sinceMs));
  }
  // A supervisord that hangs for a while, or for good.
  if (random.chance(0.1)) {
    const host = someHost();
    const fromMs = soon();
    at(fromMs, () => fleet.hang(host));
    if (random.chance(0.8)) at(fromMs + random.whole(100, 300_000), () => fleet.goOn(host));
  }
  // A supervisord that is killed: what it ran lives on.
  if (random.chance(0.06)) {
    const host = someHost();
    const fromMs = soon();
    at(fromMs, () => fleet.killSupervisor(host));
    if (random.chance(0.8)) at(fromMs + random.whole(100, 20_000), () => fleet.startSupervisor(host));
  }
  // A supervisord that is restarted, ends for good, or goes down with the program that fails.
  if (random.chance(0.12)) {
    const host = someHost();
    const fromMs = soon();
    at(fromMs, () => fleet.endSupervisor(host));
    if (random.chance(0.8)) at(fromMs + random.whole(100, 20_000), () => fleet.startSupervisor(host));
  }
  if (random.chance(0.06)) fleet.quitting.add(someHost());
  // Another user at a host's own shell.
  for (let act = random.chance(0.15) ? random.whole(1, 4) : 0; act > 0; act--) {
    const host = random.pick(hosts);
    const instance = anInstance(host);
    troubles.befall(host, instance);
    const doing = random.pick(["stop", "start", "restart"] as const);
    at(soon(), () => fleet.request(host, () => processOf(host, instance)?.meddle(doing)));
  }
  // Another user starts what is STOPPED, in vain, and puts right what was wrong with it.
  const stopped = hosts.flatMap((host) =>
    [...(fleet.hosts.get(host) ?? [])].flatMap(([instance, process]) =>
      process.state === "STOPPED" ? [{ host, instance, process }] : [],
    ),
  );
  if (stopped.length > 0 && random.chance(0.3)) {
    const { host, instance, process } = random.pick(stopped);
    troubles.befall(host, instance);
    at(soon(), () => {
      process.behave({ ...process.behaviour, crashesAtStart: 4 });
      fleet.request(host, () => process.meddle("start"));
    });
  }
  // Another user who changes Supervisor's config there.
  if (random.chance(0.05)) {
    const host = random.pick(hosts);
    const instance = anInstance(host);
    const isNew = random.chance(0.5);
    if (!isNew) troubles.befall(host, instance);
    const ofGroup = [...(fleet.hosts.get(host) ?? [])].find(([name]) => name.startsWith("web:"))?.[1].config;
    at(soon(), () =>
      isNew ? fleet.add(host, "web:new" as InstanceName, healthy, ofGroup) : fleet.remove(host, instance),
    );
  }
  return { end: () => void (isOver = true) };
}

/** What harms nobody, and may look like harm. */
export function tease(random: SeededRandom, fleet: SimFleet, time: VirtualTime): void {
  // The clock of a host is set, once or again and again.
  for (let step = random.chance(0.3) ? random.whole(1, 3) : 0; step > 0; step--) {
    const host = random.pick([...fleet.hosts.keys()]);
    const byMs = random.pick([2000, 60_000, 7_200_000]) * random.pick([1, -1]);
    time.at(random.whole(0, 120_000), () => {
      if (!isDeceptive(fleet, host, byMs, time.now)) fleet.setClock(host, byMs);
    });
  }
}

/**
 * A clock that is set back by about the age of a process makes it look like one that was started just now on the same
 * pid. Nothing that Supervisor says tells them apart.
 */
function isDeceptive(fleet: SimFleet, host: HostName, byMs: number, nowMs: number): boolean {
  const processes = fleet.onMachineOf(host).flatMap((other) => [...(fleet.hosts.get(other)?.values() ?? [])]);
  return processes.some(({ spawn }) => {
    if (byMs >= 0 || !spawn) return false;
    const beforeItsStartMs = -byMs - (nowMs - spawn.atMs);
    return beforeItsStartMs > -LONGEST_LOOK_MS && beforeItsStartMs < LONGEST_PROOF_MS;
  });
}

/** What happens between the controller and the hosts. */
export function drawWay(
  random: SeededRandom,
  fleet: SimFleet,
  troubles: Troubles,
  hasFaults: boolean,
): SimulateOptions {
  const hookFails = hasFaults && random.chance(0.2);
  const ofHooks = random.fork();
  return {
    lookMs: () => random.whole(1, hasFaults && random.chance(0.02) ? 30_000 : 400),
    onChange: ({ host, ...change }): ChangeFate => {
      // A start is what completes a restart that was lost: less goes well where something went wrong already.
      if (!hasFaults || random.chance(change.action === "start" ? 0.8 : 0.95)) return { kind: "arrives" };
      for (const instance of fleet.instancesOf(host, change)) troubles.befall(host, instance);
      const kind = random.pick([
        "not_sent",
        "lost_on_the_way",
        "lost_half_way",
        "lost_under_way",
        "lost_after",
      ] as const);
      if (kind === "not_sent") return { kind };
      if (kind !== "lost_after") return { kind, afterMs: random.whole(1, 5000) };
      for (const other of fleet.onMachineOf(host)) troubles.befall(other);
      return { kind, forMs: random.whole(1, 100_000) };
    },
    onAwaitOutcome: () => {
      if (!hasFaults || random.chance(0.9)) return { kind: "ended" };
      return random.chance(0.5) ? { kind: "unprovable" } : { kind: "lock_lost", reason: "another user has it" };
    },
    onHook: ({ host, instance, step, timeoutMs }) => {
      // One of an instance or a host holds up others, who wait only for so long.
      const maySlow = ofHooks.chance(0.05) && (hasFaults || step !== undefined);
      const afterMs = maySlow ? ofHooks.whole(1000, hasFaults ? 100_000 : Math.min(timeoutMs - 1, 600_000)) : 200;
      if (afterMs >= timeoutMs) {
        if (host !== undefined) troubles.befall(host, instance);
        return { kind: "failed", reason: `it did not end within ${timeoutMs / 1000} s`, afterMs: timeoutMs };
      }
      if (!hookFails || !random.chance(0.1)) return { kind: "succeeded", afterMs };
      if (host !== undefined) troubles.befall(host, instance);
      return { kind: "failed", reason: "exit code 1" };
    },
  };
}

/** What happens to the controller's disk and to its clock. */
export function drawRecord(random: SeededRandom, time: VirtualTime, hasFaults: boolean): SimulateOptions {
  const fullFromMs = hasFaults && random.chance(0.05) ? random.whole(0, 120_000) : Infinity;
  let offMs = 0;
  return {
    journalProblem: () => (time.now >= fullFromMs ? "no space left on device" : undefined),
    journalMs: () => random.whole(0, 20),
    clockOffMs: () => (random.chance(0.02) ? (offMs = random.whole(-7_200_000, 7_200_000)) : offMs),
  };
}

/** An operator who answers anything, after any time; nobody, where the plan asks nothing. */
export function drawOperator(random: SeededRandom, { on_failure, waves }: Plan, hasFaults: boolean): SimulateOptions {
  if (on_failure !== "ask" && !waves.some(({ pause }) => pause === "ask")) return {};
  const bias = random.pick<readonly Answer[]>([
    ["retry", "skip"],
    ["retry", "retry", "skip"],
    ["retry", "skip", "stop"],
  ]);
  return {
    onPause: () => !hasFaults || random.chance(0.9),
    onQuestion(answers) {
      const wished = random.pick(bias);
      return {
        answer: answers.includes(wished) ? wished : "skip",
        afterMs: random.whole(0, random.pick([5000, 900_000])),
      };
    },
  };
}
