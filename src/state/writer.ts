import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Rollout } from "../domain/rollout.ts";
import type { Writer } from "../domain/writer.ts";

/**
 * Asks the kernel of this machine about the process that an unfinished rollout names: an open file is one that no later
 * process of the same pid has. Undefined for a journal of a version that does not name its process.
 */
export function writerOf(file: string, { who, pid }: Pick<Rollout, "who" | "pid">): Writer | undefined {
  if (who === undefined || pid === undefined) return undefined;
  const machine = who.slice(who.lastIndexOf("@") + 1);
  if (machine !== hostname()) return { state: "unknown", pid, machine };
  return { state: (hasOpen(pid, file) ?? isAlive(pid)) ? "running" : "ended", pid, machine };
}

/** Undefined where the kernel does not say: on other systems than Linux, and of other users' processes. */
function hasOpen(pid: number, file: string): boolean | undefined {
  const folder = join("/proc", String(pid), "fd");
  try {
    const path = realpathSync(file);
    return readdirSync(folder).some((fd) => targetOf(join(folder, fd)) === path);
  } catch {
    // Without a process there is no folder; without /proc there is none either, and the process is asked for by a signal.
    return undefined;
  }
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    // It was closed meanwhile.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** One that has ended, and whose parent has not asked for that yet. */
function isZombie(pid: number): boolean {
  try {
    return /^.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
