import { stripVTControlCharacters } from "node:util";
import type * as Listr2 from "listr2";
import { FrameWriter } from "./frame-writer.ts";
import type { TerminalOutput } from "./terminal-output.ts";

/** The least time between two frames. */
const FRAME_MS = 200;

/** Beyond these a character may take two columns, or none. */
const PLAIN = /^[\x20-\u02ff\u2010-\u27bf]*$/;

/** What the view gives to the renderer. */
export interface DrawnFor {
  readonly output: TerminalOutput;
  /** Brings the tasks up to date; called before each frame, so that work is done per frame and not per event. */
  readonly prepare: () => void;
  /** The painted mark before a task's title. */
  readonly markOf: (task: object) => string;
}

/**
 * listr2's default renderer, drawing at most five times a second: it would otherwise lay out the whole tree at each
 * change of each task, which with 200 hosts takes longer than the rollout.
 */
export function coalescingRenderer(listr2: typeof Listr2, { output, prepare, markOf }: DrawnFor) {
  return class CoalescingRenderer extends listr2.DefaultRenderer {
    private frameTimer: NodeJS.Timeout | undefined;
    private drawnAtMs = -Infinity;
    private isDrawing = false;
    private hasEnded = false;
    private frameLines: string[] = [];
    private frameColumns = output.columns;
    private readonly writer = new FrameWriter(output);

    override async render(): Promise<void> {
      await super.render();
      this.update();
    }

    override update(): void {
      // Changes made while a frame is prepared are in that frame already.
      if (this.frameTimer || this.isDrawing || this.hasEnded) return;
      const waitMs = Math.max(0, this.drawnAtMs + FRAME_MS - performance.now());
      this.frameTimer = setTimeout(() => this.draw(), waitMs);
      // eslint-disable-next-line no-restricted-syntax -- the last frame is drawn without it
      this.frameTimer.unref();
    }

    override create(options?: Parameters<InstanceType<typeof listr2.DefaultRenderer>["create"]>[0]): string {
      const frame = super.create(options);
      this.frameLines = frame.split("\n");
      return frame;
    }

    protected override style(task: object): string {
      return markOf(task);
    }

    protected override format(message: string, icon: string, level: number): string[] {
      const line = `${"  ".repeat(level)}${icon === "" ? "" : `${icon} `}${message}`;
      // A terminal that does not know its width: listr2 would cut every row to nothing. And rows are cut to measure
      // already: only characters that take two columns need listr2's look, which is a slow one.
      const text = stripVTControlCharacters(line);
      if (process.stdout.columns === 0 || (PLAIN.test(text) && text.length < output.columns - 1)) return [line];
      return super.format(message, icon, level);
    }

    override end(): void {
      this.hasEnded = true;
      clearTimeout(this.frameTimer);
      this.writer.clear(this.linesWrapped());
      super.end();
    }

    private draw(): void {
      this.frameTimer = undefined;
      this.isDrawing = true;
      this.drawnAtMs = performance.now();
      prepare();
      // listr2 takes its tasks' new states from promises, whose callbacks run before this one.
      setImmediate(() => {
        this.isDrawing = false;
        if (this.hasEnded) return;
        const linesWrapped = this.linesWrapped();
        this.writer.show(this.create(), linesWrapped);
      });
    }

    /** A terminal that became narrower has wrapped the last frame: it takes more lines than it has. */
    private linesWrapped(): number {
      const { columns } = output;
      const isNarrower = columns < this.frameColumns;
      this.frameColumns = columns;
      if (!isNarrower) return 0;
      return this.frameLines.reduce(
        (sum, line) => sum + Math.max(0, Math.ceil(stripVTControlCharacters(line).length / columns) - 1),
        0,
      );
    }
  };
}
