import type { RolloutEvent } from "../../src/domain/events.ts";
import type { RolloutId } from "../../src/domain/ids.ts";
import type { Check } from "../../src/domain/settings.ts";
import { buildRollout } from "../../src/planner/build.ts";
import type { Plan } from "../../src/planner/plan.ts";
import { readPast } from "../../src/planner/past.ts";
import { SeededRandom } from "./random.ts";
import { simulated } from "./rollouts.ts";
import { healthy, type SimBehaviour } from "./sim-process.ts";
import { simulate } from "./simulate.ts";

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
 * A release that is broken on some instances is rolled out, fixed, and resumed. Returns what was promised and not kept:
 * what failed runs the fixed release in the end, what was healthy is left alone, and nothing is restarted twice.
 */
export async function judgeFixed(seed: number): Promise<string[]> {
  const random = new SeededRandom(seed + 2_000_000);
  const { time, fleet, plan, broken } = brokenRelease(random);
  const violations: string[] = [];
  const processes = [...fleet.hosts].flatMap(([host, ofHost]) =>
    [...ofHost].map(([instance, process]) => ({ host, instance, name: `${host} ${instance}`, process })),
  );
  const wait = (ms: number) => {
    const untilMs = time.now + ms;
    time.at(untilMs, () => undefined);
    time.run(() => time.now >= untilMs);
    // What was sent holds its host's lock for as long as it takes.
    if (processes.some(({ process }) => process.state === "STOPPING"))
      time.run(() => processes.every(({ process }) => process.state !== "STOPPING"));
  };
  const run = async (past?: ReturnType<typeof readPast>) => {
    const built = buildRollout(plan, fleet.report(), { id: ROLLOUT }, past ? { past } : {});
    if (built.kind === "refused") throw new Error(built.refusals.map(({ reason }) => reason).join("; "));
    const { outcome, events } = await simulate(built.rollout, fleet, time, {
      onCheck: ({ host, instance }) =>
        fleet.answers(host, instance) ? { kind: "passed" } : { kind: "failed", reason: "status 503" },
    });
    return { outcome, events: [{ type: "rollout.planned", ...built.rollout } as RolloutEvent, ...events] };
  };

  const first = await run();
  const failed = withLastWord(first.events, "instance.failed");
  wait(random.whole(0, 500_000));
  const fixedAtMs = time.now;
  for (const { process } of processes) process.behave(healthy);
  for (const { process, name } of processes)
    if (process.state !== "RUNNING" && random.chance(0.2) && failed.has(name)) process.meddle("start");
  wait(random.whole(0, 5000));

  const stops = new Map(processes.map(({ name, process }) => [name, process.stopsAtMs.length]));
  const serving = withLastWord(first.events, "instance.healthy");
  const second = await run(readPast(first.events));
  if (second.outcome !== "succeeded")
    violations.push(`the resume of a fixed release ${second.outcome}: ${reasonOf(second.events)}`);
  for (const { name, process } of processes) {
    const stopped = process.stopsAtMs.length - (stops.get(name) ?? 0);
    if (stopped > 1) violations.push(`${name} was restarted ${stopped} times by the resume`);
    if (serving.has(name) && stopped > 0) violations.push(`${name} was healthy and was restarted again`);
    // One that was proven stays on its release, be it broken.
    if (serving.has(name)) continue;
    if (process.state !== "RUNNING") violations.push(`${name} was left ${process.state}`);
    if (broken.has(name) && (process.spawns.at(-1)?.atMs ?? 0) < fixedAtMs && !isSlow(broken.get(name)))
      violations.push(`${name} still runs the broken release`);
  }
  return violations;
}

/** The instances of which an event of this type was the last word. */
function withLastWord(events: readonly RolloutEvent[], type: "instance.healthy" | "instance.failed"): Set<string> {
  const last = new Map<string, string>();
  for (const event of events)
    if (event.type === "instance.healthy" || event.type === "instance.failed")
      last.set(`${event.host} ${event.instance}`, event.type);
  return new Set([...last].filter(([, word]) => word === type).map(([name]) => name));
}

function reasonOf(events: readonly RolloutEvent[]): string {
  return events.flatMap((event) => (event.type === "rollout.halted" ? [event.reason] : [])).join("; ");
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
