/** Which quote or comment is open at a place of a POSIX shell's line. `ansi` is `$'…'`, which some shells know. */
export type QuoteState = "bare" | "single" | "double" | "ansi" | "escaped" | "comment";

/** What no POSIX shell gives a meaning to, wherever it stands in a word. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/;

/** Writes a text as one word, or a part of one, that a POSIX shell reads back as it is. */
export function quoteWord(text: string): string {
  return PLAIN.test(text) ? text : `'${escapeFor("single", text)}'`;
}

/**
 * Writes a program and its arguments as one line that a POSIX shell reads back as exactly these words.
 * Plain words stay bare, so that logs stay readable: `supervisorctl restart 'web:*'`.
 *
 * @throws TypeError for a NUL character: no process can be given one
 */
export function quoteArgv(argv: readonly string[]): string {
  for (const word of argv)
    if (word.includes("\0")) throw new TypeError(`a NUL character in an argument: ${JSON.stringify(word)}`);
  return argv.map(quoteWord).join(" ");
}

/** Writes a text for quotes that are open already, so that none of it is read as code. */
export function escapeFor(state: "single" | "double", text: string): string {
  // Within single quotes only the single quote itself means something: step outside for it.
  return state === "single" ? text.replaceAll("'", `'\\''`) : text.replace(/[\\"$`]/g, "\\$&");
}

/** Follows a shell's line and returns which quote or comment is open. It knows no here-documents: a quote in one counts as a quote. */
export class QuoteTracker {
  private open: Exclude<QuoteState, "escaped"> = "bare";
  private escaped = false;
  private before = "\n";

  /** At the end of what was read. */
  get state(): QuoteState {
    return this.escaped ? "escaped" : this.open;
  }

  /** Reads on over a piece of the line. */
  read(text: string): void {
    for (const character of text) {
      if (this.escaped) this.escaped = false;
      else if (character === "\\" && this.open !== "single" && this.open !== "comment") this.escaped = true;
      else this.open = this.after(character);
      this.before = character;
    }
  }

  private after(character: string): Exclude<QuoteState, "escaped"> {
    switch (this.open) {
      case "single":
      case "ansi":
        return character === "'" ? "bare" : this.open;
      case "double":
        return character === '"' ? "bare" : "double";
      case "comment":
        return character === "\n" ? "bare" : "comment";
      case "bare":
        if (character === "'") return this.before === "$" ? "ansi" : "single";
        if (character === '"') return "double";
        return character === "#" && /[\s;&|()]/.test(this.before) ? "comment" : "bare";
    }
  }
}
