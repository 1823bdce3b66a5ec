import { stripVTControlCharacters } from "node:util";
import type * as Listr2 from "listr2";
import type { TerminalOutput } from "./terminal-output.ts";

/** Soonest that a frame follows another. */
const FRAME_MS = 100;

/** Erases the line that the cursor is on and goes to the one above. */
const ERASE_UPWARDS = "\u001b[2K\u001b[1A";

/** What the renderer is told by the view that it draws for. */
export interface DrawnFor {
  readonly output: TerminalOutput;
  /** Brings the tasks up to date; called before each frame, so that work is done per frame and not per event. */
  readonly prepare: () => void;
  /** The painted mark before a task's title. */
  readonly markOf: (task: object) => string;
}

/**
 * listr2's default renderer, drawing at most once in 100 ms: it would otherwise lay out the whole tree at each change
 * of each task, which with 200 hosts takes longer than the rollout.
 */
export function coalescingRenderer(listr2: typeof Listr2, { output, prepare, markOf }: DrawnFor) {
  return class CoalescingRenderer extends listr2.DefaultRenderer {
    #timer: NodeJS.Timeout | undefined;
    #drawnAtMs = -Infinity;
    #drawing = false;
    #ended = false;
    #lines: string[] = [];
    #columns = output.columns;

    override async render(): Promise<void> {
      await super.render();
      this.update();
    }

    override update(): void {
      // What preparing a frame changes is in that frame already.
      if (this.#timer || this.#drawing || this.#ended) return;
      const waitMs = Math.max(0, this.#drawnAtMs + FRAME_MS - performance.now());
      this.#timer = setTimeout(() => this.#draw(), waitMs);
      this.#timer.unref();
    }

    override create(options?: Parameters<InstanceType<typeof listr2.DefaultRenderer>["create"]>[0]): string {
      const frame = super.create(options);
      this.#lines = frame.split("\n");
      return frame;
    }

    protected override style(task: object): string {
      return markOf(task);
    }

    protected override format(message: string, icon: string, level: number): string[] {
      if (process.stdout.columns !== 0) return super.format(message, icon, level);
      // A terminal that does not know its width: listr2 would cut every row to nothing.
      return [`${"  ".repeat(level)}${icon === "" ? "" : `${icon} `}${message}`];
    }

    override end(): void {
      this.#ended = true;
      clearTimeout(this.#timer);
      this.#eraseReflowed();
      super.end();
    }

    #draw(): void {
      this.#timer = undefined;
      this.#drawing = true;
      this.#drawnAtMs = performance.now();
      prepare();
      // listr2 takes its tasks' new states from promises, whose callbacks run before this one.
      setImmediate(() => {
        this.#drawing = false;
        if (this.#ended) return;
        this.#eraseReflowed();
        super.update();
      });
    }

    /** A terminal that became narrower has wrapped the last frame: it takes more lines than log-update knows to erase. */
    #eraseReflowed(): void {
      const { columns } = output;
      if (columns < this.#columns) {
        const linesMore = this.#lines.reduce(
          (sum, line) => sum + Math.max(0, Math.ceil(stripVTControlCharacters(line).length / columns) - 1),
          0,
        );
        output.toStdout(ERASE_UPWARDS.repeat(linesMore), false);
      }
      this.#columns = columns;
    }
  };
}
