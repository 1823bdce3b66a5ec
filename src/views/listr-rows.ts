import type { Listr, ListrTaskObject, ListrTaskWrapper } from "listr2";
import type { Row, RowState } from "./row.ts";

type Listr2 = typeof import("listr2");
type Task = ListrTaskObject<unknown>;

/** The listr2 task that stands for a row. It is a promise and nothing else: it does no work, it is settled by what the row has become. */
interface RowTask {
  readonly task: Task;
  readonly below: Map<string, RowTask>;
  state: RowState;
  become(state: RowState): void;
}

/** Keeps listr2's tasks like the rows of the last frame, so that the work is bounded by the rows shown. */
export class ListrRows {
  private readonly listr2: Listr2;
  private readonly below = new Map<string, RowTask>();

  constructor(listr2: Listr2) {
    this.listr2 = listr2;
  }

  /** Gives a task these rows as its subtasks. listr2 sees new states only once pending promise callbacks have run. */
  show(parent: Task, rows: readonly Row[]): void {
    this.showBelow(parent, this.below, rows);
  }

  private showBelow(parent: Task, below: Map<string, RowTask>, rows: readonly Row[]): void {
    const before = new Map(below);
    below.clear();
    parent.subtasks = rows.map((row) => {
      const there = before.get(row.key);
      const kept = there && canBecome(there.state, row.state) ? there : this.rowTask(parent, row);
      if (kept === there) before.delete(row.key);
      below.set(row.key, kept);
      kept.task.title = row.text;
      if (kept.state !== row.state) kept.become(row.state);
      this.showBelow(kept.task, kept.below, row.children ?? []);
      return kept.task;
    });
    for (const gone of before.values()) this.end(gone);
  }

  private end(row: RowTask): void {
    row.become("done");
    for (const child of row.below.values()) this.end(child);
  }

  private rowTask(parent: Task, { text, state: wanted }: Row): RowTask {
    let settle: (failure?: Error) => void = () => undefined;
    const settled = new Promise<void>((resolve, reject) => {
      settle = (failure) => (failure ? reject(failure) : resolve());
    });
    // A row that goes before it was run leaves nobody to hear of its failure.
    settled.catch(() => undefined);
    const work = (_: unknown, self: ListrTaskWrapper<unknown, never, never>) => (row.state === "note" ? self.skip() : settled);
    const listr = this.listFor(parent, text, work);
    const task = listr.tasks[0] as unknown as Task;
    let begun = false;
    const row: RowTask = {
      task,
      below: new Map(),
      state: "waiting",
      become(state) {
        row.state = state;
        if (!begun && state !== "waiting") {
          begun = true;
          void listr.run();
        }
        if (state === "failed") settle(new Error(text));
        else if (state !== "running") settle();
      },
    };
    if (wanted === "waiting") void task.check(undefined);
    return row;
  }

  private listFor(parent: Task, title: string, task: (context: unknown, self: ListrTaskWrapper<unknown, never, never>) => unknown): Listr<unknown, "silent"> {
    const options = { renderer: "silent", exitOnError: false, registerSignalListeners: false } as const;
    return new this.listr2.Listr<unknown, "silent">({ title, task: task as never }, options as never, parent as never);
  }
}

/** A listr2 task that was settled stays so; for a row that nevertheless changes there has to be a new one. */
function canBecome(from: RowState, to: RowState): boolean {
  return from === to || from === "waiting" || (from === "running" && (to === "done" || to === "failed"));
}
