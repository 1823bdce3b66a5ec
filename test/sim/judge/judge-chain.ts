import type { RolloutEvent } from "../../../src/domain/events.ts";
import { keyOf, programOf, type HostName, type InstanceName } from "../../../src/domain/ids.ts";
import { worksOf, type PlannedInstance, type Rollout } from "../../../src/domain/rollout.ts";
import type { ResumedRollout } from "../../../src/planner/build/resumed.ts";
import { drawInterference } from "../interference.ts";
import { SeededRandom } from "../random.ts";
import { failingByDesign, scenario, type Scenario } from "../scenario.ts";
import type { SimProcess } from "../sim-process.ts";
import type { SimulateOptions } from "../simulate.ts";
import { witnessesOf } from "./judge.ts";
import { isForetold } from "./ends.ts";
import { floorsFor } from "./floors.ts";
import { allSettingsOf } from "./selects.ts";
import { HealthyPids } from "./healthy-pids.ts";
import { KeptInFiles, KeptInMemory, type Journals } from "./journals.ts";
import { Story, type Call, type Invocation } from "./story.ts";
import { failedIn } from "./trial.ts";

/** More kills than a rollout has events are not survived by anybody. */
const MOST_KILLS = 10;

/** Of so many stories one keeps its journals in files, which takes longer. */
const IN_FILES = 20;

/** So many resumes of what others make fail again and again are enough. */
const MOST_CALLS = 8;

/**
 * Kills the controller of a rollout at random events, again and again, and resumes it each time from its journal alone,
 * of whose end a random part is lost that was not durable. Returns what was promised and not kept.
 *
 * Without other faults everything is restarted in the end, once. With them, nothing is restarted that was healthy and
 * is still so; and once all that is wrong is put right, one more resume ends what was started: nothing stays failed,
 * forgotten, drained or on the old release.
 */
export async function judgeChain(seed: number, { faults = false } = {}): Promise<string[]> {
  const journals = seed % IN_FILES === 0 ? new KeptInFiles() : new KeptInMemory();
  const judged = new Chain(seed, faults, journals);
  try {
    await (faults ? judged.amongFaults() : judged.killedOnly());
  } finally {
    journals.close();
  }
  return judged.violations;
}

class Chain {
  readonly violations: string[] = [];
  private readonly made: Scenario;
  private readonly random: SeededRandom;
  private readonly story: Story;
  private readonly healthy: HealthyPids;
  /** What the first rollout was to restart, and how. */
  private readonly planned = new Map<string, PlannedInstance>();
  private last: Rollout | undefined;
  /** What is known of each in the end. */
  private readonly fates = new Map<string, RolloutEvent["type"]>();
  /** Those of which the last outcome that is known is a failure. */
  private readonly failed = new Set<string>();

  constructor(seed: number, faults: boolean, journals: Journals) {
    this.made = scenario(seed, { faults });
    this.random = new SeededRandom(seed + 1_000_000);
    this.healthy = new HealthyPids(this.made.fleet, (what) => this.fail(what));
    this.story = new Story(
      this.made,
      this.random,
      journals,
      (what) => this.fail(what),
      (trial) => {
        this.plannedIs(trial.rollout);
        return [...witnessesOf(trial), this.healthy];
      },
    );
  }

  async killedOnly(): Promise<void> {
    const { options } = this.made;
    for (let kills = 0; ; kills++) {
      const killAfterEvent = kills < MOST_KILLS ? this.random.whole(1, 40) : Infinity;
      const called = await this.call({ options, interference: {}, killAfterEvent });
      if (called.kind === "refused") return this.fail(`the resume was refused: ${called.reasons.join("; ")}`);
      if (called.kind === "stuck") return this.fail("a resume never ended");
      // Killed when all was done.
      if (called.kind === "finished") return this.judgeOnce();
      if (called.kind === "ended") return this.judgeAll(called);
    }
  }

  async amongFaults(): Promise<void> {
    const { random, made } = this;
    for (let calls = 0; calls < MOST_CALLS; calls++) {
      const killAfterEvent = random.chance(0.6) ? random.whole(1, 60) : Infinity;
      const interference = drawInterference(random);
      const limit = random.chance(0.3) ? this.someHosts() : [];
      const called = await this.call({ limit, options: made.options, interference, killAfterEvent });
      if (called.kind === "finished") return;
      if (called.kind === "stuck") return this.fail("a resume never ended");
      // Something of the killed one still acts there, for hours.
      if (made.fleet.isActing) return;
      if (called.kind === "ended" && called.outcome === "succeeded") return;
      this.wait(random.whole(0, random.pick([1000, 100_000])));
      if (random.chance(0.2)) made.fleet.deploy();
    }
    // What fails by design fails for ever.
    if (failingByDesign(made.plan, made.fleet).length === 0) await this.judgeRepaired();
  }

