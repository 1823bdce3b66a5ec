import type { RolloutEvent } from "../../../src/domain/events.ts";
import { keyOf, type HostName } from "../../../src/domain/ids.ts";
import { drawInterference } from "../interference.ts";
import { SeededRandom } from "../random.ts";
import { failingByDesign, scenario, type Scenario } from "../scenario.ts";
import type { SimulateOptions } from "../simulate.ts";
import { HealthyPids } from "./healthy-pids.ts";
import { isForetold } from "./ends.ts";
import { KeptInFiles, KeptInMemory, type Journals } from "./journals.ts";
import { witnessesOf } from "./judge.ts";
import { Story, type Invocation } from "./story.ts";
import type { Witness } from "./trial.ts";

/** Of so many stories one keeps its journals in files, which takes longer. */
const IN_FILES = 20;

/** So many resumes of a revert are enough. */
const MOST_CALLS = 6;

/** As long as a plan waits for anything that makes no progress. */
const LONGEST_SETTLE_MS = 600_000;

/**
 * A rollout that is reverted, by flag or by itself, after it has ended, halted or was killed, and now and then resumed; the
 * revert is killed and resumed as well. Returns what was promised and not kept.
 *
 * What the rollout has not touched is not touched by its revert, nothing is restarted while an earlier restart may act, and
 * nothing twice once it is back and healthy. With nothing wrong any longer, a resume completes the revert: all that was touched
 * runs the release before.
 */
export async function judgeRevert(seed: number): Promise<string[]> {
  const journals = seed % IN_FILES === 0 ? new KeptInFiles() : new KeptInMemory();
  const judged = new Reverted(seed, journals);
  try {
    await judged.judge();
  } finally {
    journals.close();
  }
  return judged.violations;
}

class Reverted {
  readonly violations: string[] = [];
  private readonly made: Scenario;
  private readonly random: SeededRandom;
  private readonly story: Story;
  /** Instances to which a restart was announced. */
  private readonly announced = new Set<string>();
  /** Judges the revert alone; undefined before it. */
  private ofRevert: readonly Witness[] | undefined;
  /** What was to be started again, from the release that was deployed before. */
  private readonly toRevert = new Set<string>();
  private oldRelease = Infinity;

  constructor(seed: number, journals: Journals) {
    this.random = new SeededRandom(seed + 2_000_000);
    const made = scenario(seed, { faults: true, onlyRestarts: true });
    const revertsItself = this.random.chance(0.6) && made.plan.on_failure !== "ask";
    this.made = revertsItself ? { ...made, plan: { ...made.plan, on_failure: "revert" } } : made;
    this.story = new Story(
      this.made,
      this.random,
      journals,
      (what) => this.fail(what),
      (trial) => [...witnessesOf(trial), ...(this.ofRevert ?? [])],
    );
  }

  async judge(): Promise<void> {
    const { random, made } = this;
    let called = await this.call({ killed: 0.3 });
    if (called.kind === "killed" && random.chance(0.3) && !made.fleet.isActing)
      called = await this.call({ killed: 0.5 });
    if (called.kind !== "ended" && called.kind !== "killed") return;
    const isByItself = called.kind === "ended" && called.toRevert !== undefined;
    const acting = called.kind === "ended" ? await called.toRevert?.settle(LONGEST_SETTLE_MS) : undefined;
    // Until its last command has ended, the lock of a host is not free for another process.
    if (!isByItself && made.fleet.isActing) return;
    if (random.chance(0.7)) made.fleet.deploy();
    else made.fleet.release++;
    this.oldRelease = made.fleet.release;
    this.ofRevert = [new HealthyPids(made.fleet, (what) => this.fail(what)), this.untouched];
    for (const key of this.announced) this.toRevert.add(key);
    called = await this.call({ killed: 0.5, reverts: { acting: acting ?? new Set() } });
    for (let calls = 1; calls < MOST_CALLS; calls++) {
      if (called.kind === "finished" || called.kind === "refused") break;
      if (called.kind === "stuck") return this.fail("the revert never ended");
      if (called.kind === "ended" && called.outcome === "succeeded") return this.judgeBack();
      if (made.fleet.isActing) return;
      called = await this.call({ killed: 0.4 });
    }
    if (called.kind === "ended" && called.outcome === "succeeded") return this.judgeBack();
    // One that was refused before it began is tried again; what fails by design fails for ever.
    if (called.kind === "ended" || called.kind === "killed")
      if (failingByDesign(made.plan, made.fleet).length === 0 && !made.fleet.isActing) await this.judgeRepaired();
  }

