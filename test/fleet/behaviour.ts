import { rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";

/** What an instance does from its next start on. Seconds may have a fraction. */
export type Behaviour =
  /** Runs, and ends at once when asked to. */
  | { readonly kind: "healthy" }
  /** Likewise; on HUP it reads its behaviour again and stays on its pid, unless that is to crash at the start. */
  | { readonly kind: "reloads" }
  /** Two telling lines on stderr and exit 1, at every start: BACKOFF, then FATAL. */
  | { readonly kind: "crash_at_start" }
  /** Runs for so long, then exits 1. Longer than startsecs: Supervisor starts it again for ever. */
  | { readonly kind: "crash_after"; readonly seconds: number }
  /** Runs for so long, then exits 0, as a worker does that has done its jobs. */
  | { readonly kind: "exit_after"; readonly seconds: number }
  /** Takes so long to end when asked to. */
  | { readonly kind: "slow_stop"; readonly seconds: number }
  /** Ends, once asked to, when `FleetHost.letStop` lets it. Its group needs a long stopwaitsecs. */
  | { readonly kind: "held_stop" }
  /** Never ends when asked to: killed after stopwaitsecs. */
  | { readonly kind: "ignore_term" }
  /** Runs at once, but its ready file (see `FleetHost.readyFile`) comes only after so long. */
  | { readonly kind: "slow_start"; readonly seconds: number }
  /** Crashes at its next so many starts, then is healthy: a BACKOFF that recovers. */
  | { readonly kind: "recovers"; readonly failures: number }
  /** The file of its command is missing: the start is refused and it stays STOPPED. */
  | { readonly kind: "file_gone" };

/** Where a host keeps what its instances are made of. */
export interface InstanceFiles {
  /** The program that every instance runs. */
  readonly program: string;
  /** One link to the program per process, which is its command. */
  readonly commandDir: string;
  /** One file per process with its behaviour. */
  readonly behaviourDir: string;
}

/** Writes the behaviour of the process of this name. The one that runs now is not touched. */
export async function writeBehaviour(
  { program, commandDir, behaviourDir }: InstanceFiles,
  processName: string,
  behaviour: Behaviour,
): Promise<void> {
  const command = path.join(commandDir, processName);
  await rm(command, { force: true });
  if (behaviour.kind === "file_gone") return;

  // Renamed into place: an instance that starts in this moment must not read half a line.
  const file = path.join(behaviourDir, processName);
  await writeFile(`${file}.new`, behaviourLine(behaviour));
  await rename(`${file}.new`, file);
  await symlink(program, command);
}

function behaviourLine(behaviour: Behaviour): string {
  switch (behaviour.kind) {
    case "crash_after":
    case "exit_after":
    case "slow_stop":
    case "slow_start":
      return `${behaviour.kind} ${behaviour.seconds}`;
    case "recovers":
      return `${behaviour.kind} ${behaviour.failures}`;
    case "healthy":
    case "reloads":
    case "crash_at_start":
    case "held_stop":
    case "ignore_term":
    case "file_gone":
      return behaviour.kind;
  }
}
