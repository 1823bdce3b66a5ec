import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import type { RecordedEvent } from "../../src/domain/events.ts";
import { judgeEnd, type Ended } from "./judged-end.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { ownStateDir } from "../own-state-dir.ts";

/** The bundle that users install, as `npm test` has built it. */
export const BUNDLE = fileURLToPath(new URL("../../dist/orchestrate.cjs", import.meta.url));

const NO_CI = { GITHUB_ACTIONS: "", GITLAB_CI: "", GITHUB_STEP_SUMMARY: "" };

export type { Ended } from "./judged-end.ts";

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Everything on stdout so far. */
  stdout(): string;
}

/**
 * Starts `orchestrate` as a process of its own, its output in pipes. At its end its exit code, report, journal and page
 * are compared, unless it was killed by `child.kill`; `ended` rejects where they differ.
 *
 * @param options.before what a shell does before it becomes orchestrate, such as `ulimit -f 1`
 */
export function startOrchestrate(
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly before?: string } = {},
): Running {
  const argv = [process.execPath, BUNDLE, ...args];
  const [program = "", ...words] =
    options.before === undefined ? argv : ["bash", "-c", `${options.before}; exec "$@"`, "bash", ...argv];
  // No agent of whoever runs the tests: its keys would be tried first.
  // And no CI system: lines would have its marks.
  const ours = { ...NO_CI, SSH_AUTH_SOCK: "", ORCHESTRATE_STATE_DIR: ownStateDir() };
  const env = { ...process.env, ...ours, ...options.env };
  const child = spawn(program, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const end = { code, ...output };
      try {
        if (code !== null || !child.killed) judgeEnd({ args, stateDir: env.ORCHESTRATE_STATE_DIR }, end);
        resolve(end);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
  return { child, ended, stdout: () => output.stdout };
}

/** Runs `orchestrate` to its end. */
export function orchestrate(...args: string[]): Promise<Ended> {
  return startOrchestrate(args).ended;
}

/** The events of a run with `--output json`. */
export function eventsOf({ stdout }: { stdout: string }): RecordedEvent[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RecordedEvent);
}

/** The instances in the order in which a run restarted them. */
export function restartedIn(events: readonly RecordedEvent[]): string[] {
  return events.flatMap((event) => (event.type === "instance.restarting" ? [`${event.host} ${event.instance}`] : []));
}

/** Short waits for tests: the shape of the plan's own, in less time. */
export const quickTimings = {
  between_checks: "500ms",
  between_restarts: "0s",
  min_healthy_time: "300ms",
  stop_deadline: "1m",
  healthy_deadline: "1m",
  command_timeout: "10s",
};

/** Something that a rollout waits for until a test lets it go on. */
export class Gate {
  private readonly file: string;

  /** @param dir a folder that all hosts see */
  constructor(dir: string, name = "go-on") {
    this.file = join(dir, name);
  }

  /** A plan's checks, of which none passes before `open`: nothing is healthy until then, and nothing further begins. */
  get checks() {
    return [{ command: `test -e ${this.file}` }];
  }

  /** A shell command that ends with `open`, and not before. */
  get waiting(): string {
    return `while [ ! -e ${this.file} ]; do sleep 0.1; done`;
  }

  open(): Promise<void> {
    return writeFile(this.file, "");
  }
}

/** Writes a plan for the whole fleet into the fleet's own folder and returns its path. Other keys win over the defaults. */
export async function writePlan(fleet: Fleet, keys: Record<string, unknown> = {}, name = "plan"): Promise<string> {
  const file = join(fleet.dir, `${name}.yaml`);
  const plan = {
    version: 1,
    programs: "web",
    hosts: fleet.planHosts(),
    ssh: fleet.planSsh(),
    timings: quickTimings,
    lock: { directory: fleet.dir },
    ...keys,
  };
  await writeFile(file, stringify(plan));
  return file;
}

/** A folder that is gone after `use`. */
export async function inFolder<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "orchestrate-test-"));
  try {
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
