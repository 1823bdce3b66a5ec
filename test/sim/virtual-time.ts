/** Runs callbacks in the order of their times, each at exactly its own time; ties in the order in which they were set. */
export class VirtualTime {
  private nowMs = 0;
  private nextSeq = 0;
  private steps = 0;
  private readonly heap: Entry[] = [];
  private readonly mostSteps: number;

  /** @param mostSteps so many callbacks are never needed, unless something asks again and again for ever: an error */
  constructor(mostSteps = Infinity) {
    this.mostSteps = mostSteps;
  }

  get now(): number {
    return this.nowMs;
  }

  at(atMs: number, callback: () => void): { cancel(): void } {
    const entry: Entry = { atMs: Math.max(atMs, this.nowMs), seq: this.nextSeq++, callback };
    this.push(entry);
    return { cancel: () => (entry.callback = undefined) };
  }

  after(delayMs: number, callback: () => void): { cancel(): void } {
    return this.at(this.nowMs + delayMs, callback);
  }

  /** Runs until nothing is left to run, or until `isDone`. Nobody may wait for a promise: see {@link play}. */
  run(isDone: () => boolean = () => false): void {
    while (this.step()) if (isDone()) return;
  }

  /**
   * Runs likewise code that awaits promises: all that follows from one callback has happened before the next one is
   * called, so the order depends on nothing but the times. Such code must wait for nothing but what callbacks settle.
   */
  async play(isDone: () => boolean = () => false): Promise<void> {
    do {
      await allSettled();
      if (isDone()) return;
    } while (this.step());
  }

  /** Runs until a promise is settled, likewise. */
  async until<T>(promise: Promise<T>): Promise<T> {
    const over = { is: false };
    const end = () => (over.is = true);
    promise.then(end, end);
    await this.play(() => over.is);
    if (!over.is) throw new Error("nothing is left that could settle what is waited for");
    return promise;
  }

  private step(): boolean {
    for (let entry = this.pop(); entry; entry = this.pop()) {
      if (!entry.callback) continue;
      if (++this.steps > this.mostSteps) throw new Error(`no end after ${this.mostSteps} steps`);
      this.nowMs = entry.atMs;
      entry.callback();
      return true;
    }
    return false;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  private pop(): Entry | undefined {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

interface Entry {
  readonly atMs: number;
  readonly seq: number;
  /** Undefined once cancelled. */
  callback: (() => void) | undefined;
}

/** The event loop continues to its next phase only when no promise has anything left to do. */
function allSettled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq);
}
