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

type Open = Exclude<QuoteState, "escaped">;

/**
 * Follows a shell's line and returns which quote or comment is open. In `$( )` quotes begin afresh, also within double
 * quotes. It knows no here-documents, no backquotes and no `case` in `$( )`: a quote in one counts as a quote of the line.
 */
export class QuoteTracker {
  private open: Open = "bare";
  private escaped = false;
  private before = "\n";
  /** The substitutions that are open, the innermost last: what was open before it, and the parentheses open within it. */
  private readonly substitutions: { readonly around: Open; parentheses: number }[] = [];

  /** At the end of what was read. */
  get state(): QuoteState {
    return this.escaped ? "escaped" : this.open;
  }

  /** Reads on over a piece of the line. */
  read(text: string): void {
    for (const character of text) {
      if (this.escaped) {
        this.escaped = false;
        this.before = "x"; // a letter: what was escaped gives no meaning to what follows
        continue;
      }
      if (character === "\\" && this.open !== "single" && this.open !== "comment") this.escaped = true;
      else this.open = this.after(character);
      // `$$` is a value: the second one begins no substitution.
      this.before = character === "$" && this.before === "$" ? "x" : character;
    }
  }

  private after(character: string): Open {
    switch (this.open) {
      case "single":
      case "ansi":
        return character === "'" ? "bare" : this.open;
      case "double":
        if (character === "(" && this.before === "$") return this.enter();
        return character === '"' ? "bare" : "double";
      case "comment":
        return character === "\n" ? "bare" : "comment";
      case "bare":
        if (character === "(") return this.before === "$" ? this.enter() : this.count(1);
        if (character === ")") return this.leave();
        if (character === "'") return this.before === "$" ? "ansi" : "single";
        if (character === '"') return "double";
        return character === "#" && /[\s;&|()]/.test(this.before) ? "comment" : "bare";
    }
  }

  private enter(): Open {
    this.substitutions.push({ around: this.open, parentheses: 0 });
    return "bare";
  }

  private count(step: 1 | -1): Open {
    const innermost = this.substitutions.at(-1);
    if (innermost) innermost.parentheses += step;
    return "bare";
  }

  private leave(): Open {
    const innermost = this.substitutions.at(-1);
    if (!innermost || innermost.parentheses > 0) return this.count(-1);
    this.substitutions.pop();
    return innermost.around;
  }
}
