import type { FleetReport } from "../../domain/fleet.ts";
import type { HostName } from "../../domain/ids.ts";
import { worksOf, type HostWork, type Rollout, type Warning } from "../../domain/rollout.ts";
import type { LeftoverPolicy } from "../../domain/settings.ts";
import { settingsOn, type Plan } from "../plan/plan.ts";

/** Hosts on which the plan does not ignore leftovers. */
export function hostsWatchedForLeftovers({ waves }: Plan): ReadonlySet<HostName> {
  const watched = waves.flatMap(({ hosts }) =>
    hosts.filter((host) => settingsOn(host).some(({ leftovers }) => leftovers !== "ignore")),
  );
  return new Set(watched.map(({ host }) => host));
}

/** The policy for a host: leftovers that cannot be seen are not looked for. */
export function leftoversOn(host: HostName, policy: LeftoverPolicy, fleet: FleetReport): LeftoverPolicy {
  return canBeSeen(host, fleet) ? policy : "ignore";
}

/** Warns of hosts where the plan asks for leftovers that cannot be seen. */
export function leftoverWarnings(plan: Plan, rollout: Pick<Rollout, "waves">, fleet: FleetReport): Warning[] {
  const watched = hostsWatchedForLeftovers(plan);
  const blind = new Set<HostName>();
  for (const work of worksOf(rollout))
    if (watched.has(work.host) && replacesProcesses(work) && !canBeSeen(work.host, fleet)) blind.add(work.host);
  return [...blind].map((host) => ({
    host,
    message:
      "processes that outlive a restart cannot be seen: the process table does not show Supervisor's processes (it is in a container, /proc has hidepid, or it is not Linux); set `leftovers: ignore` to accept that",
  }));
}

function canBeSeen(host: HostName, fleet: FleetReport): boolean {
  const report = fleet.get(host);
  return report === undefined || !("instances" in report) || report.seesProcesses !== false;
}

function replacesProcesses({ batches }: HostWork): boolean {
  return batches.some(({ instances }) =>
    instances.some(({ before, previous_pid }) => before.pid !== undefined || previous_pid !== undefined),
  );
}
