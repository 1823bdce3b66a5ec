import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OutputTail } from "../connection/output-tail.ts";
import { localAccount } from "../ssh-config/ssh-config.ts";
import { READY } from "./system-arguments.ts";

/**
 * Ends ssh when its own stdin ends, which it does even when we are killed; then ends what ssh left (a proxy) and removes
 * the folder. ssh alone keeps our stdout, so that its end is the end of that. A goodbye may take some seconds; who waits
 * for them ends by KILL, since a shell that was forked in this moment may still have our trap. Whatever of this is still
 * about to end holds our stderr, so that nothing is left once that has ended too.
 */
const GUARD = `
folder=$1; shift
"$@" </dev/null &
ssh=$!
exec 3>&2 >/dev/null 2>&1
trap : TERM
read -r _
kill "$ssh"
{ sleep 3; kill -KILL "$ssh"; } &
patience=$!
wait "$ssh"
rm -rf -- "$folder"
kill -KILL "$patience"
kill 0
wait
`.trim();

/** How long a process that outlives its ssh may keep us from the last of what was said. */
const LAST_WORDS_MS = 500;
/** How much of what ssh says is kept: more than its longest warning. */
const SAID_BYTES = 8 * 1024;
/** Socket paths have 104 bytes on some systems; of these our own names take 21, and ssh appends 17 for a moment. */
const LONGEST_TMPDIR_BYTES = 65;

/** An ssh program that holds a connection, with a folder of its own for its control socket. */
export class SystemMaster {
  private readonly guard: ChildProcessWithoutNullStreams;
  private readonly folder: string;
  private readonly ended: Promise<void>;
  private said = new OutputTail(SAID_BYTES);
  private firstWords = "";

  /**
   * @param argumentsFor of ssh, for the path of its control socket
   * @throws Error when nothing could be started here, as for want of file descriptors
   */
  static async start(argumentsFor: (controlSocket: string) => string[]): Promise<SystemMaster> {
    const parent = Buffer.byteLength(tmpdir()) > LONGEST_TMPDIR_BYTES ? "/tmp" : tmpdir();
    const folder = await mkdtemp(join(parent, "orchestrate-"));
    try {
      return new SystemMaster(folder, await startGuard([folder, "ssh", ...argumentsFor(join(folder, "s"))]));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(folder: string, guard: ChildProcessWithoutNullStreams) {
    this.folder = folder;
    this.guard = guard;
    this.guard.stderr.on("data", (chunk: Buffer) => {
      this.said.add(chunk);
      this.firstWords = (this.firstWords + chunk.toString("utf8")).slice(0, SAID_BYTES);
    });
    this.guard.stdin.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.guard.once("close", resolve);
      this.guard.once("exit", () => {
        const timer = setTimeout(() => this.guard.stderr.destroy(), LAST_WORDS_MS);
        this.guard.once("close", () => clearTimeout(timer));
      });
    });
  }

  get controlSocket(): string {
    return join(this.folder, "s");
  }

  /** The first that ssh has said on stderr: what it thinks of the host's key comes before anything that is the host's. */
  get greeting(): string {
    return this.firstWords;
  }

  /** Resolves once it is connected, or has ended before that. */
  ready(): Promise<"ready" | "ended"> {
    return new Promise((resolve) => {
      let printed = "";
      this.guard.stdout.on("data", (chunk: Buffer) => {
        printed += chunk.toString("latin1");
        if (!printed.includes(READY)) return;
        // What it said until now, such as the host's banner, says nothing about a loss.
        this.said = new OutputTail(SAID_BYTES);
        resolve("ready");
      });
      this.guard.stdout.once("close", () => resolve("ended"));
    });
  }

  /** Ends it, unless it has ended. @returns what it has said on stderr, once nothing is left of it */
  async end(): Promise<string> {
    this.guard.stdin.end();
    await this.ended;
    // Its guard does so as well; but that may have been killed.
    await rm(this.folder, { recursive: true, force: true });
    return this.said.text();
  }
}

/** Resolves once it runs. For want of file descriptors there is a child without streams, and the reason comes later. */
async function startGuard(args: readonly string[]): Promise<ChildProcessWithoutNullStreams> {
  // A session of its own: no terminal for prompts, and no Ctrl-C from one. Nor a window: older ones ask by that.
  const guard = spawn("sh", ["-c", GUARD, "sh", ...args], {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...shell(), SSH_ASKPASS_REQUIRE: "never", DISPLAY: undefined },
  });
  await once(guard, "spawn");
  return guard;
}

/** ssh runs local commands by our own shell, and a service's account often has one that runs nothing. */
function shell(): { readonly SHELL?: string } {
  const own = process.env["SHELL"] ?? localAccount()?.shell ?? "";
  return /\/(nologin|false)$/.test(own) ? { SHELL: "/bin/sh" } : {};
}
