/** Enough to know a process by. */
const LONGEST = 160;

const SECRET_WORD = "(?:passw(?:or)?d|passphrase|secret|token|api[-_]?key|credential)";

/** Where a command line may hold a secret: everything up to it, and then the secret. */
const SECRETS: readonly RegExp[] = [
  // --db-password hunter2, --token=abc
  new RegExp(`(\\s-{1,2}[\\w-]*${SECRET_WORD}[\\w-]*[= ])\\S+`, "gi"),
  // PASSWORD=hunter2
  new RegExp(`(\\b\\w*${SECRET_WORD}\\w*=)\\S+`, "gi"),
  // redis://user:hunter2@host
  /(:\/\/[^\s:/@]*:)[^\s@]+(?=@)/g,
];

/**
 * A command line for people, and for records that are kept: at a readable length, and without what looks like a secret.
 * On its host all users can see it, but a journal goes further.
 */
export function shownCommand(commandLine: string): string {
  const safe = SECRETS.reduce((text, secret) => text.replace(secret, "$1***"), commandLine.trim());
  return safe.length <= LONGEST ? safe : `${safe.slice(0, LONGEST - 1)}…`;
}
