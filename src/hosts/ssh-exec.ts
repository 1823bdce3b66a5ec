import type { Client, ClientChannel } from "ssh2";
import type { RunOutcome, SpawnOutcome } from "../executor/ports.ts";
import { OutputTail } from "./output-tail.ts";

export interface ExecOptions {
  /** From now to the end of the command. It goes on running on the host. */
  readonly timeoutMs?: number | undefined;
  /** Why the connection is lost; undefined while it is good. */
  readonly lostBecause: () => string | undefined;
}

/** What ssh2 says when the connection ended before the host had opened the channel. */
const CHANNEL_NEVER_OPENED = "No response from server";

/** Runs one command line in a channel of its own, without a pty, with an empty stdin. Never rejects. */
export function execute(client: Client, line: string, { timeoutMs, lostBecause }: ExecOptions): Promise<RunOutcome> {
  return new Promise((resolve) => {
    let channel: ClientChannel | undefined;
    let isOver = false;
    const settle = (outcome: RunOutcome) => {
      isOver = true;
      clearTimeout(timer);
      resolve(outcome);
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs, timeoutMs);
    function onTimeout(afterMs: number): void {
      channel?.close();
      settle({ kind: "timed_out", afterMs });
    }

    try {
      client.exec(line, (error: ExecError | undefined, opened) => {
        if (error) return settle(notStarted(error, lostBecause));
        channel = opened;
        // The listeners belong here: after an await the first events would be gone.
        listen(opened, lostBecause, settle);
        if (isOver) opened.close();
      });
    } catch (error) {
      // ssh2 noticed before we did that the socket has ended.
      settle({ kind: "unreachable", reason: lostBecause() ?? (error as Error).message });
    }
  });
}

/** How much of a long-lived command's stderr is kept. */
const STDERR_BYTES = 4096;

/** Starts one command line in a channel of its own, without a pty, and hands the channel over. Never rejects. */
export function start(client: Client, line: string, lostBecause: () => string | undefined): Promise<SpawnOutcome> {
  return new Promise((resolve) => {
    try {
      client.exec(line, (error: ExecError | undefined, channel) => {
        if (error) {
          const outcome = notStarted(error, lostBecause);
          return resolve({ kind: "failed", reason: "reason" in outcome ? outcome.reason : error.message });
        }
        const stderr = new OutputTail(STDERR_BYTES);
        channel.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
        channel.on("error", () => undefined);
        const closed = new Promise<void>((close) => channel.once("close", () => close()));
        resolve({ kind: "spawned", process: { stream: channel, closed, stderr: () => stderr.text() } });
      });
    } catch (error) {
      resolve({ kind: "failed", reason: lostBecause() ?? (error as Error).message });
    }
  });
}

/** An error of ssh2; `reason` is the host's number for not opening a channel (RFC 4254 section 5.1). */
type ExecError = Error & { readonly reason?: number | string };

/**
 * Whether the command may have been sent is all that matters. It is sent once the channel is open;
 * an error that is not known to come before that counts as having come after it.
 */
function notStarted(error: ExecError, lostBecause: () => string | undefined): RunOutcome {
  if (error.reason !== undefined) {
    const hint = "the host opens no further channel (see sshd's MaxSessions)";
    return { kind: "unreachable", reason: `${hint}: ${error.message}` };
  }
  if (error.message === CHANNEL_NEVER_OPENED) return { kind: "unreachable", reason: lostBecause() ?? error.message };
  return { kind: "indeterminate", reason: lostBecause() ?? `the host did not confirm the command: ${error.message}` };
}

function listen(
  channel: ClientChannel,
  lostBecause: () => string | undefined,
  settle: (outcome: RunOutcome) => void,
): void {
  const stdout = new OutputTail();
  const stderr = new OutputTail();
  channel.on("data", (chunk: Buffer) => stdout.add(chunk));
  channel.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
  channel.end();

  let open = 2;
  let code: number | null | undefined;
  let signal: string | undefined;
  const onClosed = () => {
    open -= 1;
    if (open > 0) return;
    const output = { stdout: stdout.text(), stderr: stderr.text() };
    const lost = lostBecause();
    // An exit status may come before the last output: of a lost connection nothing is known for sure.
    if (lost !== undefined) settle({ kind: "indeterminate", reason: lost });
    else if (typeof code === "number") settle({ kind: "exited", code, ...output });
    else if (signal !== undefined) settle({ kind: "signalled", signal, ...output });
    else settle({ kind: "indeterminate", reason: "the host closed the channel without an exit status" });
  };
  channel.once("close", (exitCode?: number | null, exitSignal?: string) => {
    code = exitCode;
    signal = exitSignal;
    onClosed();
  });
  channel.stderr.once("close", onClosed);
}
