import { createHash } from "node:crypto";
import type { InstanceConfig } from "../domain/fleet.ts";
import type { LogTail } from "../domain/outcomes.ts";
import { printable } from "../domain/printable.ts";
import { LOG_TAIL_BYTES } from "./commands.ts";
import type { LogOnDisk } from "./log-files.ts";
import { STREAMS, type Stream, type TailReply } from "./tail-reply.ts";

/** One of the two logs of an instance, as far as it is known. */
export interface KnownLog {
  readonly reply: TailReply;
  /** True: nothing was written to it since the restart. */
  readonly isOlder: boolean;
}

const SHORTEST_TAIL_BYTES = Math.min(...LOG_TAIL_BYTES);

/** Where a write ends up with supervisord itself. */
const OWN_OUTPUT = /^\/(?:dev\/(?:stdout|stderr|fd\/[12])|proc\/self\/fd\/[12])$/;

/** What the ends of the two logs were before the restart, where that is known. */
export type NotedLogs = Readonly<Record<Stream, string | undefined>>;

/** Distinguishes two ends of a log; undefined if there is none. */
export function digestOf(reply: TailReply): string | undefined {
  return reply.kind === "text" ? createHash("sha1").update(reply.text).digest("base64") : undefined;
}

/**
 * Whether all that is in a log was there before the restart; undefined if its file does not show it.
 * @param msSinceRestart as of after the file was looked at
 */
export function isFileOlder(onDisk: LogOnDisk | undefined, msSinceRestart: number | undefined): boolean | undefined {
  if (onDisk?.kind !== "file" || onDisk.ageS === undefined || msSinceRestart === undefined) return undefined;
  return onDisk.ageS > msSinceRestart / 1000 + (onDisk.isExact ? 0 : 1);
}

/** Whether an end of a log is the one from before the restart. */
export function isAsNoted(reply: TailReply, noted: string | undefined): boolean {
  if (reply.kind !== "text" || noted === undefined || digestOf(reply) !== noted) return false;
  // Of a longer log this is a part: where the same comes again and again, once more of it makes no other end.
  return Buffer.byteLength(reply.text) < SHORTEST_TAIL_BYTES || !isPeriodic(reply.text);
}

/** Whether a text is nothing but repetitions, of which the first may be cut off. */
function isPeriodic(text: string): boolean {
  // How far the text, up to each place, ends as it begins.
  const overlaps = new Array<number>(text.length).fill(0);
  for (let place = 1, overlap = 0; place < text.length; place++) {
    while (overlap > 0 && text[place] !== text[overlap]) overlap = overlaps[overlap - 1] ?? 0;
    if (text[place] === text[overlap]) overlap += 1;
    overlaps[place] = overlap;
  }
  return (overlaps.at(-1) ?? 0) * 2 >= text.length && text.length > 0;
}

/**
 * The log that explains why an instance has failed: stderr's, where that has anything from after the restart, with
 * stdout's where that has, too; else stdout's. What was written before the restart is never shown as its cause.
 */
export function logTailOf(
  logs: Readonly<Record<Stream, KnownLog>>,
  config: InstanceConfig | undefined,
  onDisk: ReadonlyMap<Stream, LogOnDisk>,
): LogTail {
  const stderr = textOf(logs.stderr);
  const stdout = textOf(logs.stdout);
  if (stderr !== undefined) return { text: stderr, log: "stderr", ...(stdout !== undefined && { stdout }) };
  if (stdout !== undefined) return { text: stdout, log: "stdout" };
  const why = STREAMS.map(
    (stream) => whereItGoes(stream, config, onDisk.get(stream)) ?? whyNothing(stream, logs[stream]),
  );
  return { text: `(${[...new Set(why)].join("; ")})` };
}

/** Whether nothing of it can be read, and supervisord is better not asked to try. */
export function whereItGoes(
  stream: Stream,
  config: InstanceConfig | undefined,
  onDisk: LogOnDisk | undefined,
): string | undefined {
  if (stream === "stderr" && config?.redirect_stderr === true) return "its stderr goes to its stdout (redirect_stderr)";
  if (onDisk?.kind === "no_file") return `its ${stream} log ${printable(onDisk.path)} is not a file`;
  const place = config?.[`${stream}_logfile`] ?? "";
  if (/^(?:none|off)$/i.test(place)) return `its ${stream} is not kept (${stream}_logfile=${place})`;
  if (/^syslog$/i.test(place)) return `its ${stream} goes to the host's syslog`;
  if (OWN_OUTPUT.test(place))
    return `its ${stream} goes to ${place}, which is supervisord's own output: in a container, the container's log`;
  return undefined;
}

function textOf({ reply, isOlder }: KnownLog): string | undefined {
  if (reply.kind !== "text" || isOlder) return undefined;
  const text = reply.text.trimEnd();
  return text.trim() === "" ? undefined : text;
}

function whyNothing(stream: Stream, { reply, isOlder }: KnownLog): string {
  if (isOlder) return `nothing was written to its ${stream} log since its restart`;
  switch (reply.kind) {
    case "text":
      return `its ${stream} log is empty`;
    case "none":
      return whyNone(stream, reply.why);
    case "unreadable":
      return `its ${stream} log could not be read: ${reply.why}`;
  }
}

function whyNone(stream: Stream, why: string): string {
  if (why === "no log file") return `Supervisor keeps no ${stream} log of it`;
  if (why === "no such process name") return "Supervisor no longer lists it";
  // So it says of /dev/stdout where that is a pipe.
  return `its ${stream} log cannot be read ("${why}"): it may go to supervisord's own output, in a container the container's log`;
}
