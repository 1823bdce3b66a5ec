import type * as Listr2 from "listr2";
import type { Row, RowState } from "./row.ts";

type Task = Listr2.ListrTaskObject<unknown>;

/** The listr2 task of a row. It does no work: it is a promise that settles when the row is done or has failed. */
interface RowTask {
  readonly task: Task;
  readonly below: Map<string, RowTask>;
  become(state: RowState): void;
}

/** Keeps listr2's tasks like the rows of the last frame, so that its work is bounded by the rows shown. */
export class ListrRows {
  private readonly listr2: typeof Listr2;
  private readonly below = new Map<string, RowTask>();
  private readonly states = new WeakMap<object, RowState>();

  constructor(listr2: typeof Listr2) {
    this.listr2 = listr2;
  }

  /** Makes a task show a row, and its subtasks those below. listr2 sees what has started or settled once pending promise callbacks have run. */
  show(root: Task, row: Row): void {
    root.title = row.text;
    this.states.set(root, row.state);
    this.showBelow(root, this.below, row.children ?? []);
  }

  /** The state of the row that a task stands for. */
  stateOf(task: object): RowState | undefined {
    return this.states.get(task);
  }

  private showBelow(parent: Task, below: Map<string, RowTask>, rows: readonly Row[]): void {
    const before = new Map(below);
    below.clear();
    parent.subtasks = rows.map((row) => {
      const there = before.get(row.key);
      const kept = there && canBecome(this.stateOf(there.task), row.state) ? there : this.rowTask(parent, row);
      if (kept === there) before.delete(row.key);
      below.set(row.key, kept);
      kept.task.title = row.text;
      kept.become(row.state);
      this.showBelow(kept.task, kept.below, row.children ?? []);
      return kept.task;
    });
    for (const gone of before.values()) drop(gone);
  }

  private rowTask(parent: Task, row: Row): RowTask {
    let settle!: () => void;
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const listr = this.listOf(parent, row.text, settled);
    const task = listr.tasks[0] as unknown as Task;
    if (row.state === "waiting") void task.check(undefined);
    let started = false;
    const become = (state: RowState) => {
      this.states.set(task, state);
      if (state === "waiting") return;
      if (!started) void listr.run();
      started = true;
      // A failed row settles like any other: under a task that failed, listr2 hides what it has not shown before.
      if (state !== "running") settle();
    };
    return { task, below: new Map(), become };
  }

  private listOf(parent: Task, title: string, settled: Promise<void>): Listr2.Listr<unknown, "silent"> {
    const options = { renderer: "silent", exitOnError: false, registerSignalListeners: false } as const;
    return new this.listr2.Listr<unknown, "silent">({ title, task: () => settled }, options, parent as never);
  }
}

function drop(row: RowTask): void {
  row.become("done");
  for (const child of row.below.values()) drop(child);
}

/** A listr2 task never goes back from started or settled: a row that does needs a new one. */
function canBecome(from: RowState | undefined, to: RowState): boolean {
  return from === "waiting" || (to === "waiting" || to === "running" ? from === to : true);
}
