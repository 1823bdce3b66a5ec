import type { TerminalOutput } from "./terminal-output.ts";

const ERASE_LINE = "\u001b[2K";
const ERASE_BELOW = "\u001b[J";

/** Goes up so many lines, to their start. */
function up(lines: number): string {
  return lines === 0 ? "" : `\u001b[${lines}A`;
}

/**
 * Draws frames one over the other, below what was there before, and writes only the lines that have changed.
 * log-update, which listr2 would use, measures every character of every frame: that took ten times what the rollout itself takes.
 */
export class FrameWriter {
  private readonly output: TerminalOutput;
  private lines: readonly string[] = [];
  private columns: number;
  private rows: number;

  constructor(output: TerminalOutput) {
    this.output = output;
    this.columns = output.columns;
    this.rows = output.rows;
  }

  /** @param linesWrapped how many lines more than it has the last frame takes, since the terminal became narrower */
  show(frame: string, linesWrapped: number): void {
    const lines = frame.split("\n");
    const { columns, rows } = this.output;
    if (columns !== this.columns || rows !== this.rows || linesWrapped > 0) this.clear(linesWrapped);
    const changes = lines.map((line, index) => (line === this.lines[index] ? "\n" : `${ERASE_LINE}${line}\n`)).join("");
    const isSame = lines.length === this.lines.length && !changes.includes(ERASE_LINE);
    const below = lines.length < this.lines.length ? ERASE_BELOW : "";
    if (!isSame) this.output.toStdout(`${up(this.lines.length)}${changes}${below}`, false);
    this.lines = lines;
    this.columns = columns;
    this.rows = rows;
  }

  /** Takes the last frame away. */
  clear(linesWrapped: number): void {
    // Line by line: some terminals, tmux among them, put a screen that is cleared at once into their history.
    const erased = `${up(1)}${ERASE_LINE}`.repeat(this.lines.length + linesWrapped);
    if (this.lines.length > 0) this.output.toStdout(`${erased}\r`, false);
    this.lines = [];
  }
}
