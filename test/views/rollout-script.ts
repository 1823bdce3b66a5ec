/** Scripted rollouts for the views' tests: the events that an executor would tell, without one. */
import type { Answer, Counts, Outcome, RecordedEvent, RolloutEvent, EventOf } from "../../src/domain/events.ts";
import type { InstanceFailureCode, Refusal } from "../../src/domain/failures.ts";
import { programOf, type HostName, type InstanceName, type RolloutId } from "../../src/domain/ids.ts";
import type { ProcessState } from "../../src/domain/process-state.ts";
import type {
  Batch,
  HostWork,
  PlannedInstance,
  SkippedInstance,
  Timings,
  Wave,
  Warning,
} from "../../src/domain/rollout.ts";

export type Planned = EventOf<"rollout.planned">;

const ID = "20261122T100000Z-4f2a" as RolloutId;

const TIMINGS: Timings = {
  between_checks_ms: 5_000,
  between_restarts_ms: 10_000,
  between_batches_ms: 8_000,
  min_healthy_time_ms: 5_000,
  stop_deadline_ms: 300_000,
  healthy_deadline_ms: 120_000,
  command_timeout_ms: 60_000,
  progress_deadline_ms: 600_000,
};

export interface WaveScript {
  readonly group: string;
  readonly hosts: readonly string[];
  readonly hostsAtOnce: number;
}

export interface PlanScript {
  readonly name?: string;
  readonly reason?: string;
  readonly waves: readonly WaveScript[];
  /** Instances of each host, one after the other. */
  readonly instances: readonly string[];
  readonly skipped?: readonly { readonly host: string; readonly instance: string; readonly why: string }[];
  readonly warnings?: readonly Warning[];
}

export function planned({ name = "prod", reason, waves, instances, skipped = [], warnings = [] }: PlanScript): Planned {
  return {
    type: "rollout.planned",
    id: ID,
    name,
    plan_file: `/srv/plans/${name}.yaml`,
    ...(reason === undefined ? {} : { reason }),
    hosts: [],
    waves: waves.map((wave) => waveOf(wave, instances)),
    limits: { max_failures: 0, max_unreachable: 0, floors: [] },
    on_failure: "stop",
    hooks: {},
    lock: { mode: "required", directory: "/tmp" },
    selection: { limit: [], exclude: [], programs: [] },
    skipped: skipped.map((each) => ({ ...each, program: programOf(each.instance as InstanceName) }) as SkippedInstance),
    proven: [],
    unreachable: [],
    warnings,
  };
}

function waveOf({ group, hosts, hostsAtOnce }: WaveScript, instances: readonly string[]): Wave {
  const batches: Batch[] = [];
  for (let start = 0; start < hosts.length; start += hostsAtOnce) {
    const work = hosts.slice(start, start + hostsAtOnce).map((host) => workOf(host, instances));
    batches.push({ at_once: work.length, hosts: work });
  }
  return { group, between_batches_ms: TIMINGS.between_batches_ms, programs: ["web"], batches };
}

function workOf(host: string, instances: readonly string[]): HostWork {
  const batches = instances.map((instance) => ({
    program: programOf(instance as InstanceName),
    at_once: 1,
    instances: [plannedInstance(instance)],
  }));
  return { host: host as HostName, timings: TIMINGS, checks: [], hooks: {}, vars: {}, leftovers: "fail", batches };
}

function plannedInstance(instance: string): PlannedInstance {
  return {
    instance: instance as InstanceName,
    program: programOf(instance as InstanceName),
    before: { state: "RUNNING", pid: 100 },
    action: "restart",
  };
}

/** `names("web-", 3)` is web-01, web-02, web-03. */
export function names(start: string, count: number, width = 2, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => `${start}${String(index + from).padStart(width, "0")}`);
}

/** Numbers and dates events, a second apart. */
export function recorded(events: readonly RolloutEvent[], from = Date.UTC(2026, 10, 22, 10)): RecordedEvent[] {
  return events.map((event, index) => ({
    v: 1,
    seq: index + 1,
    at: new Date(from + index * 1000).toISOString(),
    rollout: ID,
    ...event,
  }));
}

function of(host: string, instance: string) {
  return { host: host as HostName, program: programOf(instance as InstanceName), instance: instance as InstanceName };
}

export function restarting(host: string, instance: string, previous_pid = 100): RolloutEvent {
  return {
    type: "instance.restarting",
    ...of(host, instance),
    action: "restart",
    previous_state: "RUNNING",
    previous_pid,
  };
}

export function waiting(host: string, instance: string, healthyCount: number, min_healthy: number): RolloutEvent {
  return { type: "instance.waiting", ...of(host, instance), healthy: healthyCount, min_healthy, ms: 600_000 };
}

