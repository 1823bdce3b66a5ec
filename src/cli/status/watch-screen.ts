import type { WriteStream } from "node:tty";

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";

/** A screen of its own at a terminal, drawn over again and again; what was there before comes back at its end. */
export class WatchScreen {
  private readonly stream: WriteStream;
  private readonly redraw = () => this.paint();
  private readonly leave = () => void this.stream.write(LEAVE);
  private lines: readonly string[] = [];

  constructor(stream: WriteStream) {
    this.stream = stream;
    stream.write(ENTER);
    stream.on("resize", this.redraw);
    // Also when a bug ends the process.
    process.once("exit", this.leave);
  }

  draw(lines: readonly string[]): void {
    this.lines = lines;
    this.paint();
  }

  close(): void {
    this.stream.off("resize", this.redraw);
    process.off("exit", this.leave);
    this.leave();
  }

  /** Over the old lines and without a wipe first, which would flicker. */
  private paint(): void {
    const lines = fitted(this.lines, this.stream.columns || 80, this.stream.rows || 24);
    this.stream.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`);
  }
}

/** As many lines as there are rows, the first and the last of them in any case, cut to the width. */
export function fitted(lines: readonly string[], columns: number, rows: number): string[] {
  const hidden = lines.length - rows + 1;
  const shown = hidden > 1 ? [...lines.slice(0, rows - 2), `… and ${hidden} more lines`, ...lines.slice(-1)] : lines;
  return shown.map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line));
}
