import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EVENT_SCHEMA_FILE, eventSchema } from "../../scripts/event-schema.ts";
import type { RecordedEvent } from "../../src/domain/events.ts";
import { amount } from "../amount.ts";
import { readJournal } from "../../src/state/read-journal.ts";
import { createPage } from "../../src/views/page/page.ts";
import { createPlainView } from "../../src/views/lines/plain.ts";
import { RolloutModel } from "../../src/views/model/rollout-model.ts";
import { reportText } from "../../src/views/report/report.ts";
import { simulate } from "../sim/simulate.ts";
import { scenario } from "../sim/scenario.ts";
import { DrawnTree } from "./tree/drawn.ts";
import { problemsOf } from "./event-validator.ts";
import { recorded } from "./rollout-script.ts";
import { scenes } from "./scenes.ts";
import { Sink } from "./sink.ts";

/** A journal that the first version kept. It stays as it is, whatever is added to events. */
const FIRST_JOURNAL = fileURLToPath(new URL("./journal-of-0.1.ndjson", import.meta.url));

describe("the schema of events", () => {
  it("is what the types say (npm run docs writes it)", async () => {
    assert.equal(readFileSync(EVENT_SCHEMA_FILE, "utf8"), await eventSchema());
  });

  const ROLLOUTS = amount(300, 20);

  it(`holds for every event of ${ROLLOUTS} random rollouts with faults`, async () => {
    for (let seed = 0; seed < ROLLOUTS; seed++) {
      const { planned, fleet, time, options } = scenario(seed);
      const { events } = await simulate(planned, fleet, time, options);
      const all = [{ type: "rollout.planned" as const, ...planned }, ...events.map(({ atMs: _, ...event }) => event)];
      assert.deepEqual(problemsOf(recorded(all)), [], `seed ${seed}`);
    }
  });

  it("holds for what the views are tested with, and does not hold for anything else", () => {
    for (const scene of Object.values(scenes))
      assert.deepEqual(problemsOf(recorded([...scene()].filter((step) => typeof step === "object"))), []);
    const [event] = recorded([{ type: "rollout.started" }]);
    assert.notDeepEqual(problemsOf([{ ...event!, type: "rollout.restarted" }]), []);
    assert.notDeepEqual(problemsOf([{ ...event!, more: 1 }]), []);
    assert.notDeepEqual(problemsOf([{ ...event!, seq: "1" }]), []);
  });
});

describe("a journal of another version", () => {
  const old = readJournal(FIRST_JOURNAL).events;

  /** What a later version might have written: more fields, more types, more codes. */
  const newer = old.flatMap((event, index) => [
    { ...event, ...("code" in event && { code: "struck_by_lightning" }), since_then: { more: [1] } },
    {
      v: 1,
      seq: 1000 + index,
      at: event.at,
      rollout: event.rollout,
      type: "instance.teleported",
      host: "host-1",
      program: "web",
      instance: "web:0",
      to: "host-2",
    },
    { v: 1, seq: 2000 + index, at: event.at, rollout: event.rollout, type: "moon.rose" },
  ]) as unknown as RecordedEvent[];

  function reportOf(events: readonly RecordedEvent[]): string {
    return reportText(RolloutModel.of(events), { plan: "plans/prod.yaml" });
  }

  it("that is older still fits the schema, and is told as ever", () => {
    assert.deepEqual(problemsOf(old), []);
    assert.match(reportOf(old), /^halted: simulated [^]*1 healthy, 1 failed, 2 untouched[^]*web:1[^]*\(fatal\)/);
  });

  it("that is newer is told as far as it is known", async () => {
    const text = reportOf(newer);
    assert.match(text, /^halted: simulated [^]*1 healthy, 1 failed, 2 untouched[^]*struck_by_lightning/);
    const sink = new Sink();
    const plain = createPlainView(sink, { plan: "plans/prod.yaml" });
    for (const event of newer) plain.show(event);
    await plain.end();
    assert.doesNotMatch(sink.text, /teleported|moon|undefined/);
    const page = createPage();
    for (const event of newer) page.apply(event);
    assert.match(page.html(), /<b data-count="failed">1<\/b>/);
    assert.match(new DrawnTree().play(newer).text(), /1\/4 healthy {2}1 failed/);
  });
});
