import type { EventOf } from "../../domain/events.ts";
import { printable } from "../../domain/printable.ts";

/** The end of one log of a failed instance, as printable lines. @property title absent: why there is nothing to read */
export interface ShownLog {
  readonly title?: string;
  readonly lines: readonly string[];
}

type Logged = Pick<EventOf<"instance.failed">, "log_tail" | "log" | "stdout_tail">;

/** The logs of a failed instance, the one that says most first. */
export function logsOf({ log_tail, log, stdout_tail }: Logged): ShownLog[] {
  const [, why] = log === undefined ? (/^\((.*)\)$/s.exec(log_tail) ?? []) : [];
  // Version 0.1.0 did not say which log it was: it knew stderr's.
  const first = why === undefined ? ofStream(log ?? "stderr", log_tail) : { lines: printableLines(why) };
  return [first, ...(stdout_tail === undefined ? [] : [ofStream("stdout", stdout_tail)])];
}

function ofStream(stream: "stderr" | "stdout", text: string): ShownLog {
  const lines = printableLines(text);
  return lines.length === 0
    ? { lines: [`its ${stream} log is empty`] }
    : { title: `the end of its ${stream} log`, lines };
}

/** A log's end as printable lines, without the empty ones around it. Tabs indent stack traces, so they stay blanks. */
export function printableLines(text: string): string[] {
  const trimmed = text
    .replaceAll("\t", "    ")
    .replace(/^\s*\n/, "")
    .trimEnd();
  return trimmed === "" ? [] : trimmed.split(/\r?\n/).map(printable);
}
