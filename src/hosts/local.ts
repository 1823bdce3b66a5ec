import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from "node:child_process";
import { connect, Socket } from "node:net";
import { Duplex } from "node:stream";
import type { HostName } from "../domain/ids.ts";
import type {
  Argv,
  ConnectOutcome,
  DialOutcome,
  DialTarget,
  HostAccess,
  RunBounds,
  RunOutcome,
  SpawnOutcome,
} from "../executor/ports.ts";
import { OutputTail, STDERR_BYTES } from "./output-tail.ts";
import { boundedArgv, orTimedOut } from "./time-bound.ts";

/** The machine we run on, as a host: no ssh, no shell. */
export function openLocal(host: HostName): HostAccess {
  const children: Children = new Set();
  const dialled = new Set<Socket>();
  return {
    host,
    connect: (): Promise<ConnectOutcome> => Promise.resolve({ kind: "connected" }),
    run: (argv, bounds) => run(argv, children, bounds),
    spawn: (argv) => start(argv, children),
    dial: (to) => dial(to, dialled),
    close() {
      for (const socket of dialled) socket.destroy();
      // A command that runs goes on, as on any host, and we may end before it.
      for (const child of children) letGo(child);
      return Promise.resolve();
    },
  };
}

/** What runs now. */
type Children = Set<ChildProcessWithoutNullStreams>;

/** It does not keep our process from ending any more. */
function letGo(child: ChildProcessWithoutNullStreams): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
}

function dial(to: DialTarget, dialled: Set<Socket>): Promise<DialOutcome> {
  return new Promise((resolve) => {
    const stream = connect("socket" in to ? { path: to.socket } : { host: to.address, port: to.port, noDelay: true });
    dialled.add(stream);
    stream.once("close", () => dialled.delete(stream));
    stream.once("connect", () => resolve({ kind: "open", stream }));
    stream.once("error", (error) => resolve({ kind: "failed", reason: error.message }));
  });
}

function start([program, ...args]: Argv, children: Children): Promise<SpawnOutcome> {
  return new Promise((resolve) => {
    let child: ChildProcessWithoutNullStreams;
    try {
      // A process group of its own, as in `run`.
      child = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
    } catch (error) {
      const { syscall, message } = error as NodeJS.ErrnoException;
      if (syscall === undefined) throw error;
      return resolve({ kind: "failed", reason: `${program} could not be started here: ${message}` });
    }
    const stderr = new OutputTail(STDERR_BYTES);
    child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
    child.once("error", ({ message }) => resolve({ kind: "failed", reason: `${program}: ${message}` }));
    children.add(child);
    child.once("close", () => children.delete(child));
    child.once("spawn", () => {
      const stream = new StandardStreams(child);
      // One that hangs must not keep us from ending, once nobody listens to it.
      stream.once("close", () => {
        child.stdout.destroy();
        letGo(child);
      });
      // The stream hands on what the child has printed some moments after the child is gone.
      const read = new Promise<void>((done) => stream.once("end", done).once("close", done));
      const closed = new Promise<void>((close) => child.once("close", () => close())).then(() => read);
      resolve({ kind: "spawned", process: { stream, closed, stderr: () => stderr.text() } });
    });
  });
}

/**
 * The stdin and stdout of a process as one stream. What is written to one that has ended is lost, as over ssh: an error
 * would take with it what it has printed and nobody has read yet.
 */
class StandardStreams extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(child: ChildProcessWithoutNullStreams) {
    super();
    this.#child = child;
    child.stdin.on("error", () => undefined);
    child.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stdout.once("end", () => this.push(null));
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.#child.stdin.writable) this.#child.stdin.write(chunk, () => callback());
    else callback();
  }

  override _final(callback: () => void): void {
    this.#child.stdin.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    callback(error);
  }
}

function run(argv: Argv, children: Children, { timeoutMs, stdin = "" }: RunBounds = {}): Promise<RunOutcome> {
  // We may be killed before its time is up, and what sudo started only root may kill.
  const [program, ...args] = timeoutMs === undefined ? argv : boundedArgv(argv, timeoutMs);
  return new Promise((resolve) => {
    const startedAt = performance.now();
    let child: ChildProcessWithoutNullStreams;
    try {
      // A process group of its own: a Ctrl-C at our terminal must not reach a restart that is half done.
      child = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
    } catch (error) {
      // Some failures come as an event, others here. What is no failure of the system is a bug of the caller.
      const failure = error as NodeJS.ErrnoException;
      if (failure.syscall === undefined) throw error;
      return resolve(notStarted(program, failure));
    }
    const stdout = new OutputTail();
    const stderr = new OutputTail();
    child.stdout.on("data", (chunk: Buffer) => stdout.add(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
    // It need not read it.
    child.stdin.on("error", () => undefined).end(stdin);

    children.add(child);
    child.once("close", () => children.delete(child));
    // As long as somebody waits, the child keeps us here.
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs, timeoutMs).unref();
    function onTimeout(afterMs: number): void {
      killGroup(child);
      // What fled from the group may hold these open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ kind: "timed_out", afterMs });
    }
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve(notStarted(program, error));
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      const output = { stdout: stdout.text(), stderr: stderr.text() };
      // One of the two is always there.
      if (signal === null) resolve({ kind: "exited", code: code ?? 0, ...output });
      else resolve(orTimedOut({ kind: "signalled", signal, ...output }, startedAt, timeoutMs));
    });
  });
}

/** As a shell says it, so that a command that is missing looks the same on every host. */
function notStarted(program: string, { code, message }: NodeJS.ErrnoException): RunOutcome {
  const exited = (status: number, why: string): RunOutcome => {
    return { kind: "exited", code: status, stdout: "", stderr: `${program}: ${why}\n` };
  };
  if (code === "ENOENT") return exited(127, "not found");
  if (code === "EACCES") return exited(126, "permission denied");
  return { kind: "unreachable", reason: `${program} could not be started here: ${message}` };
}

/** Kills the command and what it has started. Only ever done to a command that was given a timeout. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It ended in this moment.
  }
}
