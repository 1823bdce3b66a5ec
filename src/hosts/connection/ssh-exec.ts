import type { Duplex, Readable } from "node:stream";
import type { DialOutcome, DialTarget, RunOutcome, SpawnOutcome } from "../../executor/ports.ts";
import type { NoRoom, RunOptions, Seat } from "./connection.ts";
import { OutputBehindMark } from "./output-mark.ts";
import { outputOf, OutputTail, STDERR_BYTES } from "./output-tail.ts";
import { hostBoundMs, orTimedOut } from "./time-bound.ts";

/** A channel in which a command runs. It emits `exit` with a code, or with null and the name of a signal. */
export interface CommandChannel extends Duplex {
  readonly stderr: Readable;
  close(): void;
}

type Opening<Channel> = (error: ChannelError | undefined, channel: Channel) => void;

/** What channels are opened by: ssh2's client, or {@link MuxClient}. */
export interface ChannelSource {
  exec(line: string, opened: Opening<CommandChannel>): unknown;
  forwardOut(fromAddress: string, fromPort: number, address: string, port: number, opened: Opening<Duplex>): unknown;
  openssh_forwardOutStreamLocal(path: string, opened: Opening<Duplex>): unknown;
}

/** Why a channel was not opened; `reason` is the host's number for it (RFC 4254 section 5.1). */
export type ChannelError = Error & { readonly reason?: number | string };

/** What ssh2 says when the connection ended before the host had opened the channel. */
export const CHANNEL_NEVER_OPENED = "No response from server";

/** Why the connection is lost; undefined while it is good. */
export type LostBecause = () => string | undefined;

/** How long after its bound on the host a command may still hold its channel: a host without `timeout` ends nothing. */
const HOST_GRACE_MS = 1_000;

/** Runs one command line in a channel of its own, without a pty. Never rejects. */
export function execute(
  source: ChannelSource,
  line: string,
  { timeoutMs, stdin, mark, seat, lostBecause }: RunOptions & { readonly lostBecause: LostBecause },
): Promise<RunOutcome | NoRoom> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    let channel: CommandChannel | undefined;
    let isOver = false;
    let timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs, timeoutMs);
    const settle = (outcome: RunOutcome | NoRoom) => {
      isOver = true;
      resolve(outcome.kind === "no_room" ? outcome : orTimedOut(outcome, startedAt, timeoutMs));
    };
    function onTimeout(afterMs: number): void {
      settle({ kind: "timed_out", afterMs });
      // On the host it is being ended now; a channel that ends in good order makes room for the next command.
      timer = setTimeout(() => channel?.close(), hostBoundMs(afterMs) - afterMs + HOST_GRACE_MS);
    }
    const onGone = () => {
      clearTimeout(timer);
      seat.left();
    };

    try {
      source.exec(line, (error, opened) => {
        if (error) {
          clearTimeout(timer);
          return settle(notStarted(error, seat, lostBecause));
        }
        channel = opened;
        seat.taken();
        opened.once("close", onGone);
        // The listeners belong here: after an await the first events would be gone.
        listen(opened, { mark, lostBecause }, settle);
        opened.end(stdin);
        // It may have been started in this moment, and nobody waits for it.
        if (isOver) opened.close();
      });
    } catch (error) {
      // ssh2 noticed before we did that the socket has ended.
      onGone();
      settle({ kind: "unreachable", reason: lostBecause() ?? (error as Error).message });
    }
  });
}

/** Starts one command line in a channel of its own, without a pty, and hands the channel over. Never rejects. */
export function start(
  source: ChannelSource,
  line: string,
  { seat, lostBecause }: { readonly seat: Seat; readonly lostBecause: LostBecause },
): Promise<SpawnOutcome | NoRoom> {
  return new Promise((resolve) => {
    try {
      source.exec(line, (error, channel) => {
        if (error) {
          const outcome = notStarted(error, seat, lostBecause);
          return resolve(outcome.kind === "no_room" ? outcome : { kind: "failed", reason: outcome.reason });
        }
        seat.taken();
        const stderr = new OutputTail(STDERR_BYTES);
        channel.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
        channel.on("error", () => undefined);
        const closed = new Promise<void>((close) => channel.once("close", () => close()));
        channel.once("close", () => seat.left());
        resolve({ kind: "spawned", process: { stream: channel, closed, stderr: () => stderr.text() } });
      });
    } catch (error) {
      seat.left();
      resolve({ kind: "failed", reason: lostBecause() ?? (error as Error).message });
    }
  });
}

