import type { FleetReport } from "../../domain/fleet.ts";
import type { HostName, InstanceName } from "../../domain/ids.ts";
import {
  countsFor,
  partsIn,
  type Floor,
  type HostWork,
  type PlannedInstance,
  type Rollout,
  type Warning,
} from "../../domain/rollout.ts";
import { settingsOn, type HostSettings, type Plan } from "../plan/plan.ts";

/** Hosts on which the plan lets processes exit: only supervisord's log distinguishes that from a crash. */
export function hostsWhereExitsCount({ waves }: Plan): ReadonlySet<HostName> {
  const counting = ({ on_expected_exit, exited }: HostSettings) =>
    on_expected_exit === "accept" || exited === "restart";
  return new Set(
    waves.flatMap(({ hosts }) => hosts.filter((one) => settingsOn(one).some(counting)).map(({ host }) => host)),
  );
}

/** A floor counts an instance between two processes as healthy only if all restarted instances of its program may exit. */
export function withExits(floors: readonly Floor[], rollout: Pick<Rollout, "waves">): Floor[] {
  const [accepting, others] = [new Set<InstanceName>(), new Set<InstanceName>()];
  for (const { on_expected_exit, batches } of partsIn(rollout))
    for (const { instance } of batches.flatMap(({ instances }) => instances))
      (on_expected_exit === "accept" ? accepting : others).add(instance);
  if (accepting.size === 0) return [...floors];
  return floors.map((floor) => {
    const counts = countsFor(floor);
    return [...accepting].some(counts) && ![...others].some(counts) ? { ...floor, on_expected_exit: "accept" } : floor;
  });
}

/** Warns of instances whose expected exits supervisord's log would not show. */
export function exitWarnings(rollout: Pick<Rollout, "waves">, fleet: FleetReport): Warning[] {
  const warnings: Warning[] = [];
  for (const work of partsIn(rollout))
    for (const planned of work.batches.flatMap(({ instances }) => instances)) {
      const { instance } = planned;
      const reason = mayEnd(work, planned) ? whyUnread(work.host, instance, fleet) : undefined;
      if (reason !== undefined) warnings.push({ host: work.host, instance, message: warningText(planned, reason) });
    }
  return warnings;
}

function mayEnd({ on_expected_exit }: HostWork, { may_complete }: PlannedInstance): boolean {
  return on_expected_exit === "accept" || may_complete === true;
}

function whyUnread(host: HostName, instance: InstanceName, fleet: FleetReport): string | undefined {
  const report = fleet.get(host);
  const history = report && "instances" in report ? report.histories?.get(instance) : undefined;
  return history?.kind === "unread" ? history.reason : undefined;
}

function warningText({ may_complete }: PlannedInstance, reason: string): string {
  const consequence = may_complete ? "an expected exit cannot be recognised" : "each of its exits counts as a failure";
  return `${consequence}: supervisord's log does not say how its processes end: ${reason}`;
}
