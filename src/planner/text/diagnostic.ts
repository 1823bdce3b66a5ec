import { printableInPlace } from "../../domain/printable.ts";

/** A place in a text file; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The text of that line. */
  readonly sourceLine: string;
}

/** Names a line to somebody who is told of a place: with its file where that is another one. */
export function lineSeenFrom(place: Place, { file, line }: Place): string {
  return file === place.file ? `line ${line}` : `line ${line} of ${file}`;
}

/** One thing that is wrong with a plan, and where. */
export interface Diagnostic {
  /** As the user gave it. */
  readonly file: string;
  /** Left out when the whole file is meant: it is missing, or empty. */
  readonly line?: number;
  readonly column?: number;
  readonly sourceLine?: string;
  /** The key that is meant, such as `batches.hosts`; empty for the plan itself. */
  readonly path: string;
  /** Goes on from the path: `must be a whole number`. */
  readonly message: string;
  /** A sentence of its own that helps: `did you mean "hosts"?` */
  readonly suggestion?: string;
  /** `warning` for what may be meant as it is; left out for an error. */
  readonly severity?: "warning";
}

/** At most this much of a line is shown around the caret: a plan may be JSON on one line. */
const SHOWN = 100;

/** Writes a diagnostic for a terminal: the place and the message, the line with a caret, the suggestion. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, path, message, sourceLine, suggestion, severity } = diagnostic;
  const where = [file, line, column].filter((part) => part !== undefined).join(":");
  const lines = [`${where}: ${severity ? `${severity}: ` : ""}${path === "" ? "" : `${path}: `}${message}`];
  if (line !== undefined && column !== undefined && sourceLine !== undefined)
    lines.push(...excerpt(line, column, sourceLine));
  if (suggestion !== undefined) lines.push(`  ${suggestion}`);
  return printable(lines.join("\n"));
}

/** A diagnostic for programs: every key is always there. */
export interface DiagnosticJson {
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly path: string;
  readonly message: string;
  readonly suggestion: string | null;
  readonly severity: "error" | "warning";
}

/** A diagnostic as `validate --output json` gives it. */
export function diagnosticToJson(diagnostic: Diagnostic): DiagnosticJson {
  const { file, line, column, path, message, suggestion, severity = "error" } = diagnostic;
  return {
    file,
    line: line ?? null,
    column: column ?? null,
    path: printable(path),
    message: printable(message),
    suggestion: suggestion === undefined ? null : printable(suggestion),
    severity,
  };
}

/** All of them by position, each once; those of the plan's own file before those of the files that it extends. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[], ownFile?: string): Diagnostic[] {
  const unique = new Map<string, Diagnostic>();
  for (const diagnostic of diagnostics) {
    const { file, line, column, message } = diagnostic;
    // Not by path: one mistake behind a YAML alias has as many paths as it has users.
    const key = JSON.stringify([file, line, column, message]);
    if (!unique.has(key)) unique.set(key, diagnostic);
  }
  const byFile = (a: string, b: string) =>
    Number(b === ownFile) - Number(a === ownFile) || (a < b ? -1 : a > b ? 1 : 0);
  return [...unique.values()].sort(
    (a, b) => byFile(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

function excerpt(line: number, column: number, sourceLine: string): string[] {
  const start = sourceLine.length > SHOWN ? Math.max(0, column - 1 - SHOWN / 2) : 0;
  const end = Math.min(sourceLine.length, start + SHOWN);
  const text = `${start > 0 ? "…" : ""}${sourceLine.slice(start, end)}${end < sourceLine.length ? "…" : ""}`;
  const before = `${start > 0 ? " " : ""}${sourceLine.slice(start, column - 1)}`;
  const number = String(line);
  const margin = " ".repeat(number.length);
  // Tabs stay tabs, so that the caret stands under its character at any tab width.
  return [`  ${number} | ${text}`, `  ${margin} | ${before.replace(/[^\t]/gu, " ")}^`];
}

/** Keeps a plan's control characters from the terminal, and a password in a URL (itself an error) from the log. */
function printable(text: string): string {
  return printableInPlace(text).replace(/(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g, (password) =>
    "*".repeat(password.length),
  );
}
