import type { Command } from "commander";
import { printable } from "../../domain/printable.ts";
import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { candidatesFor, type Candidates } from "./candidates.ts";
import type { Described } from "./rollout-ids.ts";
import type { Shell } from "../arguments/arguments.ts";
import { SCRIPTS } from "./scripts.ts";
import { readTypedLine, type TypedLine } from "./typed-line.ts";

/** `orchestrate completion SHELL`: prints what the shell is to read. */
export function printCompletion(shell: Shell): ExitCode {
  process.stdout.write(SCRIPTS[shell]);
  return EXIT.done;
}

/**
 * `orchestrate __complete`, which the scripts call: `bash CURRENT LINE`, or the words up to the one that is typed.
 * It contacts nothing and reports no mistakes: an error would appear in the middle of the line that is being typed.
 */
export function complete([shell, ...given]: readonly string[], program: Command): ExitCode {
  const typed = shell === "bash" ? readTypedLine(given[1] ?? "") : asTyped(given);
  const { words, paths } = candidatesOrNone(program, typed);
  const lines = words.map((word) => (shell === "bash" ? forBash(word, typed, given[0] ?? "") : described(word)));
  if (paths !== undefined) lines.push(`:${paths}`);
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  return EXIT.done;
}

function candidatesOrNone(program: Command, { before, word }: TypedLine): Candidates {
  try {
    return candidatesFor(program, before, word);
  } catch {
    // Such as a state folder that may not be read.
    return { words: [] };
  }
}

function asTyped(words: readonly string[]): TypedLine {
  return { before: words.slice(0, -1), word: words.at(-1) ?? "", quote: "" };
}

function described({ text, says = "" }: Described): string {
  return `${printable(text)}\t${printable(says)}`;
}

/**
 * bash replaces only `current`, the part of the word behind the last `:`, `=` or `@`; and it quotes nothing.
 * Where a quote is open the text stands in it already.
 */
function forBash({ text }: Described, { word, quote }: TypedLine, current: string): string {
  const kept = current.replace(/^['"]/, "").replace(/\\(.)/g, "$1");
  const rest = printable(text).slice(Math.max(0, word.length - kept.length));
  return quote === "" ? rest.replace(/[^\w@%+=:,./~-]/g, "\\$&") : rest;
}
