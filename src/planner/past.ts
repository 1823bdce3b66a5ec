import { Drains } from "../domain/drains.ts";
import type { RolloutEvent } from "../domain/events.ts";
import type { HostName, InstanceName, RolloutId } from "../domain/ids.ts";
import { foldNames } from "../domain/node-set.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import { worksOf, type LeftDrained, type Rollout } from "../domain/rollout.ts";
import type { HostTarget } from "../domain/target.ts";
import type { Plan } from "./plan.ts";

/** What a journal says of one instance. */
export type PastFate =
  /** Proven on this pid. `drained`: what its after_healthy hook undoes was not seen to be undone. */
  | {
      readonly kind: "healthy";
      readonly pid: number;
      readonly previousPid: number | undefined;
      readonly drained: boolean;
    }
  /** Its restart was sent, and it failed or its end is not known. */
  | { readonly kind: "attempted"; readonly previousPid: number | undefined };

/** A rollout as far as it came, through all that have resumed it. */
export interface Past {
  /** The last of them. */
  readonly id: RolloutId;
  /** As the first of them was planned. */
  readonly rollout: Rollout;
  /** The instances that it meant to restart. */
  readonly planned: ReadonlyMap<HostName, ReadonlySet<InstanceName>>;
  readonly fates: ReadonlyMap<HostName, ReadonlyMap<InstanceName, PastFate>>;
  readonly leftDrained: LeftDrained;
}

/** Reads what a rollout has done from its events; those of the rollouts that it resumed come first. */
export function readPast(events: Iterable<RolloutEvent>): Past | undefined {
  const reader = new PastReader();
  for (const event of events) reader.read(event);
  const { first, last, fates, drains } = reader;
  if (!first || !last) return undefined;
  const leftDrained = {
    instances: [...drains.instances.values()].map(({ host, instance }) => ({ host, instance })),
    hosts: [...drains.hosts],
  };
  return { id: last.id, rollout: first, planned: plannedIn(first), fates, leftDrained };
}

/** Why an instance is no part of the rollout that is resumed; undefined if it is. */
export function whyNotPlanned({ rollout, planned }: Past, host: HostName, instance: InstanceName): string | undefined {
  if (planned.get(host)?.has(instance)) return undefined;
  const skipped = rollout.skipped.find((one) => one.host === host && one.instance === instance);
  return skipped?.why ?? "it was not there when the rollout that is resumed began";
}

function plannedIn(rollout: Rollout): Map<HostName, Set<InstanceName>> {
  const planned = new Map<HostName, Set<InstanceName>>();
  for (const { host, batches } of worksOf(rollout)) {
    const ofHost = planned.get(host) ?? new Set();
    planned.set(host, ofHost);
    for (const { instances } of batches) for (const { instance } of instances) ofHost.add(instance);
  }
  return planned;
}

class PastReader {
  first: Rollout | undefined;
  last: Rollout | undefined;
  readonly drains = new Drains();
  readonly fates = new Map<HostName, Map<InstanceName, PastFate>>();
  /** What an instance was before the restart that was announced last. */
  private readonly before = new Map<HostName, Map<InstanceName, PastFate | undefined>>();
  /** Hosts where a hook undoes what another did before a restart. */
  private readonly enabling = new Set<HostName>();

  read(event: RolloutEvent): void {
    this.drains.record(event);
    if (event.type === "rollout.planned") this.planned(event);
    else if (event.type === "instance.restarting") this.restarting(event);
    else if (event.type === "instance.unchanged")
      this.set(event.host, event.instance, this.before.get(event.host)?.get(event.instance));
    else if (event.type === "instance.healthy") this.healthy(event);
    else if (event.type === "instance.failed") this.failed(event);
    else if (event.type === "hook.finished" && event.hook === "after_healthy" && event.succeeded)
      this.enabled(event.host, event.instance);
  }

  private restarting({ host, instance, previous_pid }: Extract<RolloutEvent, { type: "instance.restarting" }>): void {
    entryOf(this.before, host).set(instance, this.fates.get(host)?.get(instance));
    this.set(host, instance, { kind: "attempted", previousPid: previous_pid });
  }

  private healthy({ host, instance, pid, previous_pid }: Extract<RolloutEvent, { type: "instance.healthy" }>): void {
    this.set(host, instance, { kind: "healthy", pid, previousPid: previous_pid, drained: this.enabling.has(host) });
  }

