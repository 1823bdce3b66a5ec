import type { RecordedEvent, RolloutEvent } from "../domain/events.ts";
import type { RolloutId } from "../domain/ids.ts";
import type { Clock, Journal, View } from "./ports.ts";

/** After these something was done that a resume must know of, whatever comes next. */
const KEPT_AT_ONCE: ReadonlySet<RolloutEvent["type"]> = new Set([
  "rollout.planned",
  "hook.finished",
  "instance.healthy",
  "instance.failed",
  "rollout.finished",
]);

/** Numbers and dates the events of one rollout, keeps them, and hands each to every view. */
export class Recorder {
  private readonly rollout: RolloutId;
  private readonly clock: Clock;
  private readonly views: readonly View[];
  private journal: Journal | undefined;
  private seq = 0;
  private ended: Promise<string | undefined> | undefined;
  /** What was recorded before there was a journal: it belongs into it. */
  private readonly early: RecordedEvent[] = [];

  constructor(rollout: RolloutId, clock: Clock, views: readonly View[]) {
    this.rollout = rollout;
    this.clock = clock;
    this.views = views;
  }

  /** From now on, and from the beginning, events are kept. */
  keepIn(journal: Journal): void {
    this.journal = journal;
    for (const event of this.early) journal.append(event);
  }

  record(event: RolloutEvent): void {
    const at = this.clock.now().toISOString();
    const recorded: RecordedEvent = { v: 1, seq: ++this.seq, at, rollout: this.rollout, ...event };
    if (!this.journal) this.early.push(recorded);
    this.journal?.append(recorded);
    if (KEPT_AT_ONCE.has(event.type)) void this.durable();
    for (const view of this.views) view.show(recorded);
  }

  /** Resolves once all that was recorded is kept, or with the reason why it is not. */
  durable(): Promise<string | undefined> {
    return this.journal?.durable() ?? Promise.resolve(undefined);
  }

  /**
   * Ends the journal and all views, each whether or not the others could be. Idempotent.
   * @returns why the journal is not whole, if it is not
   */
  end(): Promise<string | undefined> {
    return (this.ended ??= this.endAll());
  }

  private async endAll(): Promise<string | undefined> {
    const closed = Promise.resolve().then(() => this.journal?.close());
    const ended = await Promise.allSettled([closed, ...this.views.map(async (view) => view.end())]);
    for (const each of ended) if (each.status === "rejected") throw each.reason;
    return closed;
  }
}