  /**
   * Whatever went wrong before: once nothing does, resumes complete it. One is enough, unless it finds that
   * what nobody knew of has failed: that is restarted by the next.
   */
  private async judgeRepaired(): Promise<void> {
    this.repair();
    for (let calls = 1; ; calls++) {
      const called = await this.call({ options: goingWell(this.made.options), interference: {} });
      if (called.kind === "finished") return;
      if (called.kind === "refused") return this.judgeRefused(called.reasons);
      if (called.kind !== "ended") return this.fail("once all was repaired it never ended");
      // What is down stays down until its turn.
      if (isForetold(called.rollout, called.events)) return;
      if (called.outcome === "succeeded") return this.judgeNothingLeft();
      if (this.isByDesign(called.events)) return;
      // One whose progress_deadline is shorter than a restart gets one done at a time.
      if (called.events.some(({ type }) => type === "instance.healthy")) calls--;
      else if (calls === MOST_CALLS)
        return this.fail(`once all was repaired it ended ${called.outcome}: ${reasonsOf(called.events)}`);
    }
  }

  /** What did its work when the rollout began, and is no one-shot to the plan, fails whenever it ends. */
  private isByDesign(events: readonly RolloutEvent[]): boolean {
    const failures = events.filter((event) => event.type === "instance.failed");
    return (
      failures.length > 0 &&
      failures.every(
        ({ host, instance, code }) =>
          code === "exited" &&
          this.made.fleet.known(host, instance)?.isOneShot === true &&
          allSettingsOf(this.made.plan, host, instance).every(({ exited }) => exited === "skip"),
      )
    );
  }

  /** Another user may have stopped so many, or started what was the only one, that the floor has none to spare. */
  private judgeRefused(reasons: readonly string[]): void {
    const { made } = this;
    const counted: InstanceName[] = [];
    for (const [host, processes] of made.fleet.hosts)
      for (const [instance, { state }] of processes) {
        const isLeft = state === "STOPPED" && !this.planned.has(keyOf({ host, instance }));
        if (!isLeft) counted.push(instance);
      }
    const isImpossible = floorsFor(made.plan, counted).some(({ floor, total }) => floor >= total);
    if ((isImpossible || this.hasStopped) && reasons.every((reason) => reason.startsWith("floor_impossible"))) return;
    this.fail(`once all was repaired it was refused: ${reasons.join("; ")}`);
  }

  private async call(call: Call): Promise<Invocation> {
    const called = await this.story.call(call);
    if ("events" in called) for (const event of called.events) this.see(event);
    if ("rollout" in called) this.last = called.rollout;
    if (called.kind === "finished") for (const key of this.planned.keys()) this.judgeDone(key);
    if (called.kind === "killed") this.forgetLost(called.lost);
    if (called.kind === "killed") this.judgeKept(called.resumed);
    if (called.kind === "ended" && called.outcome === "succeeded")
      for (const key of this.planned.keys()) this.judgeDone(key);
    return called;
  }

  /** No resume can know that one became healthy which, as far as the journals say, has failed. */
  private forgetLost(lost: readonly RolloutEvent[]): void {
    for (const event of lost)
      if (event.type === "instance.healthy" && this.failed.has(keyOf(event))) this.healthy.forget(keyOf(event));
  }

  /** What its journal says of the killed one must be enough for who reads it. */
  private judgeKept(resumed: ResumedRollout | undefined): void {
    const { instances = [], hosts = [], batches = [], waves = [] } = resumed?.leftDrained ?? {};
    const together = new Set([
      ...batches.flatMap(({ group, hosts: some }) => some.map((host) => `before_batch ${group} ${host}`)),
      ...waves.flatMap(({ group, hosts: some }) => some.map((host) => `before_wave ${group} ${host}`)),
    ]);
    for (const name of this.made.fleet.drainedTogether)
      if (!together.has(name) && resumed) this.fail(`${name} may be drained, and no journal says so`);
    const named = new Set<string>([...instances.map(keyOf), ...hosts]);
    for (const name of this.made.fleet.drained)
      // A host on which all is done has no turn.
      if (!named.has(name) && (resumed || name.includes(" ")))
        this.fail(`${name} may be drained, and no journal says so`);
  }

