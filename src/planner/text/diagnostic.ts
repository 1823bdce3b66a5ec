import { printableInPlace } from "../../domain/printable.ts";
import type { PlanErrorCode } from "./plan-errors.ts";

/** A part of a text file. Lines and columns count from 1, columns in UTF-16 code units; the end is exclusive. */
export interface SourceRange {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** The text of the line in which it starts. */
  readonly sourceLine: string;
}

/** Names the line of one range in a message about another: with its file where that is a different one. */
export function lineSeenFrom(here: SourceRange, { file, line }: SourceRange): string {
  return file === here.file ? `line ${line}` : `line ${line} of ${file}`;
}

/** A fault, without its place. */
export interface Fault {
  readonly code: PlanErrorCode;
  /** Continues the path of the value: `must be a whole number`. */
  readonly message: string;
  /** A sentence of its own that helps: `did you mean "hosts"?` */
  readonly suggestion?: string | undefined;
}

/** One fault of a plan, and its place. */
export interface Diagnostic extends Fault, Partial<Omit<SourceRange, "file">> {
  /** As the user gave it. Without a line the whole file is meant: it is missing, or empty. */
  readonly file: string;
  /** The path of the key, such as `batches.hosts`; empty for the plan itself. */
  readonly path: string;
  /** `warning` for what may be intended; left out for an error. */
  readonly severity?: "warning";
}

/** At most this much of a line is shown around the caret: a plan may be JSON on one line. */
const SHOWN = 100;

/** Writes a diagnostic for a terminal: the place, the message and the code, the line with a caret, the suggestion. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, path, message, code, sourceLine, suggestion, severity } = diagnostic;
  const where = [file, line, column].filter((part) => part !== undefined).join(":");
  const lines = [`${where}: ${severity ? `${severity}: ` : ""}${path === "" ? "" : `${path}: `}${message} [${code}]`];
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
  readonly end_line: number | null;
  readonly end_column: number | null;
  readonly code: PlanErrorCode;
  readonly path: string;
  readonly message: string;
  readonly suggestion: string | null;
  readonly severity: "error" | "warning";
}

/** A diagnostic as `validate --output json` gives it. */
export function diagnosticToJson(diagnostic: Diagnostic): DiagnosticJson {
  const { file, line, column, endLine, endColumn, code, path, message, suggestion, severity = "error" } = diagnostic;
  return {
    file,
    line: line ?? null,
    column: column ?? null,
    end_line: endLine ?? null,
    end_column: endColumn ?? null,
    code,
    path: printable(path),
    message: printable(message),
    suggestion: suggestion === undefined ? null : printable(suggestion),
    severity,
  };
}

/** Sorts by position and drops duplicates; the plan's own file comes before the files that it extends. */
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