  /** Once nothing is wrong any longer, resumes complete the revert. */
  private async judgeRepaired(): Promise<void> {
    this.made.plagues.end();
    this.made.fleet.repair();
    // What is slow has time to end.
    const untilMs = this.made.time.now + 600_000;
    this.made.time.at(untilMs, () => undefined);
    this.made.time.run(() => this.made.time.now >= untilMs);
    for (let calls = 0; ; calls++) {
      const called = await this.call({ killed: 0, isWell: true });
      if (called.kind === "finished") return this.judgeBack();
      // Another user may have stopped so many that the floor has none to spare.
      if (called.kind === "refused") return;
      if (called.kind !== "ended") return this.fail("once all was repaired the revert never ended");
      if (called.outcome === "succeeded") return this.judgeBack();
      if (isForetold(called.rollout, called.events)) return;
      if (called.events.some((event) => event.type === "instance.failed" && this.isOneShot(event))) return;
      if (called.events.some(({ type }) => type === "instance.healthy")) calls--;
      else if (calls === MOST_CALLS) {
        const reasons = called.events.flatMap((event) => (event.type === "rollout.halted" ? [event.reason] : []));
        return this.fail(`once all was repaired the revert ended ${called.outcome}: ${reasons.join("; ")}`);
      }
    }
  }

  private async call({
    killed,
    reverts,
    isWell = false,
  }: {
    readonly killed: number;
    readonly reverts?: { readonly acting: ReadonlySet<HostName> };
    readonly isWell?: boolean;
  }): Promise<Invocation> {
    const { random, made } = this;
    const killAfterEvent = random.chance(killed) ? random.whole(1, 60) : Infinity;
    const interference = isWell ? {} : drawInterference(random);
    const options = isWell ? goingWell(made.options) : made.options;
    const called = await this.story.call({ options, interference, killAfterEvent, ...(reverts && { reverts }) });
    if ("events" in called && !this.ofRevert) for (const event of called.events) this.announce(event);
    return called;
  }

  private announce(event: RolloutEvent): void {
    if (event.type === "instance.restarting") this.announced.add(keyOf(event));
  }

  /** What no restart was ever announced to stays as it is. */
  private readonly untouched: Witness = {
    sent: ({ host, ...change }) => {
      for (const instance of "instance" in change ? [change.instance] : [])
        if (!this.announced.has(keyOf({ host, instance })))
          this.fail(`a ${change.action} was sent to ${host} ${instance}, which the reverted rollout has not touched`);
    },
  };

  /** All that was touched runs what was deployed for the revert. */
  private judgeBack(): void {
    const { fleet } = this.made;
    for (const key of this.toRevert) {
      if (fleet.removed.has(key)) continue;
      const [host = "", instance = ""] = key.split(" ");
      const process = fleet.process(host, instance);
      if (process.wasStoppedByHand || process.isOneShot || process.hasCompleted || process.isBetween) continue;
      if (process.state !== "RUNNING") continue;
      const release = process.spawn?.release ?? -1;
      if (release < this.oldRelease && !this.wasNeverDone(key))
        this.fail(`the revert is done, and ${key} runs what the reverted rollout has started`);
    }
  }

  /** Its announced restart had no effect: it is as it was before the rollout. */
  private wasNeverDone(key: string): boolean {
    const [host = "", instance = ""] = key.split(" ");
    return this.made.fleet.process(host, instance).spawn?.release === 0;
  }

  private isOneShot({ host, instance }: { readonly host: string; readonly instance: string }): boolean {
    return this.made.fleet.process(host, instance).isOneShot;
  }

  private fail(what: string): void {
    this.violations.push(`${(this.made.time.now / 1000).toFixed(1)} s: ${what}`);
  }
}

/** The same, and nothing gets in the way. */
function goingWell({ lookMs, clockOffMs }: SimulateOptions): SimulateOptions {
  return {
    ...(lookMs && { lookMs }),
    ...(clockOffMs && { clockOffMs }),
    onQuestion: () => ({ answer: "stop", afterMs: 0 }),
  };
}
