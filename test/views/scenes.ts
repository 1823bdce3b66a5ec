/** Rollouts to be played: events, and between them pauses in milliseconds. */
import type { RolloutEvent } from "../../src/domain/events.ts";
import {
  batchFinished,
  batchResting,
  batchStarted,
  connected,
  failed,
  finished,
  healthy,
  hostFinished,
  hostResting,
  names,
  observed,
  planned,
  restarting,
  unreachable,
  waveFinished,
  waveStarted,
  type Planned,
} from "./rollout-script.ts";

export type Scene = Iterable<RolloutEvent | number>;

const FOUR = ["web:web_00", "web:web_01", "web:web_02", "web:web_03"];
const EIGHT = Array.from({ length: 8 }, (_, index) => `web:web_0${index}`);

export const scenes: Readonly<Record<string, () => Scene>> = {
  small: () => successful(smallPlan()),
  large: () => hurriedUntil(isStartOfBatch(2, 1), successful(largePlan())),
  waves: () => successful(wavesPlan()),
  halted: () => halted(largePlan()),
  interrupted: () => interrupted(smallPlan()),
  refused: () => refused(),
  hostile: () => hostile(smallPlan()),
  twenty: () => journey(20),
  hundreds: () => journey(200),
};

/** 3 hosts, 4 instances each, one host at a time. */
export function smallPlan(): Planned {
  return planned({
    reason: "release 4711",
    waves: [{ group: "web", hosts: names("web-", 3), hostsAtOnce: 1 }],
    instances: FOUR,
    skipped: [{ host: "web-03", instance: "web:spare", why: "it was STOPPED before" }],
  });
}

/** 1 canary and 200 hosts, 8 instances each, 50 hosts at a time. */
export function largePlan(): Planned {
  return planned({
    reason: "release 4711",
    waves: [
      { group: "canary", hosts: ["canary-1.example.com"], hostsAtOnce: 1 },
      { group: "web", hosts: names("web-", 200, 3).map((name) => `${name}.example.com`), hostsAtOnce: 50 },
    ],
    instances: EIGHT,
  });
}

/** 12 waves of 2 hosts. */
export function wavesPlan(): Planned {
  const waves = names("zone-", 12).map((group) => ({ group, hosts: names(`${group}-web-`, 2), hostsAtOnce: 1 }));
  return planned({ waves, instances: FOUR, warnings: [{ message: "startsecs is 0: started says nothing" }] });
}

function* begun(plan: Planned): Scene {
  const hosts = hostsOf(plan);
  for (const host of hosts) {
    yield connected(host, 8);
    yield Math.min(100, 1000 / hosts.length);
  }
  yield plan;
  yield 200;
  yield { type: "rollout.started" };
}

function* successful(plan: Planned): Scene {
  yield* begun(plan);
  for (const [index, { group, batches }] of plan.waves.entries()) {
    yield waveStarted(index + 1, group);
    for (const [batchIndex, batch] of batches.entries()) {
      const hosts = batch.hosts.map(({ host }) => host);
      yield batchStarted(index + 1, group, batchIndex + 1, hosts);
      yield* worked(
        hosts,
        batch.hosts[0]?.batches.flatMap(({ instances }) => instances.map(({ instance }) => instance)) ?? [],
      );
      yield batchFinished(index + 1, group, batchIndex + 1);
      const last = batchIndex === batches.length - 1;
      if (last) yield waveFinished(index + 1, group);
      if (last && index === plan.waves.length - 1) continue;
      yield batchResting(index + 1, group, batchIndex + 1, 8000);
      yield 8000;
    }
  }
  const healthyCount = plan.waves.reduce(
    (sum, { batches }) =>
      sum + batches.reduce((of, { hosts }) => of + hosts.length * (hosts[0]?.batches.length ?? 0), 0),
    0,
  );
  yield finished("succeeded", { healthy: healthyCount, skipped: plan.skipped.length }, 130);
}

/** Plays what comes before an event without pauses worth the name. */
function* hurriedUntil(isIt: (event: RolloutEvent) => boolean, scene: Scene): Scene {
  let arrived = false;
  for (const step of scene) {
    if (typeof step === "object" && isIt(step)) arrived = true;
    yield typeof step === "number" && !arrived ? step / 200 : step;
  }
}

function isStartOfBatch(wave: number, batch: number): (event: RolloutEvent) => boolean {
  return (event) => event.type === "batch.started" && event.wave === wave && event.batch === batch;
}

/** All hosts do the same a little after each other, instance by instance. */
function* worked(hosts: readonly string[], instances: readonly string[]): Scene {
  for (const [index, instance] of instances.entries()) {
    const steps: ((host: string) => RolloutEvent)[] = [
      (host) => restarting(host, instance),
      (host) => observed(host, instance, "STOPPING"),
      (host) => observed(host, instance, "STARTING"),
      (host) => observed(host, instance, "RUNNING", 200),
      (host) => healthy(host, instance),
      ...(index < instances.length - 1 ? [(host: string) => hostResting(host, 10_000)] : [hostFinished]),
    ];
    for (const step of steps) {
      for (const host of hosts) {
        yield step(host);
        if (hosts.length > 1) yield 2000 / hosts.length;
      }
      yield 1500;
    }
    if (index < instances.length - 1) yield 7000;
  }
}

