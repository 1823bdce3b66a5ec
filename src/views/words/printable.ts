import { printable } from "../../domain/printable.ts";

/** A log's end as printable lines, without the empty ones around it. Tabs indent stack traces, so they stay blanks. */
export function printableLines(text: string): string[] {
  const trimmed = text
    .replaceAll("\t", "    ")
    .replace(/^\s*\n/, "")
    .trimEnd();
  return trimmed === "" ? [] : trimmed.split(/\r?\n/).map(printable);
}