  private plannedIs(rollout: Rollout): void {
    if (rollout.resumes !== undefined) return;
    this.planned.clear();
    this.fates.clear();
    for (const { host, batches } of worksOf(rollout))
      for (const { instances } of batches)
        for (const one of instances) this.planned.set(keyOf({ host, instance: one.instance }), one);
  }

  private see(event: RolloutEvent): void {
    if (event.type === "instance.failed") for (const key of failedIn(event)) this.failed.add(key);
    if (event.type === "instance.healthy" || event.type === "instance.skipped") this.failed.delete(keyOf(event));
    if (event.type === "rollout.planned")
      for (const skipped of event.skipped) this.fates.set(keyOf(skipped), "instance.skipped");
    else if (event.type === "instance.failed") for (const key of failedIn(event)) this.fates.set(key, event.type);
    else if (event.type.startsWith("instance.") && "instance" in event && event.host && event.instance)
      this.fates.set(keyOf({ host: event.host, instance: event.instance }), event.type);
  }

  /** Nothing that the first rollout was about is failed, unknown or untouched. */
  private judgeDone(key: string): void {
    // What Supervisor no longer lists can never be done; a resume warns of it.
    if (this.made.fleet.removed.has(key)) return;
    const [host = "", instance = ""] = key.split(" ");
    const isThere = this.made.fleet.hosts.get(host as HostName)?.has(instance as InstanceName);
    // What an update was to remove, and has, needs no word of a resume.
    if (this.planned.get(key)?.action === "remove" && !isThere) return;
    const fate = this.fates.get(key);
    if (fate !== "instance.healthy" && fate !== "instance.skipped")
      this.fail(`it is done, and of ${key} the last word is ${fate ?? "none"}`);
  }

  /** Without faults all of it was restarted, once. */
  private judgeAll({ outcome, rollout, events }: Extract<Invocation, { kind: "ended" }>): void {
    if (isForetold(rollout, events)) return;
    if (outcome !== "succeeded") return this.fail(`it ended ${outcome}: ${reasonsOf(events)}`);
    this.judgeOnce();
  }

  private judgeOnce(): void {
    for (const [host, processes] of this.made.fleet.hosts)
      for (const [instance, process] of processes) {
        const { stopsAtMs, spawns, state, isWorker, signals } = process;
        const key = keyOf({ host, instance });
        const planned = this.planned.get(key);
        const stops = stopsAtMs.length;
        // A worker may have got another process by itself between the announcement of its restart and a kill.
        const isStopped = stops === stopsOf(planned) || (isWorker && stops === 0);
        if (!isStopped) this.fail(`${key} was stopped ${stops} times`);
        // Of one that was signalled when the controller was killed, nobody knows whether it was.
        if (signals.length > (planned?.signal === undefined ? 0 : 1))
          this.fail(`${key} was signalled ${signals.length} times`);
        const starts = spawns.filter(({ release, loadedAtMs }) => release > 0 && loadedAtMs === undefined).length;
        if (!this.isAsPlanned(planned, process, starts)) this.fail(`${key} was left ${state} after ${starts} starts`);
      }
    this.judgeUpdates();
    this.judgeDrains();
  }

  private isAsPlanned(planned: PlannedInstance | undefined, process: SimProcess, starts: number): boolean {
    const { state, isWorker } = process;
    const isUp = state === "RUNNING" || process.hasCompleted || process.isBetween;
    if (planned === undefined) return starts === 0 || isWorker;
    if (planned.action === "stop" || planned.action === "remove") return !isUp && (starts === 0 || isWorker);
    return isUp && (planned.signal === undefined ? starts > 0 : starts === 0 || isWorker);
  }

  /** No group that was to be updated is left removed, or stopped, or as it was. */
  private judgeUpdates(): void {
    const { fleet } = this.made;
    for (const [key, { action, instance }] of this.planned) {
      if (action !== "update" && action !== "remove") continue;
      const [host = ""] = key.split(" ");
      const change = fleet.disks.changeOf(host as HostName, programOf(instance));
      if (change !== undefined) this.fail(`${key} was not updated: its group is ${change}`);
    }
  }

