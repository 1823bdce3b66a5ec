import type { FleetReport } from "../../domain/fleet.ts";
import { worksOf, type Rollout } from "../../domain/rollout.ts";

/** The shortest `startsecs` of each program. Undefined unless they are known of every instance that is restarted. */
export function startSecondsOf(rollout: Pick<Rollout, "waves">, fleet: FleetReport): Rollout["startsecs"] {
  const shortest: Record<string, number> = {};
  for (const { host, batches } of worksOf(rollout)) {
    const report = fleet.get(host);
    const configs = report && "instances" in report ? report.config?.instances : undefined;
    for (const { instance, program } of batches.flatMap(({ instances }) => instances)) {
      const startsecs = configs?.get(instance)?.startsecs;
      if (startsecs === undefined) return undefined;
      shortest[program] = Math.min(startsecs, shortest[program] ?? Infinity);
    }
  }
  return shortest;
}

/** The pids of the supervisords, on hosts where the rollout restarts something. */
export function supervisorPidsOf(rollout: Pick<Rollout, "waves">, fleet: FleetReport): Rollout["supervisor_pids"] {
  const pids: Record<string, number> = {};
  for (const { host } of worksOf(rollout)) {
    const report = fleet.get(host);
    if (report && "supervisorPid" in report) pids[host] = report.supervisorPid;
  }
  return Object.keys(pids).length === 0 ? undefined : pids;
}