/** The canary and the first batch go well; in the second one web-053 flaps and web-060 is lost from sight. */
function* halted(plan: Planned): Scene {
  const script = [...successful(plan)];
  const at = script.findIndex(
    (step) => typeof step === "object" && step.type === "instance.healthy" && step.host.startsWith("web-055"),
  );
  yield* hurriedUntil(isStartOfBatch(2, 2), script.slice(0, at));
  yield unreachable("web-060.example.com", "the connection was lost: no answer to keepalives for 15s");
  const [host, instance] = ["web-053.example.com", "web:web_00"];
  const reason = "it was RUNNING on pid 4711 for at most 3s, then it was on pid 4790";
  yield failed(
    host,
    instance,
    "flapping",
    reason,
    "Traceback (most recent call last):\n  File \"app.py\", line 7\nKeyError: 'DATABASE_URL'\n",
  );
  yield 1500;
  yield { type: "rollout.halted", code: "flapping", reason: `${host} ${instance}: ${reason}` };
  for (const name of names("web-", 50, 3, 51).map((each) => `${each}.example.com`)) {
    if (name === host) continue;
    if (name.startsWith("web-060")) yield connected(name, 8);
    yield healthy(name, instance);
    yield hostFinished(name);
    yield 60;
  }
  yield hostFinished(host);
  yield batchFinished(2, "web", 2);
  yield finished("halted", { healthy: 8 + 400 + 49, failed: 1, untouched: 1608 - 458 }, 95);
}

function* interrupted(plan: Planned): Scene {
  const script = [...successful(plan)];
  const at = script.findIndex(
    (step) => typeof step === "object" && step.type === "instance.healthy" && step.host === "web-02",
  );
  yield* script.slice(0, at);
  yield { type: "rollout.interrupted", signal: "SIGINT" };
  yield 3000;
  yield healthy("web-02", "web:web_00");
  yield hostFinished("web-02");
  yield batchFinished(1, "web", 2);
  yield finished("interrupted", { healthy: 5, skipped: 1, untouched: 7 }, 50);
}

/** A canary, a question, a batch that goes well, and one in which an instance fails while the others go on; 8 instances a host. */
function* journey(hostCount: number): Scene {
  const hosts = names("web-", hostCount, 3).map((name) => `${name}.example.com`);
  const atOnce = hostCount / 4;
  const plan = planned({
    reason: "release 4711",
    waves: [
      { group: "canary", hosts: ["canary-1"], hostsAtOnce: 1 },
      { group: "web", hosts, hostsAtOnce: atOnce },
    ],
    instances: EIGHT,
  });
  yield plan;
  yield { type: "rollout.started" };
  yield waveStarted(1, "canary");
  yield batchStarted(1, "canary", 1, ["canary-1"]);
  yield* worked(["canary-1"], EIGHT);
  yield batchFinished(1, "canary", 1);
  yield waveFinished(1, "canary");
  yield { type: "rollout.paused", wave: 1, group: "canary" };
  yield { type: "rollout.resumed" };
  yield waveStarted(2, "web");
  const [first, second] = [hosts.slice(0, atOnce), hosts.slice(atOnce, 2 * atOnce)];
  yield batchStarted(2, "web", 1, first);
  yield* worked(first, EIGHT);
  yield batchFinished(2, "web", 1);
  yield batchStarted(2, "web", 2, second);
  const [instance = ""] = EIGHT;
  for (const host of second) yield restarting(host, instance);
  for (const host of second) yield observed(host, instance, "STARTING");
  const host = second.at(-1) ?? "";
  yield failed(host, instance, "fatal", "it is FATAL (Exited too quickly)", "Traceback\nKeyError: 'DATABASE_URL'\n");
  for (const name of second.slice(0, -1)) yield healthy(name, instance);
  yield finished("interrupted", { healthy: 8 + 9 * atOnce - 1, failed: 1, untouched: 31 * atOnce }, 95);
}

/** A host whose words are written for the terminal. */
function* hostile(plan: Planned): Scene {
  const evil = "\u001b[2J\u001b]0;owned\u0007";
  yield plan;
  yield { type: "rollout.started" };
  yield waveStarted(1, "web");
  yield batchStarted(1, "web", 1, ["web-01"]);
  yield restarting("web-01", "web:web_00");
  yield failed("web-01", "web:web_00", "fatal", `it is FATAL${evil}`, `${evil}\n${evil}\n`);
  yield { type: "rollout.halted", code: "fatal", reason: `web-01 web:web_00: it is FATAL${evil}` };
  yield 1000;
  yield hostFinished("web-01");
  yield batchFinished(1, "web", 1);
  yield finished("halted", { failed: 1, skipped: 1, untouched: 11 }, 4);
}

function* refused(): Scene {
  for (const host of names("web-", 20)) {
    yield host === "web-07" ? unreachable(host, "connect ETIMEDOUT 10.0.0.7:22") : connected(host, 4);
    yield 100;
  }
  yield finished("refused", {}, 2, [{ code: "unreachable", host: "web-07", reason: "connect ETIMEDOUT 10.0.0.7:22" }]);
}

function hostsOf({ waves }: Planned): string[] {
  return waves.flatMap(({ batches }) => batches.flatMap(({ hosts }) => hosts.map(({ host }) => host)));
}
