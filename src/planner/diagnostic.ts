/** A place in a text file; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The text of that line. */
  readonly sourceLine: string;
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
}

/** At most this much of a line is shown around the caret: a plan may be JSON on one line. */
const SHOWN = 100;

/** Writes a diagnostic for a terminal: the place and the message, the line with a caret, the suggestion. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, path, message, sourceLine, suggestion } = diagnostic;
  const where = [file, line, column].filter((part) => part !== undefined).join(":");
  const lines = [`${where}: ${path === "" ? "" : `${path}: `}${message}`];
  if (line !== undefined && column !== undefined && sourceLine !== undefined) lines.push(...excerpt(line, column, sourceLine));
  if (suggestion !== undefined) lines.push(`  ${suggestion}`);
  return printable(lines.join("\n"));
}

/** All of them by position, each once. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const unique = new Map<string, Diagnostic>();
  for (const diagnostic of diagnostics) {
    const { file, line, column, message } = diagnostic;
    // Not by path: one mistake behind a YAML alias has as many paths as it has users.
    const key = JSON.stringify([file, line, column, message]);
    if (!unique.has(key)) unique.set(key, diagnostic);
  }
  return [...unique.values()].sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
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
  return text
    .replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, "\uFFFD")
    .replace(/(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g, (password) => "*".repeat(password.length));
}
