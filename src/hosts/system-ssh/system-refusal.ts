import type { Refusal } from "../../domain/failures.ts";
import { onOneLine } from "../../domain/printable.ts";
import type { HostTarget } from "../../domain/target.ts";

/** ssh has one exit code for all errors: only its text distinguishes the cases. */
const CODES: readonly (readonly [RegExp, Refusal["code"]])[] = [
  [/Host key verification failed|host key is known for/, "host_key_unknown"],
  [/Permission denied \(|Too many authentication failures|[Nn]o more authentication methods/, "authentication_failed"],
];

/** The heads of the pages that ssh prints about a key. */
const CHANGED_KEY = /^@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED/m;
const REVOKED_KEY = /^@ +WARNING: REVOKED HOST KEY/m;

/** Before them there may be a banner of any length. */
const LAST_LINES = 3;

/** The lines of such a page that are specific to this key. */
const OF_A_PAGE = /^(?!@).*(SHA256:|MD5:|Offending|revoked|verification failed)/i;

/** What ssh said when it could not connect, with the code that comes nearest. @param why what we know ourselves */
export function refusalBySaid({ name, address }: HostTarget, said: string, why?: string): Refusal {
  const page = pageIn(said);
  const last = linesIn(said).slice(-LAST_LINES);
  const code = page?.code ?? CODES.find(([pattern]) => last.some((line) => pattern.test(line)))?.[1] ?? "unreachable";
  const reason = [address, why ?? "", page?.text ?? onOneLine(last.join("\n"))].filter((part) => part !== "");
  return { code, host: name, reason: reason.join(": ") };
}

/** Whether ssh knows the key that it was shown for a revoked one, even if it let it in. */
export function saysRevoked(said: string): boolean {
  return REVOKED_KEY.test(said);
}

/** What ssh said of a key that it let in although it was new, or another one. */
export function keyWarnings(said: string): readonly string[] {
  const added = linesIn(said).flatMap((line) => /^Warning: (Permanently added .*)/.exec(line)?.[1] ?? []);
  const page = pageIn(said);
  return [
    ...(page ? [`it presented another host key: ${page.text}: it was accepted anyway`] : []),
    ...added.map(onOneLine),
  ];
}

function pageIn(said: string): { readonly code: Refusal["code"]; readonly text: string } | undefined {
  const code = REVOKED_KEY.test(said) ? "host_key_revoked" : CHANGED_KEY.test(said) ? "host_key_changed" : undefined;
  const telling = linesIn(said).filter((line) => OF_A_PAGE.test(line));
  return code && { code, text: onOneLine(telling.join("\n")) };
}

function linesIn(said: string): readonly string[] {
  return said.split(/[\r\n]+/).filter((line) => line.trim() !== "");
}
