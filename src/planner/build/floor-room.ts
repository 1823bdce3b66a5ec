import type { HostName, InstanceName } from "../../domain/ids.ts";
import { isRunning } from "../../domain/process-state.ts";
import {
  isDownAlready,
  type HostWork,
  type InstanceBatch,
  type PlannedInstance,
  type Wave,
} from "../../domain/rollout.ts";
import type { Selector } from "../../domain/selector.ts";

/** A step of a rollout that takes instances down: one that is restarted, signalled or stopped, or a group that is updated. */
interface Step {
  readonly what: "restart" | "signal" | "stop" | "update";
  readonly host: HostName;
  /** How many of the counted instances go down together. */
  readonly need: number;
  /** How many more or fewer there are after it. */
  readonly more: number;
}

/** The step that leaves fewest instances, and how many these are. */
export interface TightestStep extends Step {
  readonly left: number;
}

/**
 * The step that takes most, if everything else goes well and each has all the room to itself: a floor above what it
 * leaves could never be kept. Undefined if nothing that counts goes down.
 * @param number how many instances there are before the rollout
 */
export function tightestStep(waves: readonly Wave[], counts: Selector, number: number): TightestStep | undefined {
  let tightest: TightestStep | undefined;
  let there = number;
  for (const batch of waves.flatMap(({ batches }) => batches)) {
    const ofHosts = batch.hosts.map((work) => stepsOf(work, counts));
    // Nobody knows in which order hosts of a batch are done: at worst those that lose something come first.
    const gain = (steps: readonly Step[]) => steps.reduce((sum, { more }) => sum + more, 0);
    for (const step of ofHosts.toSorted((a, b) => gain(a) - gain(b)).flat()) {
      const left = there - step.need;
      if (step.need > 0 && (tightest === undefined || left < tightest.left)) tightest = { ...step, left };
      there += step.more;
    }
  }
  return tightest;
}

function stepsOf(work: HostWork, counts: Selector): Step[] {
  return work.batches.flatMap((batch) => {
    if (batch.is_update) return [stepOfUpdate(work.host, batch, counts)];
    return batch.instances.flatMap((planned) => stepOf(work.host, planned, counts));
  });
}

function stepOfUpdate(host: HostName, { instances }: InstanceBatch, counts: Selector): Step {
  const counted = instances.filter(({ instance }) => counts(instance));
  // One that is new and has autostart=false adds nothing.
  const added = counted.filter(({ is_new, action }) => is_new && action === "update").length;
  const removed = counted.filter((one) => one.action === "remove" && isUp(one)).length;
  return { what: "update", host, need: counted.filter(isUp).length, more: added - removed };
}

function stepOf(host: HostName, planned: PlannedInstance, counts: Selector): Step[] {
  const { action, instance } = planned;
  if (action !== "restart" && action !== "signal" && action !== "stop") return [];
  if (!counts(instance) || !isUp(planned)) return [];
  return [{ what: action, host, need: 1, more: action === "stop" ? -1 : 0 }];
}

/** It serves, so that it is missed while it is down. */
export function isUp(planned: PlannedInstance): boolean {
  return isRunning(planned.before) && !isDownAlready(planned);
}

/** The instances that an update removes though they run, as a host's name and an instance's each. */
export function* removedIn(
  waves: readonly Wave[],
): Generator<{ readonly host: HostName; readonly instance: InstanceName }> {
  for (const { hosts } of waves.flatMap(({ batches }) => batches))
    for (const { host, batches } of hosts)
      for (const { instances } of batches)
        for (const one of instances) if (one.action === "remove" && isUp(one)) yield { host, instance: one.instance };
}
