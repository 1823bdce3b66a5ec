import type { Refusal } from "../domain/failures.ts";
import { onOneLine } from "../domain/printable.ts";
import type { HostTarget } from "../domain/target.ts";

/** ssh has one exit code for all that goes wrong: its text is all there is to tell the cases apart. */
const CODES: readonly (readonly [RegExp, Refusal["code"]])[] = [
  [/Host key verification failed|host key is known for/, "host_key_unknown"],
  [/Permission denied \(|Too many authentication failures|[Nn]o more authentication methods/, "authentication_failed"],
];

const CHANGED_KEY = /^@ +WARNING: (REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY)/m;

/** Before them there may be a banner of any length. */
const LAST_LINES = 3;

/** Of the page that ssh prints about a changed key, what is not known by heart. */
const OF_A_CHANGED_KEY = /SHA256:|MD5:|Offending|revoked|verification failed/i;

/** What ssh said when it could not connect, with the code that comes nearest. @param why what we know ourselves */
export function refusalBySaid({ name, address }: HostTarget, said: string, why?: string): Refusal {
  const lines = said.split(/[\r\n]+/).filter((line) => line.trim() !== "");
  const isPage = CHANGED_KEY.test(said);
  const telling = isPage ? lines.filter((line) => OF_A_CHANGED_KEY.test(line)) : lines.slice(-LAST_LINES);
  const code = isPage
    ? "host_key_changed"
    : (CODES.find(([pattern]) => telling.some((line) => pattern.test(line)))?.[1] ?? "unreachable");
  const reason = [address, ...(why === undefined ? [] : [why]), onOneLine(telling.join("\n"))].filter(
    (part) => part !== "",
  );
  return { code, host: name, reason: reason.join(": ") };
}
