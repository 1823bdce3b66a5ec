import { Drains } from "../../domain/drains.ts";
import type { RolloutEvent, EventOf } from "../../domain/events.ts";
import type { InstanceFailureCode } from "../../domain/failures.ts";
import {
  keyOf,
  programOf,
  type HostName,
  type InstanceKey,
  type InstanceName,
  type RolloutId,
} from "../../domain/ids.ts";
import type { ProcessState } from "../../domain/process-state.ts";
import {
  partsIn,
  worksOf,
  type LeftDrained,
  type LeftOpen,
  type PlannedInstance,
  type Rollout,
} from "../../domain/rollout.ts";

/**
 * Proven on this pid. `drained`: its after_healthy hook was not seen to succeed. `previousStart`, of one that may complete:
 * the line of supervisord's log with its last start before its restart.
 */
interface HealthyOutcome extends WasSent {
  readonly kind: "healthy";
  /** Undefined for one that has completed, or is down as it is meant to be. */
  readonly pid: number | undefined;
  /** It was to be stopped, or removed by an update, and is. */
  readonly isDown?: true;
  readonly previousPid: number | undefined;
  readonly previousStart: string | undefined;
  readonly drained: boolean;
}

/** The outcome that a journal records for an instance whose restart was sent. */
export type EarlierOutcome =
  | HealthyOutcome
  /** `state`: what the last look before its failure showed; undefined where it showed nothing, or no journal says so. */
  | ({
      readonly kind: "failed";
      readonly code: Exclude<InstanceFailureCode, "indeterminate">;
      readonly state: ProcessState | undefined;
      readonly previousPid: number | undefined;
      readonly previousStart: string | undefined;
      /** What it was until its after_healthy hook failed. */
      readonly proof?: HealthyOutcome;
    } & WasSent)
  /** How its restart ended was not seen. */
  | ({
      readonly kind: "unknown";
      readonly previousPid: number | undefined;
      readonly previousStart: string | undefined;
    } & WasSent);

/** The command that was sent last. */
interface WasSent {
  readonly sent: Pick<EventOf<"instance.restarting">, "action" | "signal">;
}

/** It was run again, and exited as expected. */
export function hasCompleted(outcome: EarlierOutcome): boolean {
  return outcome.kind === "healthy" && outcome.pid === undefined && !outcome.isDown;
}

/** A rollout as far as it got, together with the rollouts that have resumed it. */
export interface ResumedRollout {
  /** The last of them. */
  readonly id: RolloutId;
  /** As the first of them was planned. */
  readonly rollout: Rollout;
  /** The instances that it meant to restart. */
  readonly planned: ReadonlyMap<HostName, ReadonlyMap<InstanceName, PlannedInstance>>;
  /** None for an instance to which no restart was sent. */
  readonly outcomes: ReadonlyMap<HostName, ReadonlyMap<InstanceName, EarlierOutcome>>;
  /** The pids that an instance had before each of its restarts since it was last proven: processes of theirs may be left. */
  readonly oldPids: ReadonlyMap<HostName, ReadonlyMap<InstanceName, ReadonlySet<number>>>;
  readonly leftDrained: LeftDrained;
  /** Hosts for which a before_host hook was started. */
  readonly hookedHosts: ReadonlySet<HostName>;
}

/** Reads a rollout from its events; those of the rollouts that it resumed come first. */
export function readResumedRollout(events: Iterable<RolloutEvent>): ResumedRollout | undefined {
  const reader = new ResumedRolloutReader();
  for (const event of events) reader.read(event);
  const { first, last, outcomes, oldPids, drains, hookedHosts } = reader;
  if (!first || !last) return undefined;
  const leftDrained = drains.toLeft();
  return { id: last.id, rollout: first, planned: plannedIn(first), outcomes, oldPids, leftDrained, hookedHosts };
}

/** Why an instance is no part of the rollout that is resumed; undefined if it is. */
export function whyNotPlanned(
  { rollout, planned }: ResumedRollout,
  host: HostName,
  instance: InstanceName,
): string | undefined {
  if (planned.get(host)?.has(instance)) return undefined;
  const skipped = rollout.skipped.find((one) => one.host === host && one.instance === instance);
  return skipped?.why ?? "it was not there when the resumed rollout started";
}

/** Whether it was up when the first of the rollouts was planned, so that nobody had stopped it. */
export function wasUp({ planned }: ResumedRollout, host: HostName, instance: InstanceName): boolean {
  const state = planned.get(host)?.get(instance)?.before.state;
  return state !== undefined && state !== "STOPPED";
}

