import type { Outcome, RolloutEvent } from "../../src/domain/events.ts";
import type { HostName, RolloutId } from "../../src/domain/ids.ts";
import type { Check } from "../../src/domain/settings.ts";
import { buildRollout } from "../../src/planner/build.ts";
import type { Plan } from "../../src/planner/plan.ts";
import { readPast } from "../../src/planner/past.ts";
import { SeededRandom } from "./random.ts";
import { simulated } from "./rollouts.ts";
import type { SimFleet } from "./sim-fleet.ts";
import { healthy, type SimBehaviour, type SimProcess } from "./sim-process.ts";
import { simulate } from "./simulate.ts";
import type { VirtualTime } from "./virtual-time.ts";

/**
 * What a broken release does. One that dies does so before it can be called healthy; of the last the process runs,
 * and its check says that it does not serve.
 */
const BREAKS: readonly Partial<SimBehaviour>[] = [
  { crashesAtStart: Infinity },
  { diesAfterMs: 3000 },
  { fileGone: true },
  { startsecsMs: 400_000 },
  { stopMs: 400_000 },
  { failsChecks: [[0, Infinity]] },
];

const ROLLOUT = "20261123T000000Z-0000" as RolloutId;
const check: Check = { kind: "command", command: "true", from: "host", timeout_ms: 10_000 };

/**
 * A release that is broken on some instances is rolled out, fixed, and resumed, whole or part by part. Returns what was
 * promised and not kept: what failed runs the fixed release in the end, what was healthy is left alone, no resume restarts
 * an instance twice, and none succeeds before all is done.
 */
export async function judgeFixed(seed: number): Promise<string[]> {
  const random = new SeededRandom(seed + 2_000_000);
  const chain = new Chain(brokenRelease(random));
  const { fleet, processes, broken, violations } = chain;
  await chain.run();
  chain.wait(random.whole(0, 500_000));
  chain.fix();
  const failed = withLastWord(chain.journal, "instance.failed");
  for (const { process, name } of processes)
    if (process.state !== "RUNNING" && random.chance(0.2) && failed.has(name)) process.meddle("start");
  chain.wait(random.whole(0, 5000));

  const hosts = [...fleet.hosts.keys()];
  for (let parts = random.whole(0, 2); parts > 0; parts--) {
    const part = hosts.filter(() => random.chance(0.5));
    // Be it that the operator names them, or that the others cannot be reached for now.
    const isTold = part.length < hosts.length - 1 || random.chance(0.5);
    if (!isTold) for (const host of hosts) if (!part.includes(host)) fleet.unreachable.add(host);
    if ((await chain.resume(isTold ? part : hosts, isTold ? hosts : part)) === "succeeded") return violations;
    fleet.unreachable.clear();
  }
  await chain.resume(hosts, hosts);
  const proven = chain.provenAtFirst;
  for (const { name, process } of processes) {
    // One that was proven stays on its release, be it broken.
    if (proven.has(name)) continue;
    if (process.state !== "RUNNING") violations.push(`${name} was left ${process.state}`);
    if (broken.has(name) && !chain.isFixed(process) && !isSlow(broken.get(name)))
      violations.push(`${name} still runs the broken release`);
  }
  return violations;
}

/** A rollout and all that resume it. */
class Chain {
  readonly violations: string[] = [];
  journal: RolloutEvent[] = [];
  provenAtFirst: ReadonlySet<string> = new Set();
  readonly fleet: SimFleet;
  readonly broken: ReadonlyMap<string, object>;
  readonly processes: readonly { readonly host: HostName; readonly name: string; readonly process: SimProcess }[];
  private readonly time: VirtualTime;
  private readonly plan: Plan;
  private fixedAtMs = Infinity;

  constructor({ fleet, time, plan, broken }: ReturnType<typeof brokenRelease>) {
    this.fleet = fleet;
    this.time = time;
    this.plan = plan;
    this.broken = broken;
    this.processes = [...fleet.hosts].flatMap(([host, ofHost]) =>
      [...ofHost].map(([instance, process]) => ({ host, name: `${host} ${instance}`, process })),
    );
  }

  wait(ms: number): void {
    const { time, processes } = this;
    const untilMs = time.now + ms;
    time.at(untilMs, () => undefined);
    time.run(() => time.now >= untilMs);
    // What was sent holds its host's lock for as long as it takes.
    if (processes.some(({ process }) => process.state === "STOPPING"))
      time.run(() => processes.every(({ process }) => process.state !== "STOPPING"));
  }

