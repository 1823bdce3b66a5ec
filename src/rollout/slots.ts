import type { HostWork, InstanceBatch, PlannedInstance } from "../domain/rollout.ts";
import type { RunContext } from "./run-context.ts";

/** The rest of a host's work: which instance is next, and the rests between. The host itself knows how many are in progress. */
export class Slots {
  private readonly work: HostWork;
  private readonly context: RunContext;
  /** The rest of the current batch. */
  private waiting: PlannedInstance[] = [];
  private nextBatch = 0;
  private current: InstanceBatch | undefined;
  /** Retries of instances that have regressed: they come before the next batch, one after the other. */
  private retries: PlannedInstance[] = [];
  /** When each resting slot may take its next instance. */
  private rests: number[] = [];
  /** How long the host rests after the current batch, once something of it was restarted. */
  private restMs = 0;

  constructor(work: HostWork, context: RunContext) {
    this.work = work;
    this.context = context;
  }

  /** True once nothing more of the current batch comes. */
  get isBatchOver(): boolean {
    return this.waiting.length + this.rests.length === 0;
  }

  /** True where no further batch begins. */
  get isLast(): boolean {
    return this.context.tally.stop !== undefined || this.nextTurn() === undefined;
  }

  /** When a slot has rested. One that has while the operator is asked is filled after the answer. */
  get wakeAtMs(): number {
    return this.context.tally.isHeld ? Infinity : Math.min(...this.rests);
  }

  /** The current batch, if it is the update of a group. */
  get updated(): InstanceBatch | undefined {
    return this.current?.is_update ? this.current : undefined;
  }

  /** What waits for its turn in this batch, and what comes before the next. */
  get queued(): readonly PlannedInstance[] {
    return [...this.retries, ...this.waiting];
  }

  /** Begins the next batch and returns its slots: none while it must rest before it, or the operator is asked. */
  beginBatch(nowMs: number): number {
    const batch = this.nextTurn();
    if (!batch) return 0;
    if (this.nextBatch > 0 && this.restMs > 0) {
      this.rest(this.restMs, nowMs);
      this.restMs = 0;
      return 0;
    }
    if (this.context.tally.isHeld) return 0;
    this.current = batch;
    if (this.retries.length > 0) this.retries.shift();
    else this.nextBatch++;
    this.restMs = 0;
    this.waiting = [...batch.instances];
    return batch.at_once;
  }

  /** The instance that takes the next free slot. */
  next(): PlannedInstance | undefined {
    return this.context.tally.stop ? undefined : this.waiting.shift();
  }

  /** A slot is free again: it rests if an instance waits for it. @param restMs 0 after one that was not restarted */
  freed(restMs: number, nowMs: number): void {
    this.restMs = Math.max(this.restMs, restMs);
    if (this.waiting.length > this.rests.length && !this.context.tally.stop) this.rest(restMs, nowMs);
  }

  /** How many slots have rested, and may be filled. */
  takeRested(nowMs: number): number {
    if (this.context.tally.isHeld) return 0;
    const before = this.rests.length;
    this.rests = this.rests.filter((atMs) => atMs > nowMs);
    return before - this.rests.length;
  }

  /** One that has regressed comes next. */
  queueRetry(planned: PlannedInstance): void {
    // Sliding, it has the next free slot; but never two programs at once.
    if (this.waiting[0]?.program === planned.program) this.waiting.unshift(planned);
    else this.retries.push(planned);
  }

  /** Nothing more starts. */
  drop(): void {
    this.waiting = [];
    this.retries = [];
    this.rests = [];
    this.nextBatch = this.work.batches.length;
  }

  private nextTurn(): InstanceBatch | undefined {
    const [retried] = this.retries;
    if (!retried) return this.work.batches[this.nextBatch];
    return { program: retried.program, at_once: 1, instances: [retried] };
  }

  private rest(ms: number, nowMs: number): void {
    this.rests.push(nowMs + ms);
    if (ms > 0) this.context.emit({ type: "host.resting", host: this.work.host, ms });
  }
}
