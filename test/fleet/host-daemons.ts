import { rm } from "node:fs/promises";
import { createConnection } from "node:net";
import path from "node:path";
import { Daemon } from "./daemon.ts";
import { hostDirVariable, hostFiles, type HostSpec, type SshdSpec } from "./host-files.ts";
import { allProcesses, type ProcessInfo } from "./supervisor-rpc.ts";

/** Absolute paths. */
export interface DaemonPrograms {
  readonly sshd: string;
  readonly supervisord: string;
}

/** Python reads the `sitecustomize` in it at its start. */
const ownClockModule = path.join(import.meta.dirname, "own-clock");
const readyDeadlineMs = 60_000;
/** A look costs a supervisord about a millisecond, and many may be starting on few processors. */
const supervisordLookMs = 40;

/** The two daemons of a host, not started yet. */
export function hostDaemons(spec: HostSpec, programs: DaemonPrograms): { sshd: Daemon; supervisord: Daemon } {
  const { supervisorConfig, supervisorOutput } = hostFiles(spec.dir);
  const env = daemonEnvironment(spec.dir);
  return {
    sshd: sshdDaemon(spec, programs.sshd),
    supervisord: new Daemon({
      name: `${spec.name}'s supervisord`,
      command: spec.sameCommandLine
        ? ["/bin/sh", "-c", `cd ${spec.dir} && exec ${programs.supervisord} -n -c ${path.basename(supervisorConfig)}`]
        : [programs.supervisord, "-n", "-c", supervisorConfig],
      env: {
        ...spec.env,
        ...env,
        ...(spec.ownClock && { PYTHONPATH: ownClockModule, PYTHONDONTWRITEBYTECODE: "1" }),
      },
      outputFile: supervisorOutput,
    }),
  };
}

/** The sshd of a host, not started yet. @param sshd its absolute path */
export function sshdDaemon({ name, dir }: SshdSpec, sshd: string): Daemon {
  const { sshdConfig, sshdOutput } = hostFiles(dir);
  return new Daemon({
    name: `${name}'s sshd`,
    command: [sshd, "-D", "-e", "-f", sshdConfig],
    env: daemonEnvironment(dir),
    outputFile: sshdOutput,
  });
}

/** What a daemon of a host has in its environment: little, and the mark by which a teardown finds what is left. */
export function daemonEnvironment(dir: string): Record<string, string> {
  const { PATH = "/usr/bin:/bin", HOME = "/" } = process.env as { PATH?: string; HOME?: string };
  return { PATH, HOME, [hostDirVariable]: dir };
}

/** Starts an sshd and waits for its banner. @throws Error with the end of its log */
export async function raiseSshd(sshd: Daemon, { address, port }: SshdSpec): Promise<void> {
  sshd.start();
  await sshd.ready(() => hasBanner(address, port), { deadlineMs: readyDeadlineMs });
}

/**
 * Starts a supervisord and waits until each process that it starts by itself has got somewhere:
 * RUNNING, FATAL or EXITED.
 *
 * @returns those processes
 * @throws Error with the end of its log
 */
export async function raiseSupervisord(supervisord: Daemon, spec: HostSpec): Promise<ProcessInfo[]> {
  const { supervisorSocket } = hostFiles(spec.dir);
  const others = spec.groups.filter(({ autostart }) => autostart === false).map(({ name }) => name);
  // A killed one leaves its socket behind.
  await rm(supervisorSocket, { force: true });
  supervisord.start();
  let autostarted: ProcessInfo[] = [];
  const settled = async () => {
    autostarted = (await allProcesses(supervisorSocket)).filter(({ group }) => !others.includes(group));
    return autostarted.every(({ state }) => ["RUNNING", "FATAL", "EXITED"].includes(state));
  };
  await supervisord.ready(settled, { deadlineMs: readyDeadlineMs, everyMs: supervisordLookMs });
  return autostarted;
}

async function hasBanner(host: string, port: number): Promise<boolean> {
  const socket = createConnection({ host, port, timeout: 5_000 });
  socket.on("timeout", () => socket.destroy());
  try {
    for await (const chunk of socket) return String(chunk).startsWith("SSH-2.0-");
    return false;
  } finally {
    socket.destroy();
  }
}
