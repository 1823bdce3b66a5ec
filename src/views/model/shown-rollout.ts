/** A rollout as the tree shows it: waves, batches, hosts and instances, each with the counts that its row needs. */
import type { HostName, InstanceName } from "../../domain/ids.ts";
import type { ProcessState } from "../../domain/process-state.ts";
import type { Batch, HostWork, Wave } from "../../domain/rollout.ts";
import type { HookName } from "../../domain/settings.ts";
import type { Fate } from "./ledger.ts";

export type FateCounts = Record<Fate, number>;

/** From when to when something had its turn, by the clock of the view. */
export interface Span {
  startedAtMs?: number;
  endedAtMs?: number;
}

/** A hook that runs, since when, and when it fails at the latest. */
export interface ShownHook {
  readonly name: HookName;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface ShownInstance {
  readonly name: InstanceName;
  readonly at: ShownHost;
  fate: Fate;
  /** While it is under restart: what was last seen of it, and since when. `undefined`: nothing since the restart was sent. */
  state?: ProcessState | undefined;
  sinceMs: number;
  /** True once its old process was seen to be gone. */
  stopEnded?: boolean;
  /** True once it was seen RUNNING on a new pid. */
  proving: boolean;
  previousPid?: number | undefined;
  /** Its new process, once that was seen RUNNING, and since when it has been. */
  process?: { readonly pid: number; readonly sinceMs: number } | undefined;
  action?: "restart" | "start";
  /** While the floor of its program does not allow its restart. */
  waiting?: { readonly healthy: number; readonly minHealthy: number } | undefined;
  /** While its before_restart or after_healthy hook runs. */
  hook?: ShownHook | undefined;
  /** When what it is doing is over at the latest. */
  untilMs?: number | undefined;
  failureCode?: string;
}

/** A host in one of its batches; it may come back in a later wave for other instances. */
export interface ShownHost {
  readonly name: HostName;
  readonly order: number;
  readonly batch: ShownBatch;
  readonly instances: readonly ShownInstance[];
  readonly work: HostWork;
  readonly counts: FateCounts;
  restingUntilMs?: number | undefined;
  /** While its before_host or after_host hook runs. */
  hook?: ShownHook | undefined;
  /** Something was done or is awaited on it. */
  begun: boolean;
  ended: boolean;
}

export interface ShownBatch extends Span {
  readonly number: number;
  readonly wave: ShownWave;
  readonly work: Batch;
  /** Hosts of the wave's batches before this one. */
  readonly hostsBefore: number;
  readonly hosts: readonly ShownHost[];
  readonly counts: FateCounts;
  /** Not begun, in the order of the plan. */
  readonly waiting: Set<ShownHost>;
  /** Begun and not ended, or in trouble: those to look at, the longest there first. */
  readonly trouble: Set<ShownHost>;
  readonly active: Set<ShownHost>;
}

export interface ShownWave extends Span {
  readonly work: Wave;
  readonly number: number;
  readonly group: string;
  readonly batches: readonly ShownBatch[];
  readonly counts: FateCounts;
  readonly hostCount: number;
  /** The batch that has its turn, or had it last; undefined before the first. */
  current?: ShownBatch;
}

/** The waves of a plan, nothing of them begun. */
export function shownWaves(waves: readonly Wave[]): ShownWave[] {
  return waves.map((work, index) => {
    const { group, batches } = work;
    const shown: ShownBatch[] = [];
    const wave: ShownWave = {
      work,
      number: index + 1,
      group,
      batches: shown,
      counts: noFates(),
      hostCount: sum(batches.map(({ hosts }) => hosts.length)),
    };
    let hostsBefore = 0;
    for (const batch of batches) {
      shown.push(shownBatch(batch, wave, hostsBefore));
      hostsBefore += batch.hosts.length;
    }
    return wave;
  });
}

function shownBatch(work: Batch, wave: ShownWave, hostsBefore: number): ShownBatch {
  const shown: ShownHost[] = [];
  const lists = {
    hosts: shown,
    waiting: new Set<ShownHost>(),
    active: new Set<ShownHost>(),
    trouble: new Set<ShownHost>(),
  };
  const batch: ShownBatch = { number: wave.batches.length + 1, wave, work, hostsBefore, counts: noFates(), ...lists };
  for (const each of work.hosts) {
    const host = shownHost(each, shown.length, batch);
    shown.push(host);
    batch.waiting.add(host);
  }
  return batch;
}

function shownHost(work: HostWork, order: number, batch: ShownBatch): ShownHost {
  const instances: ShownInstance[] = [];
  const host: ShownHost = {
    name: work.host,
    order,
    batch,
    instances,
    work,
    counts: noFates(),
    begun: false,
    ended: false,
  };
  for (const { instance } of work.batches.flatMap((each) => each.instances))
    instances.push({ name: instance, at: host, fate: "untouched", sinceMs: 0, proving: false });
  for (const { counts } of [host, batch, batch.wave]) counts.untouched += instances.length;
  return host;
}

/** True once nothing more comes for the host in its batch. */
export function isDone({ ended, counts }: ShownHost): boolean {
  return ended || openOf(counts) === 0;
}

/** Instances whose fate is not decided. */
export function openOf({ untouched, under_restart, indeterminate }: FateCounts): number {
  return untouched + under_restart + indeterminate;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function noFates(): FateCounts {
  return { untouched: 0, under_restart: 0, indeterminate: 0, healthy: 0, failed: 0, skipped: 0 };
}
