import { setTimeout as rest } from "node:timers/promises";
import type { FleetHost, ProcessStateName } from "./fleet.ts";

export interface InstanceSample {
  readonly state: ProcessStateName;
  readonly pid: number;
}

/** All hosts at (nearly) the same moment. */
export interface Sample {
  /** Milliseconds since the observation began. */
  readonly atMs: number;
  /** Host, then instance. A host whose supervisord gave no answer is not in it. */
  readonly hosts: ReadonlyMap<string, ReadonlyMap<string, InstanceSample>>;
}

/** The largest number of instances that were not RUNNING in one and the same sample. */
export interface MostDown {
  readonly overall: number;
  readonly perHost: Readonly<Record<string, number>>;
  /** A program is a Supervisor group, over all hosts. */
  readonly perProgram: Readonly<Record<string, number>>;
}

/** What was seen of a fleet from outside. All questions are about the samples so far. */
export interface Observation {
  readonly samples: readonly Sample[];
  /** Takes one last sample and ends. */
  stop(): Promise<void>;
  mostDown(): MostDown;
  /** The largest number of hosts that had something not RUNNING in one and the same sample. */
  hostsDownAtOnce(): number;
  /** The pids that an instance was seen with, in order. */
  pidsOf(host: string, instance: string): number[];
  /** Between two samples. What was down for less time than that may have gone unseen. */
  longestGapMs(): number;
}

/** A fleet, as far as an observer needs one. */
export interface Observable {
  readonly hosts: readonly Pick<FleetHost, "name" | "processes">[];
}

export interface ObserveOptions {
  /** From the beginning of one sample to that of the next. Default 50. */
  readonly everyMs?: number;
  /** A host that takes longer is left out of the sample. Default 1000. */
  readonly answerWithinMs?: number;
}

/**
 * Samples every host of a fleet, past ssh and supervisorctl, until stopped. Resolves when the first
 * sample is taken, so that nothing that happens afterwards can be missed for a late start.
 */
export async function observe(
  fleet: Observable,
  { everyMs = 50, answerWithinMs = 1_000 }: ObserveOptions = {},
): Promise<Observation> {
  const began = performance.now();
  const samples: Sample[] = [];
  const stopping = new AbortController();
  const sample = async (): Promise<void> => {
    const atMs = performance.now() - began;
    samples.push({ atMs, hosts: await sampleHosts(fleet, answerWithinMs) });
  };
  const sampleUntilStopped = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const sinceLastMs = performance.now() - began - (samples.at(-1)?.atMs ?? 0);
      const restMs = Math.max(0, everyMs - sinceLastMs);
      await rest(restMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      await sample();
    }
  };
  await sample();
  const sampling = sampleUntilStopped();

  return {
    samples,
    async stop() {
      stopping.abort();
      await sampling;
    },
    mostDown: () => mostDown(samples),
    hostsDownAtOnce: () => most(samples.map((each) => new Set(down(each).map(({ host }) => host)).size)),
    pidsOf(host, instance) {
      const pids = samples.map((each) => each.hosts.get(host)?.get(instance)?.pid);
      return [...new Set(pids.filter((pid) => pid !== undefined && pid !== 0))] as number[];
    },
    longestGapMs: () => most(samples.slice(1).map((each, i) => each.atMs - (samples[i]?.atMs ?? 0))),
  };
}

async function sampleHosts(fleet: Observable, timeoutMs: number): Promise<Sample["hosts"]> {
  const answers = await Promise.all(
    fleet.hosts.map(async (host) => {
      const processes = await host.processes({ timeoutMs }).catch(() => undefined);
      const instances = processes?.map(({ instance, state, pid }) => [instance, { state, pid }] as const);
      return [host.name, instances && new Map(instances)] as const;
    }),
  );
  return new Map(answers.filter((answer): answer is [string, Map<string, InstanceSample>] => !!answer[1]));
}

interface Down {
  readonly host: string;
  readonly program: string;
}

function down({ hosts }: Sample): Down[] {
  return [...hosts].flatMap(([host, instances]) =>
    [...instances]
      .filter(([, { state }]) => state !== "RUNNING")
      .map(([instance]) => ({ host, program: instance.replace(/:.*/s, "") })),
  );
}

function mostDown(samples: readonly Sample[]): MostDown {
  const perSample = samples.map(down);
  const everyHost = samples.flatMap(({ hosts }) => [...hosts.keys()]);
  const everyInstance = samples.flatMap(({ hosts }) => [...hosts.values()].flatMap((each) => [...each.keys()]));
  const mostOf = (key: keyof Down, names: readonly string[]) =>
    Object.fromEntries(
      [...new Set(names)].map((name) => [
        name,
        most(perSample.map((each) => each.filter((one) => one[key] === name).length)),
      ]),
    );
  return {
    overall: most(perSample.map((each) => each.length)),
    perHost: mostOf("host", everyHost),
    perProgram: mostOf(
      "program",
      everyInstance.map((instance) => instance.replace(/:.*/s, "")),
    ),
  };
}

function most(numbers: readonly number[]): number {
  return numbers.reduce((largest, number) => Math.max(largest, number), 0);
}
