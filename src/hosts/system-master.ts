import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OutputTail } from "./output-tail.ts";
import { READY } from "./system-arguments.ts";

/**
 * Ends ssh when its own stdin ends, which it does even when we are killed; then ends what ssh left (a proxy) and removes
 * the folder. ssh alone keeps our stdout, so that its end is the end of that.
 */
const GUARD = `
folder=$1; shift
"$@" </dev/null &
ssh=$!
exec >/dev/null 2>&1
trap : TERM
read -r _
kill "$ssh"
wait "$ssh"
rm -rf -- "$folder"
kill 0
`.trim();

/** How long ssh may take to say goodbye, before it is killed. */
const GOODBYE_MS = 3_000;
/** How much of what ssh says is kept: more than its longest warning. */
const SAID_BYTES = 8 * 1024;
/** 104 bytes are the least that systems allow; ssh appends 17 characters for a moment. */
const LONGEST_FOLDER = 80;

/** An ssh program that holds a connection, with a folder of its own for its control socket. */
export class SystemMaster {
  readonly #guard: ChildProcess;
  readonly #folder: string;
  readonly #said = new OutputTail(SAID_BYTES);
  readonly #closed: Promise<unknown>;
  #isEnding = false;

  /** @param argumentsFor of ssh, for the path of its control socket */
  static async start(argumentsFor: (controlSocket: string) => string[]): Promise<SystemMaster> {
    const folder = await mkdtemp(join(tmpdir().length < LONGEST_FOLDER ? tmpdir() : "/tmp", "orchestrate-"));
    return new SystemMaster(folder, argumentsFor(join(folder, "s")));
  }

  private constructor(folder: string, args: readonly string[]) {
    this.#folder = folder;
    // A session of its own: no terminal for prompts, and no Ctrl-C from one.
    this.#guard = spawn("sh", ["-c", GUARD, "sh", folder, "ssh", ...args], {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, SSH_ASKPASS_REQUIRE: "never", DISPLAY: "" },
    });
    this.#guard.stderr?.on("data", (chunk: Buffer) => this.#said.add(chunk));
    this.#guard.stdin?.on("error", () => undefined);
    this.#closed = new Promise((resolve) => {
      this.#guard.once("close", resolve);
      this.#guard.once("error", (error) => {
        this.#said.add(Buffer.from(error.message));
        resolve(undefined);
      });
    });
  }

  get controlSocket(): string {
    return join(this.#folder, "s");
  }

  /** Resolves once it is connected, or has ended before that. */
  ready(): Promise<"ready" | "ended"> {
    return new Promise((resolve) => {
      let printed = "";
      this.#guard.stdout?.on("data", (chunk: Buffer) => {
        printed += chunk.toString("latin1");
        if (printed.includes(READY)) resolve("ready");
      });
      this.#guard.stdout?.once("close", () => resolve("ended"));
      this.#guard.once("error", () => resolve("ended"));
    });
  }

  /** Ends it, unless it has ended. @returns what it has said on stderr, once nothing is left of it */
  async end(): Promise<string> {
    if (!this.#isEnding) {
      this.#isEnding = true;
      this.#guard.stdin?.end();
      const kill = setTimeout(() => this.#kill(), GOODBYE_MS);
      void this.#closed.then(() => clearTimeout(kill));
    }
    await this.#closed;
    // Its guard does so as well; but it may have been killed, or never have been started.
    await rm(this.#folder, { recursive: true, force: true });
    return this.#said.text();
  }

  #kill(): void {
    const { pid, exitCode, signalCode } = this.#guard;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It ended in this moment.
    }
  }
}
