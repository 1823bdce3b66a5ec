import type { ListrDefaultRendererLogLevels, ListrTaskObject } from "listr2";
import { coalescingRenderer } from "./coalescing-renderer.ts";
import { ListrRows } from "./listr-rows.ts";
import type { Palette } from "./palette.ts";
import type { Row } from "./row.ts";
import { terminalOutput, type TerminalOutput } from "./terminal-output.ts";
import type { ScreenSize } from "./tree-frame.ts";

/** How often elapsed times and countdowns move. */
const TICK_MS = 1000;

/** Has listr2 draw a tree of rows on a terminal until it is ended. */
export class Screen {
  private readonly output: TerminalOutput;
  private readonly rows: ListrRows;
  private readonly root: ListrTaskObject<unknown>;
  private readonly compose: (size: ScreenSize) => Row;
  private readonly run: Promise<unknown>;
  private readonly stopTelling: () => void;
  readonly refresh: () => void;
  private finish!: (failure?: Error) => void;

  /** @param compose the tree as it is now, fit for a screen of this size */
  constructor(listr2: typeof import("listr2"), stdout: NodeJS.WriteStream, paint: Palette, compose: (size: ScreenSize) => Row) {
    this.compose = compose;
    this.output = terminalOutput(listr2, stdout, process.stderr);
    this.rows = new ListrRows(listr2);
    const finished = new Promise<void>((resolve, reject) => {
      this.finish = (failure) => (failure ? reject(failure) : resolve());
    });
    const listr = new listr2.Listr([{ title: " ", task: () => finished }], {
      renderer: coalescingRenderer(listr2, this.output, () => this.prepare()),
      rendererOptions: rendererOptions(listr2, this.output, paint),
      registerSignalListeners: false,
      exitOnError: false,
    });
    this.root = listr.tasks[0] as unknown as ListrTaskObject<unknown>;
    this.refresh = () => listr.events.emit(listr2.ListrEventType.SHOULD_REFRESH_RENDER);
    this.stopTelling = this.tellOfChanges(stdout);
    this.run = listr.run();
  }

  /** Draws the last frame and gives the terminal back. */
  async end(): Promise<void> {
    this.stopTelling();
    const { state } = this.prepare();
    await new Promise((resolve) => setImmediate(resolve));
    this.finish(state === "failed" ? new Error(state) : undefined);
    await this.run;
  }

  private prepare(): Row {
    const { columns, rows } = this.output;
    const frame = this.compose({ columns, rows });
    this.root.title = frame.text;
    this.rows.show(this.root, frame.children ?? []);
    return frame;
  }

  private tellOfChanges(stdout: NodeJS.WriteStream): () => void {
    const ticks = setInterval(this.refresh, TICK_MS);
    ticks.unref();
    // A process that ends without `end()` must not take what others wrote with it.
    const release = () => this.output.release();
    process.once("exit", release);
    stdout.on("resize", this.refresh);
    return () => {
      clearInterval(ticks);
      process.off("exit", release);
      stdout.off("resize", this.refresh);
    };
  }
}

/** Every mark and colour is ours, so that NO_COLOR is heeded in one place; titles are shown as they are. */
function rendererOptions(listr2: typeof import("listr2"), output: TerminalOutput, paint: Palette) {
  const level = listr2.ListrDefaultRendererLogLevels;
  const icon = {
    [level.PENDING]: "❯",
    [level.WAITING]: "·",
    [level.COMPLETED]: "✓",
    [level.COMPLETED_WITH_FAILED_SUBTASKS]: "✓",
    [level.FAILED]: "✗",
    [level.FAILED_WITH_FAILED_SUBTASKS]: "✗",
    [level.SKIPPED_WITH_COLLAPSE]: "",
  };
  const painted = (colour: (text: string) => string) => (mark = "") => colour(mark);
  const color = {
    [level.PENDING]: painted(paint.underWay),
    [level.WAITING]: painted(paint.faint),
    [level.COMPLETED]: painted(paint.healthy),
    [level.COMPLETED_WITH_FAILED_SUBTASKS]: painted(paint.healthy),
    [level.FAILED]: painted(paint.failed),
    [level.FAILED_WITH_FAILED_SUBTASKS]: painted(paint.failed),
  };
  return {
    icon,
    color,
    // No spinner: it would draw ten frames a second to say nothing.
    lazy: true,
    formatOutput: "truncate",
    collapseSubtasks: false,
    collapseErrors: false,
    showErrorMessage: false,
    logger: new listr2.ListrLogger<ListrDefaultRendererLogLevels>({ processOutput: output, useIcons: true, toStderr: [] }),
  } as const;
}
