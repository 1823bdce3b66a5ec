/** The word of a command line that is being typed, and those before it. */
export interface TypedLine {
  /** Without the command itself. */
  readonly before: readonly string[];
  readonly word: string;
  /** The quote that is open in the word. */
  readonly quote: "" | "'" | '"';
}

/**
 * Splits what has been typed as bash would, up to the cursor. bash's own splitting is of no use: it also breaks words
 * at `:`, `=` and `@`, as in `--program mail:out` and `--limit @canary`.
 */
export function readTypedLine(line: string): TypedLine {
  const words: string[] = [];
  let word: string | undefined;
  let quote: TypedLine["quote"] = "";
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? "";
    if (quote === "" && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === quote) {
      quote = "";
    } else if (quote === "" && (character === "'" || character === '"')) {
      quote = character;
      word ??= "";
    } else {
      const isEscaped = character === "\\" && quote !== "'" && at + 1 < line.length;
      if (isEscaped) at += 1;
      word = (word ?? "") + (line[at] ?? "");
    }
  }
  return { before: words.slice(1), word: word ?? "", quote };
}
