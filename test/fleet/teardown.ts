import { rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Daemon } from "./daemon.ts";
import { hostDirVariable } from "./host-files.ts";
import { descendantsOf, environmentOf, processTable, signal } from "./process-table.ts";
import { until } from "./until.ts";

/** A host's daemons, up or not. */
export interface HostRemains {
  readonly sshd: Daemon;
  readonly supervisord: Daemon;
  /** Asks supervisord to end; false when it does not answer within `timeoutMs`. */
  shutDownSupervisord(timeoutMs: number): Promise<boolean>;
}

/** What has to go when a fleet goes. */
export interface Remains {
  /** All that runs in it has it in its environment, see {@link hostDirVariable}. */
  readonly dir: string;
  readonly hosts: readonly HostRemains[];
}

const shutdownAnswerMs = 1_000;
const patientMs = 3_000;
const goneDeadlineMs = 15_000;

/** Ends every process of a fleet, in whatever state it is, and removes its folder. */
export async function tearDown(remains: Remains): Promise<void> {
  for (const pid of allPids(remains)) signal(pid, "SIGCONT");
  // Asked, supervisord starts nothing any more and reaps what is killed below.
  const refused = await Promise.all(
    remains.hosts.map(async (host) =>
      (await host.shutDownSupervisord(shutdownAnswerMs)) ? undefined : host.supervisord.pid,
    ),
  );
  for (const pid of refused) if (pid !== undefined) signal(pid, "SIGKILL");
  const patientUntil = performance.now() + patientMs;
  await until(
    () => {
      const pids = allPids(remains);
      const patient = performance.now() < patientUntil;
      for (const pid of patient ? withoutChildren(pids) : pids) signal(pid, "SIGKILL");
      return pids.length === 0;
    },
    { deadlineMs: goneDeadlineMs, what: `every process of ${remains.dir} has ended` },
  );
  await rm(remains.dir, { recursive: true, force: true, maxRetries: 3 });
}

/** The same at once and synchronously, for the exit of a process: nobody is asked. */
export function tearDownNow(remains: Remains): void {
  // supervisord and sshd first: they must not start anything while their processes are killed.
  for (const pid of daemonPids(remains)) signal(pid, "SIGSTOP");
  for (const pid of allPids(remains)) signal(pid, "SIGKILL");
  rmSync(remains.dir, { recursive: true, force: true, maxRetries: 3 });
}

/** Children first, so that each parent reaps its own: not everywhere does process 1 do it. */
function withoutChildren(pids: readonly number[]): number[] {
  const parents = new Set(processTable().map(({ parentPid }) => parentPid));
  return pids.filter((pid) => !parents.has(pid));
}

function daemonPids({ hosts }: Remains): number[] {
  return hosts.flatMap((host) => [host.supervisord.pid, host.sshd.pid]).filter((pid) => pid !== undefined);
}

/** The daemons, all below them, and whoever else carries the fleet's mark: orphans. */
function allPids(remains: Remains): number[] {
  const daemons = daemonPids(remains);
  const table = processTable().filter(({ state }) => state !== "Z");
  const mark = `${hostDirVariable}=${remains.dir}/`;
  const marked = table.filter(({ pid }) => environmentOf(pid).some((line) => line.startsWith(mark)));
  const below = descendantsOf(daemons, table);
  return [...new Set([...daemons, ...below.map(({ pid }) => pid), ...marked.map(({ pid }) => pid)])];
}
