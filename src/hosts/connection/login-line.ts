import { quoteArgv } from "../../domain/shell-quotes.ts";
import type { Argv } from "../../executor/ports.ts";

/** What login shells that are not of POSIX read even in single quotes. */
const READ_IN_QUOTES = /[\\!\n\r]/g;

const READER = 'eval "$(printf %b "$1")"';

/**
 * A command as a line for the login shell of a user, which need not be a POSIX shell: csh ends a quoted word with its
 * line and runs the next line of a script as a command of its own, and looks for a history behind each `!`; fish
 * interprets backslashes in quotes. A command with one of these goes to the host's sh, as printf's %b reads it.
 */
export function loginLine(argv: Argv): string {
  const line = quoteArgv(argv);
  return argv.some((word) => word.search(READ_IN_QUOTES) !== -1)
    ? quoteArgv(["sh", "-c", READER, "sh", `exec ${line}`.replace(READ_IN_QUOTES, octal)])
    : line;
}

function octal(character: string): string {
  return `\\0${character.charCodeAt(0).toString(8).padStart(3, "0")}`;
}
