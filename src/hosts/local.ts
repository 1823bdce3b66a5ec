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
import { outputOf, OutputTail, STDERR_BYTES } from "./connection/output-tail.ts";
import { boundedArgv, orTimedOut } from "./connection/time-bound.ts";

/** The machine we run on, as a host: no ssh, no shell. */
export function openLocal(host: HostName): HostAccess {
  const open: Open = new Set();
  return {
    host,
    connect: (): Promise<ConnectOutcome> => Promise.resolve({ kind: "connected" }),
    run: (argv, bounds) => run(argv, open, bounds),
    spawn: (argv) => start(argv, open),
    dial: (to) => dial(to, open),
    close() {
      for (const giveUp of open) giveUp();
      return Promise.resolve();
    },
  };
}

/**
 * How to give up each operation in progress, also for those who wait for it. As on any host, a command continues
 * by itself then, and we may end before it.
 */
type Open = Set<() => void>;

const GIVEN_UP = "the connection was closed by us";

function dial(to: DialTarget, open: Open): Promise<DialOutcome> {
  return new Promise((resolve) => {
    const stream = connect("socket" in to ? { path: to.socket } : { host: to.address, port: to.port, noDelay: true });
    const giveUp = () => stream.destroy();
    open.add(giveUp);
    stream.once("close", () => {
      open.delete(giveUp);
      resolve({ kind: "failed", reason: GIVEN_UP });
    });
    stream.once("connect", () => resolve({ kind: "open", stream }));
    stream.once("error", (error) => resolve({ kind: "failed", reason: error.message }));
  });
}

/**
 * Starts a child; undefined if it could not be started. Some failures are thrown, others are emitted later, and for want
 * of file descriptors there is a child without streams.
 */
function startChild([program, ...args]: Argv, failed: (error: NodeJS.ErrnoException) => void) {
  try {
    // A process group of its own: a Ctrl-C at our terminal must not reach a restart that is half done.
    const child: ChildProcess = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
    child.once("error", failed);
    return child.stdout ? (child as ChildProcessWithoutNullStreams) : undefined;
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    // Any other error is a bug of the caller.
    if (failure.syscall === undefined) throw error;
    failed(failure);
    return undefined;
  }
}

/** It no longer keeps our process from ending. */
function unrefAll(child: ChildProcessWithoutNullStreams): void {
  for (const handle of [child, child.stdin, child.stdout, child.stderr])
    // eslint-disable-next-line no-restricted-syntax -- nothing awaits what was given up
    if (handle === child || handle instanceof Socket) handle.unref();
}

function start(argv: Argv, open: Open): Promise<SpawnOutcome> {
  return new Promise((resolve) => {
    const failed = ({ message }: Error) =>
      resolve({ kind: "failed", reason: `${argv[0]} could not be started here: ${message}` });
    const child = startChild(argv, failed);
    if (!child) return;
    const stderr = new OutputTail(STDERR_BYTES);
    child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
    child.once("spawn", () => {
      const stream = new StandardStreams(child);
      // The stream hands on what the child has printed some moments after the child is gone.
      const read = new Promise<void>((done) => stream.once("end", done).once("close", done));
      const closed = new Promise<void>((close) => {
        // Only now: something else may await its end, and must keep our process alive until then.
        const giveUp = () => {
          stream.destroy();
          unrefAll(child);
          close();
        };
        open.add(giveUp);
        child.once("close", () => {
          open.delete(giveUp);
          void read.then(close);
        });
      });
      resolve({ kind: "spawned", process: { stream, closed, stderr: () => stderr.text() } });
    });
  });
}

/**
 * The stdin and stdout of a process as one stream. Anything written to an ended process is lost, as over ssh: an error
 * would take with it what it has printed and nobody has read yet.
 */
class StandardStreams extends Duplex {
  private readonly child: ChildProcessWithoutNullStreams;

  constructor(child: ChildProcessWithoutNullStreams) {
    super();
    this.child = child;
    child.stdin.on("error", () => undefined);
    child.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stdout.once("end", () => this.push(null));
  }

  override _read(): void {
    this.child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.child.stdin.writable) this.child.stdin.write(chunk, () => callback());
    else callback();
  }

  override _final(callback: () => void): void {
    this.child.stdin.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.child.stdin.destroy();
    this.child.stdout.destroy();
    callback(error);
  }
}

function run(argv: Argv, open: Open, { timeoutMs, stdin = "" }: RunBounds = {}): Promise<RunOutcome> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    // We may be killed before its time is up, and what sudo started only root may kill.
    const bounded = timeoutMs === undefined ? argv : boundedArgv(argv, timeoutMs);
    const child = startChild(bounded, (error) => resolve(notStarted(bounded[0], error)));
    if (!child) return;
    const stdout = new OutputTail();
    const stderr = new OutputTail();
    child.stdout.on("data", (chunk: Buffer) => stdout.add(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
    // It need not read it.
    child.stdin.on("error", () => undefined).end(stdin);

    const onTimeout = (afterMs: number) => {
      killGroup(child);
      // What fled from the group may hold these open for ever.
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ kind: "timed_out", afterMs });
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs, timeoutMs);
    const giveUp = () => {
      clearTimeout(timer);
      unrefAll(child);
      resolve({ kind: "indeterminate", reason: GIVEN_UP });
    };
    open.add(giveUp);
    child.once("close", (code, signal) => {
      open.delete(giveUp);
      clearTimeout(timer);
      const output = outputOf(stdout, stderr);
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
