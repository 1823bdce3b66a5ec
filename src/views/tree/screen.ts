import type * as Listr2 from "listr2";
import { coalescingRenderer } from "./coalescing-renderer.ts";
import { ListrRows } from "./listr-rows.ts";
import type { Palette } from "./palette.ts";
import type { Row, RowState } from "./row.ts";
import { terminalOutput, type TerminalOutput } from "./terminal-output.ts";
import type { ScreenSize } from "./tree-frame.ts";

/** What the screen shows; given by the view. */
export interface Drawing {
  /** The tree as it is now, fit for a screen of this size. */
  readonly compose: (size: ScreenSize) => Row;
  /** How long the composed tree stays valid if no event comes. */
  readonly untilTickMs: () => number;
}

const MARKS: Readonly<Record<RowState, (paint: Palette) => string>> = {
  waiting: (paint) => paint.faint("·"),
  running: (paint) => paint.underWay("❯"),
  done: (paint) => paint.healthy("✓"),
  failed: (paint) => paint.failed("✗"),
  stopped: (paint) => paint.notice("■"),
  note: () => "",
};

/** Draws a tree of rows on a terminal with listr2, until it is ended. */
export class Screen {
  private readonly output: TerminalOutput;
  private readonly rows: ListrRows;
  private readonly root: Listr2.ListrTaskObject<unknown>;
  private readonly drawing: Drawing;
  private readonly run: Promise<unknown>;
  private readonly stopRefreshing: () => void;
  readonly refresh: () => void;
  private finish!: () => void;

  constructor(listr2: typeof Listr2, stdout: NodeJS.WriteStream, paint: Palette, drawing: Drawing) {
    this.drawing = drawing;
    this.output = terminalOutput(listr2, stdout, process.stderr);
    this.rows = new ListrRows(listr2);
    const finished = new Promise<void>((resolve) => {
      this.finish = resolve;
    });
    const listr = new listr2.Listr([{ title: " ", task: () => finished }], {
      renderer: coalescingRenderer(listr2, {
        output: this.output,
        prepare: () => this.prepare(),
        markOf: (task) => MARKS[this.rows.stateOf(task) ?? "note"](paint),
      }),
      rendererOptions: rendererOptions(listr2, this.output),
      registerSignalListeners: false,
      exitOnError: false,
    });
    this.root = listr.tasks[0] as unknown as Listr2.ListrTaskObject<unknown>;
    this.refresh = () => listr.events.emit(listr2.ListrEventType.SHOULD_REFRESH_RENDER);
    this.stopRefreshing = this.refreshOnChanges(stdout);
    this.run = listr.run();
  }

  /** Draws the last frame and gives the terminal back. */
  async end(): Promise<void> {
    this.stopRefreshing();
    this.prepare();
    // listr2 takes its tasks' last states from promises, whose callbacks run before this one.
    await new Promise((resolve) => setImmediate(resolve));
    this.finish();
    await this.run;
  }

  private prepare(): void {
    const { columns, rows } = this.output;
    this.rows.show(this.root, this.drawing.compose({ columns, rows }));
  }

  private refreshOnChanges(stdout: NodeJS.WriteStream): () => void {
    let timer: NodeJS.Timeout;
    const awaitTick = () => {
      timer = setTimeout(() => {
        this.refresh();
        awaitTick();
      }, this.drawing.untilTickMs());
      // eslint-disable-next-line no-restricted-syntax -- it only moves clocks and countdowns
      timer.unref();
    };
    awaitTick();
    // A process that ends without `end()` must not take what others wrote with it.
    const release = () => this.output.release();
    process.once("exit", release);
    stdout.on("resize", this.refresh);
    return () => {
      clearTimeout(timer);
      process.off("exit", release);
      stdout.off("resize", this.refresh);
    };
  }
}

/** Titles are shown as they are, one line each. */
function rendererOptions(listr2: typeof Listr2, output: TerminalOutput) {
  return {
    // No spinner: it would draw ten frames a second to say nothing.
    lazy: true,
    formatOutput: "truncate",
    collapseSubtasks: false,
    logger: new listr2.ListrLogger<Listr2.ListrDefaultRendererLogLevels>({
      processOutput: output,
      useIcons: true,
      toStderr: [],
    }),
  } as const;
}
