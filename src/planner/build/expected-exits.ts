import type { FleetReport } from "../../domain/fleet.ts";
import type { HostName, InstanceName, ProgramName } from "../../domain/ids.ts";
import {
  worksOf,
  type Floor,
  type HostWork,
  type PlannedInstance,
  type Rollout,
  type Warning,
} from "../../domain/rollout.ts";
import type { HostSettings, Plan } from "../plan/plan.ts";

/** Hosts on which the plan lets processes exit: only supervisord's log distinguishes that from a crash. */
export function hostsWhereExitsCount({ waves }: Plan): ReadonlySet<HostName> {
  const counting = ({ on_expected_exit, exited }: HostSettings) =>
    on_expected_exit === "accept" || exited === "restart";
  return new Set(
    waves.flatMap(({ hosts }) => hosts.filter(({ settings }) => counting(settings)).map(({ host }) => host)),
  );
}

/** A floor counts an instance between two processes as healthy only if all restarted instances of its program may exit. */
export function withExits(floors: readonly Floor[], rollout: Pick<Rollout, "waves">): Floor[] {
  const [accepting, others] = [new Set<ProgramName>(), new Set<ProgramName>()];
  for (const { on_expected_exit, batches } of worksOf(rollout))
    for (const { program } of batches) (on_expected_exit === "accept" ? accepting : others).add(program);
  return floors.map((floor) =>
    accepting.has(floor.program) && !others.has(floor.program) ? { ...floor, on_expected_exit: "accept" } : floor,
  );
}

/** Warns of instances whose expected exits supervisord's log would not show. */
export function exitWarnings(rollout: Pick<Rollout, "waves">, fleet: FleetReport): Warning[] {
  const warnings: Warning[] = [];
  for (const work of worksOf(rollout))
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
