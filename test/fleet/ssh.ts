import { execFile, spawn, type ChildProcess } from "node:child_process";
import { promisify } from "node:util";
import type { Fleet, FleetHost } from "./fleet.ts";

const run = promisify(execFile);

/** Runs a command on a host with the system's ssh and a strict look at its key; gives its stdout. */
export async function runOverSsh(fleet: Fleet, host: FleetHost, command: string): Promise<string> {
  const { stdout } = await run("ssh", sshArguments(fleet, host, command));
  return stdout;
}

/** The same for a command that goes on; the caller ends it, or the fleet does when it goes down. */
export function startOverSsh(fleet: Fleet, host: FleetHost, command: string): ChildProcess {
  return spawn("ssh", sshArguments(fleet, host, command), { stdio: ["ignore", "pipe", "pipe"] });
}

function sshArguments(fleet: Fleet, host: FleetHost, command: string): string[] {
  const { user, port, identity_file, known_hosts_file } = fleet.planSsh();
  const options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "ConnectTimeout=10"];
  return [
    ...["-F", "none", "-T", "-i", identity_file, "-p", String(port)],
    ...[...options, `UserKnownHostsFile=${known_hosts_file}`].flatMap((option) => ["-o", option]),
    ...["--", `${user}@${host.address}`, command],
  ];
}
