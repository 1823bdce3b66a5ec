import assert from "node:assert/strict";
import type { RecordedEvent, RolloutEvent } from "../../src/domain/events.ts";
import type { HostName, InstanceName, RolloutId } from "../../src/domain/ids.ts";
import type { Clock, Journal, View } from "../../src/executor/ports.ts";
import { Recorder } from "../../src/executor/recorder.ts";

const ID = "20261122T100000Z-0000" as RolloutId;
const host = "host-1" as HostName;
const clock: Clock = {
  monotonicMs: () => 0,
  now: () => new Date("2026-11-22T10:00:00Z"),
  wakeAt: () => ({ cancel: () => undefined }),
};

class Kept implements Journal {
  readonly events: RecordedEvent[] = [];
  /** How many of them were made durable. */
  durableCount = 0;
  isClosed = false;
  problem: string | undefined;

  append(event: RecordedEvent): void {
    this.events.push(event);
  }

  durable(): Promise<string | undefined> {
    if (this.problem === undefined) this.durableCount = this.events.length;
    return Promise.resolve(this.problem);
  }

  close(): Promise<string | undefined> {
    this.isClosed = true;
    return this.durable();
  }
}

function viewed(): View & { readonly events: RecordedEvent[]; isEnded: boolean } {
  const view = {
    events: [] as RecordedEvent[],
    isEnded: false,
    show: (event: RecordedEvent) => void view.events.push(event),
    end: () => Promise.resolve(void (view.isEnded = true)),
  };
  return view;
}

const started = (name: string): RolloutEvent => ({ type: "host.finished", host: name as HostName });

describe("the recorder of a rollout", () => {
  it("numbers and dates its events, shows each to every view at once, and keeps those from before there was a journal", () => {
    const [one, two, journal] = [viewed(), viewed(), new Kept()];
    const recorder = new Recorder(ID, clock, [one, two]);
    recorder.record(started("a"));
    recorder.record(started("b"));
    assert.equal(one.events.length, 2);
    recorder.keepIn(journal);
    recorder.record(started("c"));
    const at = "2026-11-22T10:00:00.000Z";
    const expected = ["a", "b", "c"].map((name, index) => ({
      v: 1,
      seq: index + 1,
      at,
      rollout: ID,
      ...started(name),
    }));
    for (const events of [one.events, two.events, journal.events]) assert.deepEqual(events, expected);
  });

  it("has what a resume must know of kept at once, whether or not anything waits for that", () => {
    const instance = { host, program: "web", instance: "web:0" as InstanceName } as const;
    const atOnce = [
      { type: "instance.healthy", ...instance, pid: 2, seconds: 1 },
      { type: "instance.failed", ...instance, code: "fatal", reason: "", seconds: 1, log_tail: "" },
      { type: "hook.finished", hook: "after_healthy", ...instance, succeeded: true },
      {
        type: "rollout.finished",
        outcome: "halted",
        counts: { healthy: 0, failed: 1, skipped: 0, untouched: 0 },
        seconds: 1,
      },
    ] as unknown as RolloutEvent[];
    for (const event of atOnce) {
      const journal = new Kept();
      const recorder = new Recorder(ID, clock, []);
      recorder.keepIn(journal);
      recorder.record(started("a"));
      assert.equal(journal.durableCount, 0);
      recorder.record(event);
      assert.equal(journal.durableCount, 2, event.type);
    }
  });

  it("says why the journal is not whole, at once and at its end, and ends all views all the same", async () => {
    const [view, journal] = [viewed(), new Kept()];
    const recorder = new Recorder(ID, clock, [view]);
    assert.equal(await recorder.durable(), undefined);
    recorder.keepIn(journal);
    journal.problem = "ENOSPC";
    recorder.record(started("a"));
    assert.equal(await recorder.durable(), "ENOSPC");
    assert.equal(await recorder.end(), "ENOSPC");
    assert.deepEqual([journal.isClosed, view.isEnded], [true, true]);
  });

  it("of a rollout that was never kept has nothing to say, as there is nothing to resume", async () => {
    const view = viewed();
    const recorder = new Recorder(ID, clock, [view]);
    recorder.record(started("a"));
    assert.equal(await recorder.end(), undefined);
    assert.equal(view.isEnded, true);
  });
});
