/** Lines of a log and commands to be copied stay as they are. */
const VERBATIM = /^ *(\||orchestrate )/;

/** A line of prose as lines of at most `columns`, broken at blanks, the further ones indented like the first and a bit more. */
export function wrapped(line: string, columns: number): string[] {
  if (line.length < columns || VERBATIM.test(line)) return [line];
  const indentation = " ".repeat(line.search(/\S|$/) + 2);
  const lines: string[] = [];
  let current = "";
  for (const word of line.trimStart().split(" ")) {
    const start = lines.length === 0 ? indentation.slice(2) : indentation;
    if (current === "") current = start + word;
    else if (current.length + 1 + word.length < columns) current += ` ${word}`;
    else {
      lines.push(current);
      current = indentation + word;
    }
  }
  return [...lines, current];
}
