import { stripVTControlCharacters } from "node:util";

/** `stopped`: it started and will not be finished. `note`: a remark without a mark. */
export type RowState = "waiting" | "running" | "done" | "failed" | "stopped" | "note";

/** One line of the tree, with the rows that are indented under it. */
export interface Row {
  /** The same row in the next frame has the same key. Unique among its siblings. */
  readonly key: string;
  readonly state: RowState;
  /** Painted, and free of anything else that a terminal would obey. */
  readonly text: string;
  readonly children?: readonly Row[];
}

/** The lines that rows take. */
export function heightOf(rows: readonly Row[]): number {
  return rows.reduce((sum, { children = [] }) => sum + 1 + heightOf(children), 0);
}

/** Columns for the text of a row at a depth: without its indentation, its mark, and the edge that listr2 keeps free. */
export function textWidth(columns: number, depth: number): number {
  return Math.max(10, columns - 2 * depth - 4);
}

/** How wide a painted text is, taking each character for one column; listr2 cuts what turns out wider. */
export function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

/** A text without paint, cut to a width. */
export function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  return `${Array.from(text)
    .slice(0, Math.max(0, width - 1))
    .join("")}…`;
}

/** A text without paint as lines of at most `width`, broken at blanks; a longer word is broken where the line ends. */
export function brokenLines(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = Array.from(text);
  while (rest.length > width) {
    const blank = rest.lastIndexOf(" ", width);
    const isAtBlank = blank > 0;
    lines.push(rest.slice(0, isAtBlank ? blank : width).join(""));
    rest = rest.slice(isAtBlank ? blank + 1 : width);
  }
  return [...lines, rest.join("")];
}
