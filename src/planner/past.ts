import type { RolloutEvent } from "../domain/events.ts";
import type { HostName, InstanceName, RolloutId } from "../domain/ids.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { Rollout } from "../domain/rollout.ts";
import { foldNames } from "../domain/node-set.ts";
import type { Plan } from "./plan.ts";

/** What a journal says of one instance. */
export type PastFate =
  | { readonly kind: "healthy"; readonly pid: number }
  /** Its restart was sent, and it failed or its end is not known. */
  | { readonly kind: "attempted"; readonly previousPid: number | undefined };

/** A rollout as far as it came. */
export interface Past {
  readonly id: RolloutId;
  readonly rollout: Rollout;
  readonly fates: ReadonlyMap<HostName, ReadonlyMap<InstanceName, PastFate>>;
}

/** Reads what a rollout has done from its events; those of the rollouts that it resumed come first. */
export function readPast(events: Iterable<RolloutEvent>): Past | undefined {
  const fates = new Map<HostName, Map<InstanceName, PastFate>>();
  let rollout: Rollout | undefined;
  for (const event of events) {
    if (event.type === "rollout.planned") rollout = event;
    if (event.type !== "instance.restarting" && event.type !== "instance.healthy" && event.type !== "instance.failed")
      continue;
    const ofHost = fates.get(event.host) ?? new Map<InstanceName, PastFate>();
    fates.set(event.host, ofHost);
    const earlier = ofHost.get(event.instance);
    if (event.type === "instance.restarting")
      ofHost.set(event.instance, { kind: "attempted", previousPid: event.previous_pid });
    else if (event.type === "instance.healthy") ofHost.set(event.instance, { kind: "healthy", pid: event.pid });
    // Regressed: the process that was proven is the one that another must replace.
    else if (earlier?.kind === "healthy") ofHost.set(event.instance, { kind: "attempted", previousPid: earlier.pid });
  }
  return rollout && { id: rollout.id, rollout, fates };
}

type Settled =
  { readonly action: "nothing" | "start" | "restart" } | { readonly action: "gate"; readonly previous_pid?: number };

/** What is to be done with an instance after its past: nothing, if it is healthy. */
export function settle(fate: PastFate, { state, pid }: ProcessSnapshot): Settled {
  if (fate.kind === "healthy" && state === "RUNNING") return { action: "nothing" };
  const previousPid = fate.kind === "healthy" ? fate.pid : fate.previousPid;
  // A start cannot restart it twice, whoever left it so.
  if (state === "STOPPED") return { action: "start" };
  const isAnother = (state === "RUNNING" && pid !== previousPid) || state === "STARTING" || state === "BACKOFF";
  if (!isAnother) return { action: "restart" };
  return { action: "gate", ...(previousPid === undefined ? {} : { previous_pid: previousPid }) };
}

/** In what a plan differs from that of the rollout which is to go on, where it may not. */
export function changesSince(past: Rollout, plan: Plan): string[] {
  const known = new Map(past.hosts.map(({ name, address }) => [name, address]));
  const added = plan.hosts.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  const moved = plan.hosts.filter(({ name, address }) => known.has(name) && known.get(name) !== address);
  const pastPrograms = new Map(past.waves.map(({ group, programs }) => [group, programs]));
  const common = plan.waves.filter(({ group }) => pastPrograms.has(group));
  const order = common.map(({ group }) => group);
  const pastOrder = past.waves.map(({ group }) => group).filter((group) => order.includes(group));
  return [
    ...(added.length > 0 ? [`hosts were added: ${foldNames(added).join(", ")}`] : []),
    ...moved.map(({ name, address }) => `the address of ${name} was ${known.get(name)} and is ${address}`),
    ...common
      .filter(({ group, programs }) => programs.join() !== pastPrograms.get(group)?.join())
      .map(
        ({ group, programs }) =>
          `the programs of ${group} were ${pastPrograms.get(group)?.join(", ")} and are ${programs.join(", ")}`,
      ),
    ...(order.join() === pastOrder.join()
      ? []
      : [`the waves came in the order ${pastOrder.join(", ")} and come in the order ${order.join(", ")}`]),
  ];
}
