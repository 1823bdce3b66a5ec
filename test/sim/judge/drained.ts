import { Collected } from "../../../src/views/collected.ts";
import { createReport } from "../../../src/views/report.ts";
import type { Simulated } from "../simulate.ts";
import type { Trial, Witness } from "./trial.ts";

/** Nothing stays drained unnamed. */
export class Drained implements Witness {
  private readonly trial: Trial;

  constructor(trial: Trial) {
    this.trial = trial;
  }

  end({ outcome, events }: Simulated): void {
    const { fleet } = this.trial.made;
    const report = createReport();
    const collected = new Collected();
    for (const event of [{ type: "rollout.planned" as const, ...this.trial.rollout }, ...events]) {
      report.collect(event);
      collected.collect(event);
    }
    const named = new Set(collected.drains.instances.keys());
    for (const key of fleet.drained.instances)
      if (!named.has(key)) this.trial.fail(`${key} is still drained, and not named`);
    for (const key of named)
      if (!fleet.drained.instances.has(key)) this.trial.fail(`${key} is named as drained, and is not`);
    for (const host of fleet.drained.hosts)
      if (!collected.drains.hosts.has(host)) this.trial.fail(`${host} is still drained, and not named`);
    if (fleet.drained.instances.size > 0 && !report.text().includes("still drained"))
      this.trial.fail(`the report of what ${outcome ?? "never ended"} does not tell of what is still drained`);
  }
}