  fix(): void {
    this.fixedAtMs = this.time.now;
    for (const { process } of this.processes) process.behave(healthy);
  }

  isFixed(process: SimProcess): boolean {
    return (process.spawns.at(-1)?.atMs ?? 0) >= this.fixedAtMs;
  }

  async run(): Promise<void> {
    await this.roll(this.plan);
    this.provenAtFirst = withLastWord(this.journal, "instance.healthy");
  }

  /** @param seen those of the named hosts that can be reached */
  async resume(named: readonly HostName[], seen: readonly HostName[]): Promise<Outcome | undefined> {
    const { processes, violations } = this;
    const proven = withLastWord(this.journal, "instance.healthy");
    const isOver = processes.every(
      ({ host, name }) => proven.has(name) || (named.includes(host) && seen.includes(host)),
    );
    const isWhole = isOver && named.every((host) => seen.includes(host));
    const stops = new Map(processes.map(({ name, process }) => [name, process.stopsAtMs.length]));
    const outcome = await this.roll(narrowed(this.plan, named), readPast(this.journal));
    const expected = isWhole ? "succeeded" : "incomplete";
    if (outcome !== expected) violations.push(`a resume ${outcome} where it had to be ${expected}`);
    for (const { name, process } of processes) {
      const stopped = process.stopsAtMs.length - (stops.get(name) ?? 0);
      if (stopped > 1) violations.push(`${name} was restarted ${stopped} times by one resume`);
      if (proven.has(name) && stopped > 0) violations.push(`${name} was healthy and was restarted again`);
    }
    return outcome;
  }

  private async roll(plan: Plan, past?: ReturnType<typeof readPast>): Promise<Outcome | undefined> {
    const { fleet, time } = this;
    const built = buildRollout(plan, fleet.report(), { id: ROLLOUT }, past ? { past } : {});
    if (built.kind === "refused") throw new Error(built.refusals.map(({ reason }) => reason).join("; "));
    const { outcome, events } = await simulate(built.rollout, fleet, time, {
      onCheck: ({ host, instance }) =>
        fleet.answers(host, instance) ? { kind: "passed" } : { kind: "failed", reason: "status 503" },
    });
    this.journal = [...this.journal, { type: "rollout.planned", ...built.rollout }, ...events];
    return outcome;
  }
}

/** As by `--limit`. */
function narrowed(plan: Plan, hosts: readonly HostName[]): Plan {
  const waves = plan.waves.map((wave) => ({ ...wave, hosts: wave.hosts.filter(({ host }) => hosts.includes(host)) }));
  return { ...plan, waves };
}

/** The instances of which an event of this type was the last word. */
function withLastWord(events: readonly RolloutEvent[], type: "instance.healthy" | "instance.failed"): Set<string> {
  const last = new Map<string, string>();
  for (const event of events)
    if (event.type === "instance.healthy" || event.type === "instance.failed")
      last.set(`${event.host} ${event.instance}`, event.type);
  return new Set([...last].filter(([, word]) => word === type).map(([name]) => name));
}

/** One that is only slow may come up by itself after its deadline: then it is not restarted again. */
function isSlow(how: object | undefined): boolean {
  return how !== undefined && ("startsecsMs" in how || "stopMs" in how);
}

function brokenRelease(random: SeededRandom) {
  const hosts = random.whole(1, 4);
  const instances = random.whole(1, 4);
  const made = simulated({
    hosts,
    instances,
    hostsAtOnce: random.whole(1, hosts),
    instancesAtOnce: random.whole(1, instances),
    mode: random.pick(["lockstep", "sliding"]),
    maxFailures: random.whole(0, 3),
    maxUnreachable: 1,
    timings: { between_restarts_ms: random.pick([0, 10_000]), min_healthy_time_ms: random.pick([4000, 8000]) },
  });
  const { plan, fleet } = made;
  const waves = plan.waves.map((wave) => ({
    ...wave,
    hosts: wave.hosts.map(({ host, settings }) => ({ host, settings: { ...settings, checks: [check] } })),
  }));
  const broken = new Map<string, object>();
  for (const [host, processes] of fleet.hosts)
    for (const [instance, process] of processes) {
      if (!random.chance(0.3)) continue;
      const how = random.pick(BREAKS);
      broken.set(`${host} ${instance}`, how);
      process.behave({ ...healthy, ...how });
    }
  return { ...made, plan: { ...plan, waves } satisfies Plan, broken };
}