/** Why an instance of a chain is still open; undefined if it is healthy and serves. */
export function openAs(
  { outcomes }: ResumedRollout,
  host: HostName,
  instance: InstanceName,
): LeftOpen["as"] | undefined {
  const outcome = outcomes.get(host)?.get(instance);
  if (!outcome) return "untouched";
  if (outcome.kind !== "healthy") return outcome.kind;
  return outcome.drained ? "unknown" : undefined;
}

function plannedIn(rollout: Rollout): Map<HostName, Map<InstanceName, PlannedInstance>> {
  const planned = new Map<HostName, Map<InstanceName, PlannedInstance>>();
  for (const { host, batches } of worksOf(rollout)) {
    const ofHost = planned.get(host) ?? new Map<InstanceName, PlannedInstance>();
    planned.set(host, ofHost);
    for (const { instances } of batches) for (const each of instances) ofHost.set(each.instance, each);
  }
  // What a revert has left out is part of it all the same: a resume completes it.
  for (const { host, instances } of rollout.left_open ?? [])
    for (const instance of instances) {
      const before = { state: "RUNNING" } as const;
      const left: PlannedInstance = { instance, program: programOf(instance), before, action: "restart" };
      planned.set(host, (planned.get(host) ?? new Map<InstanceName, PlannedInstance>()).set(instance, left));
    }
  return planned;
}

class ResumedRolloutReader {
  first: Rollout | undefined;
  last: Rollout | undefined;
  readonly drains = new Drains();
  readonly outcomes = new Map<HostName, Map<InstanceName, EarlierOutcome>>();
  readonly oldPids = new Map<HostName, Map<InstanceName, Set<number>>>();
  readonly hookedHosts = new Set<HostName>();
  /** The outcome of an instance before its last announced restart. */
  private readonly before = new Map<HostName, Map<InstanceName, EarlierOutcome | undefined>>();
  /** The state in the last look at it: a journal of 0.1 does not have it in the failure itself. */
  private readonly seen = new Map<HostName, Map<InstanceName, ProcessState>>();
  /** Hosts with an after_healthy hook, which undoes before_restart. */
  private readonly enables = new Set<InstanceKey>();
  /** Whether that hook has succeeded since the last restart. */
  private readonly isEnabled = new Map<HostName, Map<InstanceName, boolean>>();

  read(event: RolloutEvent): void {
    this.drains.record(event);
    if (event.type === "rollout.planned") this.planned(event);
    else if (event.type === "instance.restarting") this.restarting(event);
    else if (event.type === "instance.observed") this.observed(event);
    else if (event.type === "instance.unchanged")
      this.set(event.host, event.instance, this.before.get(event.host)?.get(event.instance));
    else if (event.type === "instance.healthy") this.healthy(event);
    else if (event.type === "instance.failed") this.failed(event);
    else if (event.type === "hook.started") this.hookStarted(event);
    else if (event.type === "hook.finished" && event.hook === "after_healthy" && counts(event))
      this.enabled(event.host, event.instance);
  }

  private restarting({
    host,
    instance,
    previous_pid,
    previous_state,
    previous_start,
    action,
    signal,
  }: EventOf<"instance.restarting">): void {
    entryOf(this.before, host).set(instance, this.outcomes.get(host)?.get(instance));
    entryOf(this.seen, host).set(instance, previous_state);
    entryOf(this.isEnabled, host).set(instance, false);
    const sent = { action, ...(signal !== undefined && { signal }) };
    this.set(host, instance, { kind: "unknown", previousPid: previous_pid, previousStart: previous_start, sent });
    if (previous_pid !== undefined) this.addOldPid(host, instance, previous_pid);
  }

  /** Whatever ran in its place may still be there, where its supervisord was killed. */
  private observed({ host, instance, state, pid }: EventOf<"instance.observed">): void {
    entryOf(this.seen, host).set(instance, state);
    if (pid !== undefined) this.addOldPid(host, instance, pid);
  }

