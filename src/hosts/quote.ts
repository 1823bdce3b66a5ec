import type { Argv } from "../executor/ports.ts";

/** What no POSIX shell gives a meaning to, wherever it stands in a word. `~` and `=` have one at some places. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/;

/**
 * Writes a program and its arguments as one line that a POSIX shell reads back as exactly these words.
 * Plain words stay bare, so that logs stay readable: `supervisorctl restart 'web:*'`.
 *
 * @throws TypeError for a NUL character: no process can be given one
 */
export function quoteArgv(argv: Argv): string {
  return argv.map(quoteWord).join(" ");
}

function quoteWord(word: string): string {
  if (word.includes("\0")) throw new TypeError(`a NUL character in an argument: ${JSON.stringify(word)}`);
  if (PLAIN.test(word)) return word;
  // Within single quotes only the single quote itself means something: step outside for it.
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