export function observed(host: string, instance: string, state: ProcessState, pid?: number): RolloutEvent {
  return { type: "instance.observed", ...of(host, instance), state, ...(pid === undefined ? {} : { pid }) };
}

export function healthy(host: string, instance: string, seconds = 7, pid = 200): RolloutEvent {
  return { type: "instance.healthy", ...of(host, instance), pid, previous_pid: 100, seconds };
}

export function failed(
  host: string,
  instance: string,
  code: InstanceFailureCode,
  reason: string,
  log_tail = "",
): RolloutEvent {
  return { type: "instance.failed", ...of(host, instance), code, reason, seconds: 9, log_tail };
}

export function skipped(host: string, instance: string, why: string): RolloutEvent {
  return { type: "instance.skipped", ...of(host, instance), why };
}

export function indeterminate(host: string, instance: string, reason: string): RolloutEvent {
  return { type: "instance.indeterminate", ...of(host, instance), reason };
}

export function checkFailing(host: string, instance: string, check: string, reason: string, tries = 1): RolloutEvent {
  return { type: "check.failing", ...of(host, instance), check, reason, tries };
}

export function checkRecovered(host: string, instance: string, check: string, tries = 2): RolloutEvent {
  return { type: "check.recovered", ...of(host, instance), check, tries };
}

/** Processes of its old instance are still there. */
export function leftBehind(host: string, instance: string, ...processes: readonly [number, string][]): RolloutEvent {
  const left = processes.map(([pid, command]) => ({ pid, command }));
  return { type: "instance.leftovers", ...of(host, instance), processes: left };
}

/** Somebody else has changed an instance since the preview. */
export function drifted(
  host: string,
  instance: string,
  what: "gone" | "new" | "changed",
  seen: Partial<EventOf<"instance.drifted">> = {},
): RolloutEvent {
  return { type: "instance.drifted", ...of(host, instance), what, ...seen };
}

/** The restart that was told last was not done. */
export function unchanged(host: string, instance: string, reason: string): RolloutEvent {
  return { type: "instance.unchanged", ...of(host, instance), reason };
}

/** Of an instance, or without one of a hook of the host. */
export function asking(host: string, instance?: string, answers: readonly Answer[] = ANSWERS): RolloutEvent {
  const about = instance === undefined ? { host: host as HostName } : of(host, instance);
  return { type: "rollout.asking", ...about, code: "fatal", reason: "it is FATAL", answers };
}

export function answered(host: string, instance: string, answer: Answer): RolloutEvent {
  return { type: "rollout.answered", ...of(host, instance), answer };
}

const ANSWERS: readonly Answer[] = ["retry", "skip", "stop"];

export function restarted(host: string, instance: string): RolloutEvent[] {
  return [
    restarting(host, instance),
    observed(host, instance, "STOPPING"),
    observed(host, instance, "STARTING"),
    observed(host, instance, "RUNNING", 200),
    healthy(host, instance),
  ];
}

export function waveStarted(wave: number, group: string): RolloutEvent {
  return { type: "wave.started", wave, group };
}

export function waveFinished(wave: number, group: string): RolloutEvent {
  return { type: "wave.finished", wave, group };
}

export function batchStarted(wave: number, group: string, batch: number, hosts: readonly string[]): RolloutEvent {
  return { type: "batch.started", wave, group, batch, hosts: hosts as readonly HostName[] };
}

export function batchFinished(wave: number, group: string, batch: number): RolloutEvent {
  return { type: "batch.finished", wave, group, batch };
}

export function batchResting(wave: number, group: string, batch: number, ms: number): RolloutEvent {
  return { type: "batch.resting", wave, group, batch, ms };
}

export function hostResting(host: string, ms: number): RolloutEvent {
  return { type: "host.resting", host: host as HostName, ms };
}

export function hostFinished(host: string): RolloutEvent {
  return { type: "host.finished", host: host as HostName };
}

export function connected(host: string, instances: number): RolloutEvent {
  return { type: "host.connected", host: host as HostName, instances };
}

export function unreachable(host: string, reason: string): RolloutEvent {
  return { type: "host.unreachable", host: host as HostName, code: "unreachable", reason };
}

export function finished(
  outcome: Outcome,
  counts: Partial<Counts>,
  seconds = 42,
  refusals?: readonly Refusal[],
): RolloutEvent {
  const all = { healthy: 0, failed: 0, skipped: 0, untouched: 0, ...counts };
  return { type: "rollout.finished", outcome, counts: all, seconds, ...(refusals === undefined ? {} : { refusals }) };
}
