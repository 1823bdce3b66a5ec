import type { RolloutEvent } from "../domain/events.ts";
import type { HostName, InstanceName, RolloutId } from "../domain/ids.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { Rollout } from "../domain/rollout.ts";

/** What a journal says of one instance. */
export type PastFate =
  | { readonly kind: "healthy"; readonly pid: number; readonly previousPid: number | undefined }
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
    else if (event.type === "instance.healthy")
      ofHost.set(event.instance, { kind: "healthy", pid: event.pid, previousPid: event.previous_pid });
    else if (earlier?.kind === "healthy") ofHost.set(event.instance, failedAfterAll(event, earlier));
  }
  return rollout && { id: rollout.id, rollout, fates };
}

function failedAfterAll(
  { code }: Extract<RolloutEvent, { type: "instance.failed" }>,
  { pid, previousPid }: Extract<PastFate, { kind: "healthy" }>,
): PastFate {
  // Only its hook has failed, the process is good: the gate lets it pass, and the hook runs again.
  if (code === "hook_failed") return { kind: "attempted", previousPid };
  // Regressed: the process that was proven is the one that another must replace.
  return { kind: "attempted", previousPid: pid };
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
