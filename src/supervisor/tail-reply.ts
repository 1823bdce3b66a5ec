import { addressOf } from "../domain/address.ts";
import type { Log } from "./commands.ts";
import { lastWords } from "./complaints.ts";

/** What a program writes, and what Supervisor keeps of it. */
export const STREAMS = ["stderr", "stdout"] as const;

export type Stream = (typeof STREAMS)[number];

/** What was answered to a wish for the end of a log. */
export type TailReply =
  | { readonly kind: "text"; readonly text: string }
  /** Supervisor keeps none, or none that can be read. @property why in its own words */
  | { readonly kind: "none"; readonly why: string }
  /** There may be one, but it cannot be had this way. @property isLost the host was lost before it could answer */
  | { readonly kind: "unreadable"; readonly why: string; readonly isLost?: true };

/** supervisor/supervisorctl.py, `do_tail`. */
export const TAIL_FAULTS: ReadonlyMap<number, string> = new Map([
  [10, "no such process name"],
  [20, "no log file"],
  [30, "unknown error reading log"],
]);

/** supervisor/supervisorctl.py, `check_encoding`: before the log. */
const ENCODING_WARNING = /^Warning: sys\.stdout\.encoding is set to [^\n]*\n/;

/** Reads what `supervisorctl tail` or `maintail` printed: the text itself, or a complaint and nothing else. */
export function readTail(printed: string, log: Log): TailReply {
  const name = log === "supervisord" ? log : addressOf(log.instance);
  const text = printed.replace(ENCODING_WARNING, "");
  const said = text.trim();
  for (const why of TAIL_FAULTS.values()) if (said === `${name}: ERROR (${why})`) return { kind: "none", why };
  // A log of this one line is read again from its file.
  if (/^error: <class .*: file: .* line: \d+$/.test(said)) return { kind: "unreadable", why: whyUnreadable(said) };
  if (/^(?:Server requires authentication|\S+ (?:refused connection|no such file))$/.test(said))
    return { kind: "unreadable", why: said };
  // It ends what it prints with a line's end of its own.
  return { kind: "text", text: text.replace(/\r?\n$/, "") };
}

/** Whether `supervisorctl tail` met with a supervisord that cannot decode what it has cut off. */
export function isCutCharacter(printed: string): boolean {
  return /^error: .*ProtocolError.* 500 /m.test(printed);
}

function whyUnreadable(error: string): string {
  if (error.includes("ExpatError"))
    return "supervisorctl cannot print it: it holds colours or other control characters, which can only be read over XML-RPC (supervisor.server_url) or from the file";
  if (error.includes("UnicodeEncodeError"))
    return "supervisorctl cannot print it: it is not ASCII, and the login has no UTF-8 locale (LANG, PYTHONIOENCODING)";
  return lastWords(error);
}