/** A connection that the host opens for us; a reason why not begins with where it was to lead. Never rejects. */
export async function forward(source: ChannelSource, to: DialTarget, lostBecause: LostBecause): Promise<DialOutcome> {
  const outcome = await openTunnel(source, to, lostBecause);
  if (outcome.kind === "open" || lostBecause() !== undefined) return outcome;
  const where = "socket" in to ? to.socket : `${to.address}:${to.port}`;
  return { ...outcome, reason: `${where}: ${outcome.reason}` };
}

/** The same for who knows where it leads: direct-tcpip, or OpenSSH's direct-streamlocal. */
export function openTunnel(source: ChannelSource, to: DialTarget, lostBecause: LostBecause): Promise<DialOutcome> {
  return new Promise((resolve) => {
    const onOpened: Opening<Duplex> = (error, stream) => {
      if (error) resolve(notForwarded(error, lostBecause));
      else resolve({ kind: "open", stream });
    };
    try {
      if ("socket" in to) source.openssh_forwardOutStreamLocal(to.socket, onOpened);
      else source.forwardOut("127.0.0.1", 0, to.address, to.port, onOpened);
    } catch (error) {
      resolve({ kind: "failed", reason: lostBecause() ?? (error as Error).message });
    }
  });
}

/** The host's number for what it does not permit (RFC 4254 section 5.1); some servers say it in words. */
const PROHIBITED: readonly unknown[] = [1, "ADMINISTRATIVELY_PROHIBITED"];

function notForwarded(error: ChannelError, lostBecause: LostBecause): Extract<DialOutcome, { kind: "failed" }> {
  const lost = lostBecause();
  if (lost !== undefined) return { kind: "failed", reason: lost };
  if (!PROHIBITED.includes(error.reason)) return { kind: "failed", reason: ownWords(error).toLowerCase() };
  const reason = "sshd there does not permit it (see its AllowTcpForwarding and PermitOpen)";
  return { kind: "failed", reason, forbidden: true };
}

/** What the host said of a channel that it did not open, without what ssh2 puts before it. */
function ownWords({ message }: ChannelError): string {
  return message.replace(/^\(SSH\) Channel open failure: /, "");
}

type NotStarted = Extract<RunOutcome, { kind: "unreachable" | "indeterminate" }> | NoRoom;

/**
 * Whether the command may have been sent is all that matters. It is sent once the channel is open;
 * an error that is not known to come before that counts as having come after it.
 */
function notStarted(error: ChannelError, seat: Seat, lostBecause: LostBecause): NotStarted {
  if (error.reason !== undefined) {
    seat.refused();
    const hint = "the host refused another channel (see sshd's MaxSessions)";
    return { kind: "no_room", reason: `${hint}: ${ownWords(error)}` };
  }
  seat.left();
  if (error.message === CHANNEL_NEVER_OPENED) return { kind: "unreachable", reason: lostBecause() ?? error.message };
  return { kind: "indeterminate", reason: lostBecause() ?? `the host did not confirm the command: ${error.message}` };
}

function listen(
  channel: CommandChannel,
  { mark, lostBecause }: { readonly mark: string; readonly lostBecause: LostBecause },
  settle: (outcome: RunOutcome) => void,
): void {
  const stdout = new OutputBehindMark(mark);
  const stderr = new OutputBehindMark(mark);
  channel.on("data", (chunk: Buffer) => stdout.add(chunk));
  channel.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));

  let open = 2;
  let code: number | null | undefined;
  let signal: string | undefined;
  const onClosed = () => {
    open -= 1;
    if (open > 0) return;
    const output = outputOf(stdout, stderr);
    const lost = lostBecause();
    // An exit status may come before the last output: of a lost connection nothing is known for sure.
    if (lost !== undefined) settle({ kind: "indeterminate", reason: lost });
    else if (typeof code === "number") settle({ kind: "exited", code, ...output });
    else if (signal !== undefined) settle({ kind: "signalled", signal, ...output });
    else settle({ kind: "indeterminate", reason: "the host closed the channel without an exit status" });
  };
  channel.once("exit", (exitCode: number | null, exitSignal?: string) => {
    code = exitCode;
    signal = exitSignal;
  });
  channel.once("close", onClosed);
  channel.stderr.once("close", onClosed);
}
