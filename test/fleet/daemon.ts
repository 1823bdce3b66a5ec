import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { processEntry, signal } from "./process-table.ts";
import { until, type UntilOptions } from "./until.ts";

export interface DaemonCommand {
  /** For messages: `host-1's sshd`. */
  readonly name: string;
  /** An absolute path, and its arguments. The program must stay in the foreground. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Gets its stdout and stderr. */
  readonly outputFile: string;
}

const setpriv = "/usr/bin/setpriv";

/** A program in the foreground, as our own child: its pid is certain for as long as it is alive. */
export class Daemon {
  private readonly command: DaemonCommand;
  private child: ChildProcess | undefined;

  constructor(command: DaemonCommand) {
    this.command = command;
  }

  /** Its pid while it is alive (or frozen), else undefined. */
  get pid(): number | undefined {
    const child = this.child;
    return child?.exitCode === null && child.signalCode === null ? child.pid : undefined;
  }

  /** Starts it and returns at once. Does not hold this process open. */
  start(): void {
    if (this.pid !== undefined) throw new Error(`${this.command.name} is up already`);
    const { command, env, outputFile } = this.command;
    const [program = "", ...args] = [...endsWithItsParent(), ...command];
    const output = openSync(outputFile, "a");
    try {
      // Detached: a Ctrl-C at the terminal must reach the tests only, who then take the fleet down.
      this.child = spawn(program, args, { detached: true, stdio: ["ignore", output, output], env });
      this.child.on("error", () => undefined);
      this.child.unref();
    } finally {
      closeSync(output);
    }
  }

  /**
   * Waits until it serves, by the probe's word.
   *
   * @throws Error with the end of its output as soon as it has ended, or after the deadline
   */
  async ready(probe: () => Promise<boolean>, waiting: Omit<UntilOptions, "what">): Promise<void> {
    try {
      await until(async () => this.pid === undefined || (await probe()), {
        ...waiting,
        what: `${this.command.name} is ready`,
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.outputTail()}`, { cause: error });
    }
    if (this.pid === undefined) {
      throw new Error(`${this.command.name} ended at its start\n${this.outputTail()}`);
    }
  }

  /** Waits until it no longer runs at all: SIGSTOP is not instant. */
  async frozen(): Promise<void> {
    await until(() => processEntry(this.livePid())?.state === "T", {
      deadlineMs: 5_000,
      everyMs: 2,
      what: `${this.command.name} is frozen`,
    });
  }

  /** Waits until it has ended. A supervisord stops its processes first, each for up to its stopwaitsecs: 10 s by default. */
  async ended(deadlineMs = 60_000): Promise<void> {
    await until(() => this.pid === undefined, {
      deadlineMs,
      everyMs: 5,
      what: `${this.command.name} has ended`,
    });
  }

  /** @throws Error when it is not up */
  signal(name: NodeJS.Signals): void {
    signal(this.livePid(), name);
  }

  /** The last lines that it wrote. */
  outputTail(lines = 20): string {
    const text = readFileSync(this.command.outputFile, "utf8");
    return text.trimEnd().split("\n").slice(-lines).join("\n");
  }

  private livePid(): number {
    const { pid } = this;
    if (pid === undefined) throw new Error(`${this.command.name} is not up`);
    return pid;
  }
}

/** Even a SIGKILL of the tests, which runs no exit hook, then ends the daemon. */
function endsWithItsParent(): string[] {
  return existsSync(setpriv) ? [setpriv, "--pdeathsig", "TERM"] : [];
}
