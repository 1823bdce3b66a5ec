import type { HostName } from "../domain/ids.ts";
import type { FleetHost, Supervisor, SupervisorReader } from "../executor/ports.ts";
import { openHost } from "../hosts/open.ts";
import type { Plan } from "../planner/plan.ts";
import { supervisorctl, supervisorctlReader } from "../supervisor/supervisorctl.ts";

export type Fleet<S extends SupervisorReader> = ReadonlyMap<HostName, FleetHost<S>>;

/** The fleet for a dry run: no port that could change anything is made, let alone reached. */
export function openForReading(plan: Plan): Fleet<SupervisorReader> {
  return open(plan, supervisorctlReader);
}

/** The fleet for a rollout. */
export function openForRollout(plan: Plan): Fleet<Supervisor> {
  return open(plan, supervisorctl);
}

export async function closeFleet(fleet: Fleet<SupervisorReader>): Promise<void> {
  await Promise.all([...fleet.values()].map(({ connection }) => connection.close()));
}

type MakeSupervisor<S> = (...made: Parameters<typeof supervisorctl>) => S;

function open<S extends SupervisorReader>(plan: Plan, make: MakeSupervisor<S>): Fleet<S> {
  const timeouts = commandTimeouts(plan);
  return new Map(
    plan.hosts.map((target) => {
      const connection = openHost(target);
      return [
        target.name,
        { connection, supervisor: make(connection, target.supervisor, timeouts.get(target.name) ?? 0) },
      ];
    }),
  );
}

/** A host that comes in several waves gets the most patient one's. */
function commandTimeouts(plan: Plan): Map<HostName, number> {
  const timeouts = new Map<HostName, number>();
  for (const { hosts, timings } of plan.waves)
    for (const host of hosts) timeouts.set(host, Math.max(timeouts.get(host) ?? 0, timings.command_timeout_ms));
  return timeouts;
}
