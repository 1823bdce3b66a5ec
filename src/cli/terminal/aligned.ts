/** Rows as lines, with the cells of each column below each other; the last column has no width. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const columns = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const widths = Array.from({ length: columns - 1 }, (_, column) =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** The narrowest that a column is made. */
const LEAST_WIDTH = 16;

/** Likewise, within so many columns: cells that are too wide are broken at blanks, and continued below. */
export function fitted(rows: readonly (readonly string[])[], columns: number): string[] {
  const count = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const widths = Array.from({ length: count }, (_, column) =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0),
  );
  // The widest gives way first.
  for (let excess = widths.reduce((sum, width) => sum + width + 2, -2) - columns; excess > 0;) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] ?? 0;
    if (width <= LEAST_WIDTH) break;
    const next = Math.max(LEAST_WIDTH, ...widths.filter((other) => other < width));
    const less = Math.min(excess, Math.max(1, width - next));
    widths[widest] = width - less;
    excess -= less;
  }
  return aligned(rows.flatMap((row) => continued(row, widths)));
}

function continued(row: readonly string[], widths: readonly number[]): string[][] {
  const cells = row.map((cell, column) => broken(cell, widths[column] ?? Infinity));
  const height = Math.max(...cells.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) => cells.map((cell) => cell[line] ?? ""));
}

/** A text in lines of at most this width, but for words that are longer. */
function broken(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(" ")) {
    if (current !== "" && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current += current === "" ? word : ` ${word}`;
  }
  return [...lines, current];
}
