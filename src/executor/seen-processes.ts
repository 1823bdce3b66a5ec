import type { HostProcess } from "../domain/host-process.ts";
import { isRunning, type ProcessSnapshot } from "../domain/process-state.ts";
import type { ProcessTable } from "./ports.ts";

/** Supervisor's whole seconds, and the time between the two looks. */
const UPTIME_SLACK_S = 3;

/** What a host's process table says of its instances. */
export interface SeenProcesses {
  /**
   * The table shows what Supervisor runs. Undefined where that is not known: nothing is RUNNING to know it by, or the
   * table did not answer this once.
   */
  readonly seesProcesses?: boolean;
  /** The instances, of which the uptime is right also where the host's clock was set since their start. */
  readonly instances: readonly ProcessSnapshot[];
}

/**
 * Finds out whether the process table that the login sees is the one in which Supervisor's processes are. It is another
 * one where supervisorctl is reached in a container, and it is empty where /proc is mounted with hidepid.
 *
 * Its proof is what Supervisor has made: each process leads a process group of its own, and all have one parent. A pid by
 * itself is no proof, since each container counts its own from 1. One that is missing may have ended since it was listed.
 */
export async function seeProcesses(table: ProcessTable, instances: readonly ProcessSnapshot[]): Promise<SeenProcesses> {
  const pids = instances.flatMap((instance) => (isRunning(instance) ? (instance.pid ?? []) : []));
  if (pids.length === 0) return { instances };
  const outcome = await table.look({ groups: [], pids });
  if (outcome.kind === "unanswered") return { instances };
  const leaders = outcome.kind === "seen" ? outcome.processes.filter(({ pid, group }) => pid === group) : [];
  const parents = new Set(leaders.map(({ parent }) => parent));
  const sees = leaders.length * 2 > pids.length && parents.size === 1;
  return sees ? { seesProcesses: true, instances: withAges(instances, leaders) } : { seesProcesses: false, instances };
}

/** Supervisor reckons an uptime by the host's clock: where that was set, the age of the process is the truth. */
function withAges(
  instances: readonly ProcessSnapshot[],
  processes: readonly HostProcess[],
): readonly ProcessSnapshot[] {
  const ages = new Map(processes.map(({ pid, age_s }) => [pid, age_s]));
  return instances.map((instance) => {
    const { pid, uptime_s } = instance;
    const age = pid === undefined ? undefined : ages.get(pid);
    if (age === undefined || uptime_s === undefined || Math.abs(age - uptime_s) <= UPTIME_SLACK_S) return instance;
    return { ...instance, uptime_s: Math.floor(age) };
  });
}
