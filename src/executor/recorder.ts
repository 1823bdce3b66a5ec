import type { RecordedEvent, RolloutEvent } from "../domain/events.ts";
import type { RolloutId } from "../domain/ids.ts";
import type { Clock, View } from "./ports.ts";

/** Numbers and dates the events of one rollout and hands each to every view. */
export class Recorder {
  private readonly rollout: RolloutId;
  private readonly clock: Clock;
  private readonly views: readonly View[];
  private seq = 0;

  constructor(rollout: RolloutId, clock: Clock, views: readonly View[]) {
    this.rollout = rollout;
    this.clock = clock;
    this.views = views;
  }

  record(event: RolloutEvent): void {
    const recorded: RecordedEvent = {
      v: 1,
      seq: ++this.seq,
      at: this.clock.now().toISOString(),
      rollout: this.rollout,
      ...event,
    };
    for (const view of this.views) view.show(recorded);
  }

  async end(): Promise<void> {
    for (const view of this.views) await view.end();
  }
}
