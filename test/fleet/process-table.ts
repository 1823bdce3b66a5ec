import { readdirSync, readFileSync } from "node:fs";

/** One process as Linux shows it in /proc. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  /** The file's name, at most 15 characters: `sshd`. */
  readonly command: string;
  /** R, S, D, T (stopped), Z (ended, not yet reaped)… */
  readonly state: string;
}

/** All processes of this machine. Synchronous, so that it serves at the exit of a process too. */
export function processTable(): ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processEntry(Number(name)))
    .filter((entry) => entry !== undefined);
}

/** What /proc says about one process; undefined when there is none. */
export function processEntry(pid: number): ProcessEntry | undefined {
  const stat = readProc(pid, "stat");
  // The command stands in parentheses and may contain some itself.
  const match = /^\d+ \((.*)\) (\S) (\d+) /s.exec(stat);
  if (match === null) return undefined;
  const [, command = "", state = "", parentPid] = match;
  return { pid, parentPid: Number(parentPid), command, state };
}

/** The children of these processes, their children and so on, without the processes themselves. */
export function descendantsOf(pids: Iterable<number>, table: readonly ProcessEntry[] = processTable()): ProcessEntry[] {
  const found: ProcessEntry[] = [];
  const parents = [...pids];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const entry of table) {
      if (entry.parentPid !== parent) continue;
      found.push(entry);
      parents.push(entry.pid);
    }
  }
  return found;
}

/** `NAME=value` lines that a process was started with; none when it has ended or is not ours. */
export function environmentOf(pid: number): string[] {
  return readProc(pid, "environ").split("\0");
}

/** The command line of a process, or the title that it gave itself; empty when it has ended. */
export function titleOf(pid: number): string {
  return readProc(pid, "cmdline").replaceAll("\0", " ").trimEnd();
}

/** True while the process exists and has not ended. A zombie has ended. */
export function isRunning(pid: number): boolean {
  const state = processEntry(pid)?.state;
  return state !== undefined && state !== "Z" && state !== "X";
}

/** Sends a signal; a process that is gone is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