  /** All that was planned serves, from the new release, unless another user stopped it on purpose. */
  private judgeNothingLeft(): void {
    const { fleet } = this.made;
    for (const [key, planned] of this.planned) {
      const [host = "", instance = ""] = key.split(" ");
      const process = fleet.known(host as HostName, instance as InstanceName);
      if (!process) {
        this.fail(`${key} is not there`);
        continue;
      }
      if (planned.action === "stop" || planned.action === "remove") {
        const isOld = process.spawn?.release === 0 && process.spawn.atMs <= 0;
        if (isOld && process.state === "RUNNING") this.fail(`${key} was left ${process.state}`);
        continue;
      }
      // A signal is for what runs: what has broken before it got one is left as it is, and named.
      if (planned.signal !== undefined && this.fates.get(key) === "instance.skipped") continue;
      if (process.wasStoppedByHand && process.state === "STOPPED") continue;
      if (process.hasCompleted || process.isBetween) continue;
      // What has completed is not run again, be its supervisord another one by now.
      if (process.isOneShot && this.healthy.wasProven(key)) continue;
      // Whether what was proven still serves is not asked again.
      const isProven = this.healthy.wasProven(key);
      if (process.state !== "RUNNING" || !(process.serves || isProven)) this.fail(`${key} was left ${process.state}`);
      // Whether a signal has arrived nobody may know.
      else if (process.spawn?.release === 0 && planned.signal === undefined)
        this.fail(`${key} was left on the old release`);
    }
    this.judgeUpdates();
    this.judgeDrains();
  }

  private someHosts(): HostName[] {
    const hosts = [...this.made.fleet.hosts.keys()];
    const some = hosts.filter(() => this.random.chance(0.5));
    return some.length > 0 ? some : [this.random.pick(hosts)];
  }

  private get hasStopped(): boolean {
    const processes = [...this.made.fleet.hosts.values()].flatMap((ofHost) => [...ofHost.values()]);
    return processes.some(({ state, wasStoppedByHand }) => state === "STOPPED" && wasStoppedByHand);
  }

  private judgeDrains(): void {
    const { fleet, plan } = this.made;
    for (const name of fleet.drainedTogether) {
      const [hook = "", group] = name.split(" ");
      const undoes = hook === "before_batch" ? "after_batch" : "after_wave";
      const { waves = [] } = this.last ?? {};
      // A group with nothing left to restart has no wave: its hosts are named in the report.
      const wave = waves.find((one) => one.group === group);
      if (wave?.hooks?.[undoes] && wave.hooks[undoes].on_error !== "warn") this.fail(`${name} was left drained`);
    }
    for (const name of fleet.drained) {
      const [host = "", instance] = name.split(" ");
      // A host with nothing left to restart has no turn, nor has what another user stopped: they are named in the report.
      if (instance === undefined || fleet.known(host as HostName, instance as InstanceName)?.wasStoppedByHand) continue;
      // One that is down on purpose is not to serve.
      const action = this.planned.get(name)?.action;
      if (action === "stop" || action === "remove") continue;
      // The plan has it that a failure to put it back is only a warning.
      const settings = allSettingsOf(plan, host as HostName, instance as InstanceName);
      if (settings.some(({ hooks }) => hooks.after_healthy?.on_error === "warn")) continue;
      this.fail(`${name} was left drained`);
    }
  }

  private repair(): void {
    const { fleet, plagues } = this.made;
    plagues.end();
    fleet.repair();
    // What is slow has time to end.
    this.wait(600_000);
  }

  private wait(ms: number): void {
    const { time } = this.made;
    const untilMs = time.now + ms;
    time.at(untilMs, () => undefined);
    time.run(() => time.now >= untilMs);
  }

  private fail(what: string): void {
    this.violations.push(`${(this.made.time.now / 1000).toFixed(1)} s: ${what}`);
  }
}

/** How often an instance is stopped, if nothing goes wrong. */
function stopsOf(planned: PlannedInstance | undefined): number {
  switch (planned?.action) {
    case "restart":
    case "stop":
      return 1;
    case "update":
    case "remove":
      return UP.has(planned.before.state) ? 1 : 0;
    case "start":
    case "signal":
    case "gate":
    case undefined:
      return 0;
  }
}

const UP: ReadonlySet<string> = new Set(["RUNNING", "STARTING", "BACKOFF"]);

/** The same, and nothing gets in the way. */
function goingWell({ lookMs, clockOffMs }: SimulateOptions): SimulateOptions {
  return {
    ...(lookMs && { lookMs }),
    ...(clockOffMs && { clockOffMs }),
    onQuestion: () => ({ answer: "stop", afterMs: 0 }),
  };
}

function reasonsOf(events: readonly RolloutEvent[]): string {
  return events
    .flatMap((event) => (event.type === "rollout.halted" || event.type === "instance.failed" ? [event.reason] : []))
    .join("; ");
}
