/** The progress of the waves, batches, hosts and instances of a plan, each with the counts of its instances. */
import type { EventOf } from "../../domain/events.ts";
import type { HostName, InstanceName } from "../../domain/ids.ts";
import type { ProcessState } from "../../domain/process-state.ts";
import { ownWork, type Batch, type HostWork, type Wave } from "../../domain/rollout.ts";
import type { HookName } from "../../domain/settings.ts";
import { noInstances, openOf, type InstanceStatus, type StatusCounts } from "./status.ts";

/** From when to when something had its turn. All times are by the clock of the view. */
export interface Span {
  startedAtMs?: number;
  endedAtMs?: number;
}

/** A running hook, since when, and its deadline. */
export interface RunningHook {
  readonly name: HookName;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Any instance that the rollout reports on: also those that it skips, or that an earlier rollout restarted. */
export interface KnownInstance {
  readonly name: InstanceName;
  /** The host that restarts it; undefined where the rollout does not restart it. */
  readonly at?: HostProgress;
  status: InstanceStatus;
  /** It had failed before the restart that was sent last. */
  isRetried?: true;
}

/** An instance that the rollout restarts. */
export interface InstanceProgress extends KnownInstance {
  readonly at: HostProgress;
  /** Its host's work with the settings of its program. */
  readonly work: HostWork;
  /** During its restart: the last observed state. `undefined`: not observed since the restart was sent. */
  state?: ProcessState | undefined;
  /** Since when it has had this state. */
  sinceMs: number;
  /** True once its old process is gone. */
  stopEnded?: boolean;
  /** True once it was seen RUNNING on a new pid. */
  proving: boolean;
  previousPid?: number | undefined;
  /** Its new process, once that was seen RUNNING, and since when it has been. */
  process?: { readonly pid: number; readonly sinceMs: number } | undefined;
  action?: EventOf<"instance.restarting">["action"];
  signal?: string | undefined;
  /** While the floor of its program does not allow its restart. */
  waiting?: { readonly healthy: number; readonly minHealthy: number } | undefined;
  /** While its before_restart or after_healthy hook runs. */
  hook?: RunningHook | undefined;
  /** The deadline of its current step. */
  untilMs?: number | undefined;
  failureCode?: string;
}

/** A host in one of its batches; it may come back in a later wave for other instances. */
export interface HostProgress {
  readonly name: HostName;
  readonly order: number;
  readonly batch: BatchProgress;
  readonly instances: readonly InstanceProgress[];
  readonly work: HostWork;
  readonly counts: StatusCounts;
  restingUntilMs?: number | undefined;
  /** While its before_host or after_host hook runs. */
  hook?: RunningHook | undefined;
  started: boolean;
  ended: boolean;
}

export interface BatchProgress extends Span {
  readonly number: number;
  readonly wave: WaveProgress;
  readonly work: Batch;
  /** Hosts of the wave's batches before this one. */
  readonly hostsBefore: number;
  readonly hosts: readonly HostProgress[];
  readonly counts: StatusCounts;
  /** Not started, in the order of the plan. */
  readonly waiting: Set<HostProgress>;
  /** Started and not ended, the longest there first. */
  readonly active: Set<HostProgress>;
  /** Lost, or with instances that failed or are indeterminate, the longest there first. */
  readonly trouble: Set<HostProgress>;
}

export interface WaveProgress extends Span {
  readonly work: Wave;
  readonly number: number;
  readonly group: string;
  readonly batches: readonly BatchProgress[];
  readonly counts: StatusCounts;
  readonly hostCount: number;
  /** The batch that has its turn, or had it last; undefined before the first. */
  current?: BatchProgress;
}

/** The waves of a plan before the rollout has started. */
export function wavesOf(waves: readonly Wave[]): WaveProgress[] {
  return waves.map((work, index) => {
    const { group, batches } = work;
    const progress: BatchProgress[] = [];
    const wave: WaveProgress = {
      work,
      number: index + 1,
      group,
      batches: progress,
      counts: noInstances(),
      hostCount: batches.reduce((sum, { hosts }) => sum + hosts.length, 0),
    };
    let hostsBefore = 0;
    for (const batch of batches) {
      progress.push(batchOf(batch, wave, hostsBefore));
      hostsBefore += batch.hosts.length;
    }
    return wave;
  });
}

function batchOf(work: Batch, wave: WaveProgress, hostsBefore: number): BatchProgress {
  const hosts: HostProgress[] = [];
  const batch: BatchProgress = {
    number: wave.batches.length + 1,
    wave,
    work,
    hostsBefore,
    counts: noInstances(),
    hosts,
    waiting: new Set(),
    active: new Set(),
    trouble: new Set(),
  };
  for (const each of work.hosts) {
    const host = hostOf(each, hosts.length, batch);
    hosts.push(host);
    batch.waiting.add(host);
  }
  return batch;
}

function hostOf(work: HostWork, order: number, batch: BatchProgress): HostProgress {
  const instances: InstanceProgress[] = [];
  const host: HostProgress = {
    name: work.host,
    order,
    batch,
    instances,
    work,
    counts: noInstances(),
    started: false,
    ended: false,
  };
  for (const each of work.batches) {
    const own = ownWork(work, each);
    for (const { instance } of each.instances) {
      const itsWork = each.members ? ownWork(work, each, instance) : own;
      instances.push({ name: instance, at: host, work: itsWork, status: "untouched", sinceMs: 0, proving: false });
    }
  }
  for (const { counts } of [host, batch, batch.wave]) counts.untouched += instances.length;
  return host;
}

/** True once nothing more comes for the host in its batch. */
export function isDone({ ended, counts }: HostProgress): boolean {
  return ended || openOf(counts) === 0;
}

/** Puts a host into the sets of its batch where its state belongs. */
export function sortHost(host: HostProgress, isUnreachable: boolean): void {
  const { batch, counts } = host;
  const isLost = isUnreachable && !isDone(host);
  const started = isLost || host.started;
  put(batch.trouble, host, isLost || counts.failed > 0 || counts.indeterminate > 0);
  put(batch.active, host, started && !isDone(host));
  put(batch.waiting, host, !started);
}

function put<Member>(set: Set<Member>, member: Member, belongs: boolean): void {
  if (belongs) set.add(member);
  else set.delete(member);
}