  private healthy({ host, instance, pid, previous_pid, stopped, removed }: EventOf<"instance.healthy">): void {
    const isDown = (stopped ?? removed) === true;
    entryOf(this.seen, host).set(instance, pid !== undefined ? "RUNNING" : isDown ? "STOPPED" : "EXITED");
    this.oldPids.get(host)?.delete(instance);
    const { previousStart, sent = RESTARTED } = this.outcomes.get(host)?.get(instance) ?? {};
    const isEnabled = !this.enables.has(keyOf({ host, instance })) || this.isEnabled.get(host)?.get(instance) === true;
    // Nothing puts one back into service that is down on purpose.
    const drained = !isEnabled && !isDown;
    const down = isDown ? { isDown } : {};
    this.set(host, instance, {
      kind: "healthy",
      pid,
      previousPid: previous_pid,
      previousStart,
      drained,
      sent,
      ...down,
    });
  }

  /** Instances to which no restart was sent are unchanged. */
  private failed({ host, instance, also = [], code, state }: EventOf<"instance.failed">): void {
    for (const each of [instance, ...also]) this.failedOne(host, each, code, state);
  }

  private failedOne(
    host: HostName,
    instance: InstanceName,
    code: InstanceFailureCode,
    state: ProcessState | undefined,
  ): void {
    const earlier = this.outcomes.get(host)?.get(instance);
    if (!earlier) return;
    // A new process must replace the proven one, or the one that a restart was to replace.
    const previousPid = earlier.kind === "healthy" ? earlier.pid : earlier.previousPid;
    const { previousStart, sent } = earlier;
    if (code === "indeterminate")
      return this.set(host, instance, { kind: "unknown", previousPid, previousStart, sent });
    const lastSeen = code === "regressed" ? undefined : this.seen.get(host)?.get(instance);
    const proof = code === "hook_failed" && earlier.kind === "healthy" ? { proof: earlier } : {};
    const seen = state ?? lastSeen;
    this.set(host, instance, { kind: "failed", code, state: seen, previousPid, previousStart, sent, ...proof });
  }

  private planned(rollout: Rollout): void {
    this.first ??= rollout;
    this.last = rollout;
    this.enables.clear();
    for (const { host, hooks, batches } of partsIn(rollout))
      for (const { instance, before, old_pids = [] } of batches.flatMap(({ instances }) => instances)) {
        if (hooks.after_healthy) this.enables.add(keyOf({ host, instance }));
        for (const pid of [...old_pids, before.pid]) if (pid !== undefined) this.addOldPid(host, instance, pid);
      }
  }

  private addOldPid(host: HostName, instance: InstanceName, pid: number): void {
    const pids = entryOf(this.oldPids, host);
    pids.set(instance, (pids.get(instance) ?? new Set()).add(pid));
  }

  /**
   * Where after_healthy is tried again, it may have succeeded though nobody saw it: the instance is what it was before that
   * failed. Where it is taken out of service once more, it is to be restarted, and what follows undoes only that.
   */
  private hookStarted({ hook, host, instance }: EventOf<"hook.started">): void {
    if (hook === "before_host" && host !== undefined) this.hookedHosts.add(host);
    if (host === undefined || instance === undefined) return;
    const outcome = this.outcomes.get(host)?.get(instance);
    // It had died since it was proven, and was taken out of service to be restarted.
    if (outcome?.kind === "healthy" && hook === "before_restart")
      this.set(host, instance, { ...outcome, drained: true });
    if (outcome?.kind !== "failed" || !outcome.proof) return;
    const { proof, ...failed } = outcome;
    if (hook === "after_healthy") this.set(host, instance, proof);
    if (hook === "before_restart") this.set(host, instance, failed);
  }

  private enabled(host: HostName | undefined, instance: InstanceName | undefined): void {
    if (host === undefined || instance === undefined) return;
    entryOf(this.isEnabled, host).set(instance, true);
    const outcome = this.outcomes.get(host)?.get(instance);
    if (outcome?.kind === "healthy") this.set(host, instance, { ...outcome, drained: false });
  }

  private set(host: HostName, instance: InstanceName, outcome: EarlierOutcome | undefined): void {
    if (outcome) entryOf(this.outcomes, host).set(instance, outcome);
    else this.outcomes.get(host)?.delete(instance);
  }
}

/** What was sent where no journal says so. */
const RESTARTED = { action: "restart" } as const;

function entryOf<V>(map: Map<HostName, Map<InstanceName, V>>, host: HostName): Map<InstanceName, V> {
  const known = map.get(host) ?? new Map<InstanceName, V>();
  map.set(host, known);
  return known;
}

/** It succeeded, or its failure is only a warning to the plan. */
function counts({ succeeded, on_error }: EventOf<"hook.finished">): boolean {
  return succeeded || on_error === "warn";
}