  /** Regressed: another process must replace the one that was proven. Where only its hook failed it is still drained. */
  private failed({ host, instance, code }: Extract<RolloutEvent, { type: "instance.failed" }>): void {
    const earlier = this.fates.get(host)?.get(instance);
    if (earlier?.kind === "healthy" && code !== "hook_failed")
      this.set(host, instance, { kind: "attempted", previousPid: earlier.pid });
  }

  private planned(rollout: Rollout): void {
    this.first ??= rollout;
    this.last = rollout;
    this.enabling.clear();
    for (const { host, hooks } of worksOf(rollout)) if (hooks.after_healthy) this.enabling.add(host);
  }

  private enabled(host: HostName | undefined, instance: InstanceName | undefined): void {
    if (host === undefined || instance === undefined) return;
    const fate = this.fates.get(host)?.get(instance);
    if (fate?.kind === "healthy") this.set(host, instance, { ...fate, drained: false });
  }

  private set(host: HostName, instance: InstanceName, fate: PastFate | undefined): void {
    if (fate) entryOf(this.fates, host).set(instance, fate);
    else this.fates.get(host)?.delete(instance);
  }
}

function entryOf<V>(map: Map<HostName, Map<InstanceName, V>>, host: HostName): Map<InstanceName, V> {
  const known = map.get(host) ?? new Map<InstanceName, V>();
  map.set(host, known);
  return known;
}

type Settled =
  { readonly action: "nothing" | "start" | "restart" } | { readonly action: "gate"; readonly previous_pid?: number };

/** What is to be done with an instance after its past: nothing, if it is healthy and serves. */
export function settle(fate: PastFate, { state, pid }: ProcessSnapshot): Settled {
  const serves = fate.kind === "healthy" && !fate.drained;
  if (serves && state === "RUNNING") return { action: "nothing" };
  // One that is only still drained is judged once more, and then enabled.
  const previousPid = serves ? fate.pid : fate.previousPid;
  // A start cannot restart it twice, whoever left it so.
  if (state === "STOPPED") return { action: "start" };
  const isAnother = (state === "RUNNING" && pid !== previousPid) || state === "STARTING" || state === "BACKOFF";
  if (!isAnother) return { action: "restart" };
  return { action: "gate", ...(previousPid === undefined ? {} : { previous_pid: previousPid }) };
}

/** In what a plan differs from the rollout which is to go on, where it may not; one sentence for each. */
export function changesSince(past: Rollout, plan: Plan): string[] {
  const known = new Map(past.hosts.map((target) => [target.name, target]));
  const selected = new Set(plan.waves.flatMap(({ hosts }) => hosts.map(({ host }) => host)));
  const added = [...selected].filter((name) => !known.has(name));
  return [
    ...(added.length > 0 ? [`hosts were added: ${foldNames(added).join(", ")}`] : []),
    ...plan.hosts.flatMap((target) => movesOf(target, known.get(target.name))),
    ...changesOfWaves(past, plan),
  ];
}

/** What makes it another supervisord. */
function movesOf(now: HostTarget, then: HostTarget | undefined): string[] {
  if (!then) return [];
  const words = [
    ["address", then.address, now.address],
    ["connection", then.connection, now.connection],
    ["supervisor.config", then.supervisor.config, now.supervisor.config],
    ["supervisor.server_url", then.supervisor.server_url, now.supervisor.server_url],
  ] as const;
  return words
    .filter(([, before, after]) => before !== after)
    .map(
      ([what, before, after]) => `the ${what} of ${now.name} was ${before ?? "not set"} and is ${after ?? "not set"}`,
    );
}

/** A wave that had nothing to do is not in the rollout, and nothing of it can have changed that matters. */
function changesOfWaves(past: Rollout, plan: Plan): string[] {
  const pastPrograms = new Map(past.waves.map(({ group, programs }) => [group, programs]));
  const common = plan.waves.filter(({ group }) => pastPrograms.has(group));
  const order = common.map(({ group }) => group).join(", ");
  const pastOrder = past.waves.map(({ group }) => group).filter((group) => common.some((wave) => wave.group === group));
  return [
    ...common
      .filter(({ group, programs }) => programs.join() !== pastPrograms.get(group)?.join())
      .map(
        ({ group, programs }) =>
          `the programs of ${group} were ${pastPrograms.get(group)?.join(", ")} and are ${programs.join(", ")}`,
      ),
    ...(order === pastOrder.join(", ")
      ? []
      : [`the waves came in the order ${pastOrder.join(", ")} and come in the order ${order}`]),
  ];
}
