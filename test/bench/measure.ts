import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { descendantsOf } from "../fleet/process-table.ts";

/** The value in the middle; of an even number the mean of the two there. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** What a command cost, with all that it started and waited for. */
export interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** The most that was seen at one moment. */
  readonly memoryMb: number;
  readonly openFiles: number;
}

const SAMPLE_EVERY_MS = 50;

/** Runs a command to its end. @throws Error when that is not exit code 0 */
export async function measure(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Cost> {
  const startedMs = performance.now();
  const script = '"$@" >/dev/null; code=$?; times; exit $code';
  const child = spawn("bash", ["-c", script, "bash", ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, SSH_AUTH_SOCK: "", ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const most = { memoryMb: 0, openFiles: 0 };
  const sampling = setInterval(() => {
    const pids = descendantsOf([child.pid ?? 0]).map(({ pid }) => pid);
    most.memoryMb = Math.max(
      most.memoryMb,
      pids.map(memoryMb).reduce((a, b) => a + b, 0),
    );
    most.openFiles = Math.max(most.openFiles, ...pids.map(openFiles));
  }, SAMPLE_EVERY_MS);
  const code = await new Promise((resolve) => child.once("close", resolve));
  clearInterval(sampling);
  if (code !== 0) throw new Error(`${argv.join(" ")}: exit ${String(code)}\n${stderr}`);
  return { wallMs: performance.now() - startedMs, cpuMs: cpuMsOf(stdout), ...most };
}

export function costText({ wallMs, cpuMs, memoryMb }: Cost): string {
  return `${(wallMs / 1000).toFixed(2)} s, CPU of the client ${(cpuMs / 1000).toFixed(2)} s, ${memoryMb.toFixed(0)} MB`;
}

/** The middle of each figure by itself. */
export function medianCost(costs: readonly Cost[]): Cost {
  const of = (pick: (cost: Cost) => number) => median(costs.map(pick));
  return {
    wallMs: of(({ wallMs }) => wallMs),
    cpuMs: of(({ cpuMs }) => cpuMs),
    memoryMb: of(({ memoryMb }) => memoryMb),
    openFiles: of(({ openFiles }) => openFiles),
  };
}

/** The second line of bash's `times`: user and system, of what it has waited for. */
function cpuMsOf(times: string): number {
  const line = times.trim().split("\n").at(-1) ?? "";
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce((ms, [, m, s]) => ms + (Number(m) * 60 + Number(s)) * 1000, 0);
}

function memoryMb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}
