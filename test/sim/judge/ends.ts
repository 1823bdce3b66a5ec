import { keyOf } from "../../../src/domain/ids.ts";
import type { RolloutEvent, EventOf } from "../../../src/domain/events.ts";
import { sizeOf, worksOf, type Rollout } from "../../../src/domain/rollout.ts";
import { RolloutModel } from "../../../src/views/model/rollout-model.ts";
import { reportText } from "../../../src/views/report/report.ts";
import type { SimEvent } from "../sim-controller.ts";
import type { Simulated } from "../simulate.ts";
import { UNSEEN_MS } from "./floors.ts";
import { failedIn, type Trial, type Witness } from "./trial.ts";

/** A rollout takes longer than this only if it waits for ever. */
const LONGEST_MS = 48 * 3_600_000;

/** Never a false done: it ends, everything is accounted for, and the outcome is what happened. */
export class Ends implements Witness {
  private readonly trial: Trial;
  private readonly startedAtMs: number;
  /** Failures that stand, each with those of whom it is the last word: several of a host may fail as one. */
  private failures: readonly ReadonlySet<string>[] = [];

  constructor(trial: Trial) {
    this.trial = trial;
    this.startedAtMs = trial.made.time.now;
  }

  see(event: RolloutEvent): void {
    if (event.type === "instance.failed") {
      const failed = failedIn(event);
      this.retract(failed);
      this.failures = [...this.failures, new Set(failed)];
    }
    // One that is tried again and lost, or left, has another fate.
    if (
      event.type === "instance.healthy" ||
      event.type === "instance.skipped" ||
      event.type === "instance.indeterminate"
    )
      this.retract([keyOf(event)]);
  }

  end({ outcome, events }: Simulated): void {
    const { trial } = this;
    if (outcome === undefined) trial.fail("it never ended");
    if (trial.made.time.now - this.startedAtMs > LONGEST_MS) trial.fail("it took longer than two days");
    const [first] = events;
    if (events.some(({ seq }, index) => seq !== (first?.seq ?? 0) + index))
      trial.fail("the events are not numbered without a gap");
    const finished = events.at(-1);
    if (finished?.type !== "rollout.finished") return;
    this.judgeCounts(events, finished);
    this.judgeOutcome(events, finished);
  }

  /** They have another fate. */
  private retract(keys: readonly string[]): void {
    const rest = this.failures.map((failed) => new Set([...failed].filter((key) => !keys.includes(key))));
    this.failures = rest.filter(({ size }) => size > 0);
  }

  private judgeCounts(events: readonly SimEvent[], finished: EventOf<"rollout.finished">): void {
    const { rollout } = this.trial;
    const fail = (what: string) => this.trial.fail(what);
    const model = RolloutModel.of([{ type: "rollout.planned", ...rollout }, ...events]);
    if (!reportText(model).startsWith(finished.outcome)) fail("the report has another outcome");
    const { healthy, failed, indeterminate, under_restart, skipped, untouched } = model.instances.counts;
    const shown = { healthy, failed: failed + indeterminate + under_restart, skipped, untouched };
    const told = finished.counts;
    if (JSON.stringify(shown) !== JSON.stringify(told))
      fail(`shown ${JSON.stringify(model.instances.counts)}, told ${JSON.stringify(told)}`);
    let planned = rollout.skipped.length;
    for (const work of worksOf(rollout)) planned += sizeOf(work);
    const total = told.healthy + told.failed + told.skipped + told.untouched;
    if (total !== planned) fail(`${total} of ${planned} instances are accounted for`);
  }

  private judgeOutcome(events: readonly SimEvent[], { outcome, counts }: EventOf<"rollout.finished">): void {
    const { made, rollout } = this.trial;
    const fail = (what: string) => this.trial.fail(what);
    const mayTolerate = events.some((event) => event.type === "rollout.answered" && event.answer === "skip");
    const { max_failures } = rollout.limits;
    if (outcome !== "halted" && !mayTolerate && this.failures.length > max_failures)
      fail(`it was not halted by ${this.failures.length} failures, with ${max_failures} tolerated`);
    const isReported = events.some(({ type }) => type === "rollout.halted");
    if (isReported !== (outcome === "halted"))
      fail(`it ended ${outcome}, and ${isReported ? "reported" : "did not report"} a halt`);
    if (!made.hasFaults && outcome !== "succeeded" && !isForetold(rollout, events))
      fail(`without faults it ended ${outcome}`);
    if (outcome !== "succeeded") return;
    if (counts.untouched + counts.failed > 0) fail("it succeeded with instances untouched or failed");
    this.judgeSuccess();
  }

  /** All that was to be restarted runs the new release, unless another user has stopped it, or no look need have shown it. */
  private judgeSuccess(): void {
    const { made, rollout } = this.trial;
    for (const { host, batches } of worksOf(rollout))
      for (const { instance, action, signal } of batches.flatMap(({ instances }) => instances)) {
        const isToBeDown = action === "stop" || action === "remove";
        const process = made.fleet.hosts.get(host)?.get(instance);
        const shownMs = made.time.now - Math.max(process?.brokeAtMs ?? 0, made.fleet.unseenAtMs.get(host) ?? -Infinity);
        if (!process || process.wasStoppedByHand || shownMs <= UNSEEN_MS) continue;
        const { state, spawn } = process;
        if (isToBeDown) {
          if (spawn && spawn.atMs < this.startedAtMs)
            this.trial.fail(`it succeeded, and ${host} ${instance} is ${state}`);
          continue;
        }
        if (process.hasCompleted || process.isBetween) continue;
        if (state !== "RUNNING") this.trial.fail(`it succeeded, and ${host} ${instance} is ${state}`);
        // Nobody knows whether the signal of an earlier rollout has arrived, and it is not sent again.
        else if (spawn?.release === 0 && !(action === "gate" && signal !== undefined))
          this.trial.fail(`it succeeded, and ${host} ${instance} runs the old release`);
      }
  }
}

/** The preview has said that so many are down already that the floor may stand in the way. */
export function isForetold({ warnings }: Rollout, events: readonly RolloutEvent[]): boolean {
  const isFloor = events.some((event) => event.type === "rollout.halted" && event.code === "floor_not_met");
  return isFloor && warnings.some(({ message }) => /^min_healthy .*halt/.test(message));
}
