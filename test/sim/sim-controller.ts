import type { Outcome, RecordedEvent, RolloutEvent } from "../../src/domain/events.ts";
import type { FleetReport } from "../../src/domain/fleet.ts";
import type { HostName, RolloutId } from "../../src/domain/ids.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { askChecks, beforeRestartWarnings, questionsOf } from "../../src/executor/ask-checks.ts";
import { discover } from "../../src/executor/discovery.ts";
import { Executor } from "../../src/executor/executor.ts";
import type { Clock, Journal } from "../../src/executor/ports.ts";
import { Recorder } from "../../src/executor/recorder.ts";
import { hostsToReread } from "../../src/planner/build/group-updates.ts";
import { hostsWhereExitsCount } from "../../src/planner/build/expected-exits.ts";
import type { Plan } from "../../src/planner/plan/plan.ts";
import { selectsProgram } from "../../src/planner/build/picking.ts";
import type { Input } from "../../src/rollout/messages.ts";
import type { SimFleet } from "./sim-fleet.ts";
import { SimWorld, type WorldOptions } from "./sim-world.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** For so long a resume waits for the lock of the rollout that was killed. */
const LONGEST_LOCK_MS = 3_600_000;

const EPOCH_MS = Date.UTC(2026, 10, 22, 10);

/** What comes to a rollout from outside. */
export type FedInput = Extract<Input, { type: "interrupted" | "abandoned" | "lock_lost" }>;

export type SimEvent = RecordedEvent & { readonly atMs: number };

export interface ControllerOptions extends WorldOptions {
  /** Invocation with each event as it happens, and a way to tell the rollout something. */
  readonly onEvent?: (event: RolloutEvent, feed: (input: FedInput) => void) => void;
  /** Why the journal cannot be written now; default: it can. */
  readonly journalProblem?: () => string | undefined;
  /** How long it takes until what is written survives a power cut; default: no time. */
  readonly journalMs?: () => number;
  /** By how much the wall clock is off now: it may jump either way. */
  readonly clockOffMs?: () => number;
  /** The controller is killed right after so many events of the rollout, before anything that follows is done. */
  readonly killAfterEvent?: number;
  /** False: only counts, for fleets whose events would fill the memory. */
  readonly keepEvents?: boolean;
}

/** One process of orchestrate, in virtual time: the real recorder and executor over simulated ports. */
export class SimController {
  readonly world: SimWorld;
  readonly recorder: Recorder;
  readonly events: SimEvent[] = [];
  readonly journal: SimJournal;
  private readonly fleet: SimFleet;
  private readonly time: VirtualTime;
  private readonly clock: Clock;
  private readonly options: ControllerOptions;
  private executor: Executor | undefined;
  private isKilled = false;
  /** How many events there were when the rollout began. */
  private before = 0;

  constructor(id: RolloutId, fleet: SimFleet, time: VirtualTime, options: ControllerOptions) {
    this.fleet = fleet;
    this.time = time;
    this.options = options;
    const isDead = () => this.isKilled;
    this.clock = {
      monotonicMs: () => time.now,
      now: () => new Date(EPOCH_MS + time.now + (options.clockOffMs?.() ?? 0)),
      wakeAt: (atMs, callback) => time.at(atMs, () => this.isKilled || callback()),
    };
    this.world = new SimWorld(fleet, time, isDead, options);
    this.journal = new SimJournal(time, isDead, options);
    this.recorder = new Recorder(id, this.clock, [{ show: (event) => this.show(event), end: () => Promise.resolve() }]);
  }

  /** Looks at the fleet, as a preflight does. */
  discover(plan: Plan): Promise<FleetReport> {
    const { time, world } = this;
    const wait = (ms: number) => new Promise<void>((resolve) => time.after(ms, resolve));
    const atRest = { isAsked: selectsProgram(plan), wait };
    const counting = hostsWhereExitsCount(plan);
    const histories = (host: HostName) => counting.has(host);
    const rereadOn = hostsToReread(plan);
    const options = { withConfig: true, rereadOn, processes: () => true, histories, atRest };
    return time.until(discover(world.fleet, this.recorder, options));
  }

  /** Asks the checks of a rollout before it begins, as a preflight does, and warns of those that do not pass. */
  async withCheckWarnings(rollout: Rollout): Promise<Rollout> {
    const answers = await this.time.until(askChecks(this.world.fleet, questionsOf(rollout), this.clock));
    return { ...rollout, warnings: [...rollout.warnings, ...beforeRestartWarnings(answers)] };
  }

  /** From now on events are kept, those of before as well. Returns why they cannot be. */
  keep(): Promise<string | undefined> {
    this.recorder.keepIn(this.journal);
    return this.time.until(this.recorder.durable());
  }

  /** Its rollout has halted and is to be reverted by itself. */
  get isToBeReverted(): boolean {
    return this.executor?.isToBeReverted === true;
  }

  /** Waits until nothing that it has sent can act any longer, for so long. @returns hosts where something still may */
  async settle(longestMs: number): Promise<ReadonlySet<HostName>> {
    const { executor, time } = this;
    if (!executor) return new Set();
    const late = new Promise<void>((resolve) => time.after(longestMs, resolve));
    await time.until(Promise.race([executor.settled(), late]));
    return executor.actingOn;
  }

  get wasKilled(): boolean {
    return this.isKilled;
  }

  /**
   * Carries a rollout out, to its end or until the controller is killed. Then nothing of it can still act, unless
   * that takes too long.
   * @returns undefined if it was killed, or never ended
   */
  async run(rollout: Rollout): Promise<Outcome | undefined> {
    const { time, fleet, world, recorder, journal } = this;
    this.before = journal.appended;
    const executor = (this.executor = new Executor(rollout, world, recorder, this.clock));
    const running = executor.run();
    const over = { is: false };
    const end = () => (over.is = true);
    running.then(end, end);
    await time.play(() => over.is || this.isKilled);
    if (over.is && !this.isKilled) return running;
    // Its lock is free only when none of its commands can still act; nobody waits for it for ever.
    const waitUntilMs = time.now + LONGEST_LOCK_MS;
    if (this.isKilled && fleet.isActing) time.run(() => !fleet.isActing || time.now > waitUntilMs);
    return undefined;
  }

  private show(event: RecordedEvent): void {
    const { time, world, options } = this;
    world.see(event);
    if (this.isKilled) return;
    if (options.keepEvents !== false) this.events.push({ ...event, atMs: time.now });
    options.onEvent?.(event, (input) => void time.after(0, () => this.isKilled || this.feed(input)));
    const { killAfterEvent = Infinity } = options;
    this.isKilled = this.executor !== undefined && this.journal.appended - this.before >= killAfterEvent;
  }

  private feed(input: FedInput): void {
    if (input.type === "interrupted") this.executor?.interrupt(input.signal);
    else if (input.type === "abandoned") this.executor?.abandon();
    else for (const host of this.fleet.hosts.keys()) this.world.loseLock(host, input.reason);
  }
}

/** Knows how many events are kept for certain; the events themselves go to a view. */
class SimJournal implements Journal {
  appended = 0;
  durableCount = 0;
  private readonly time: VirtualTime;
  private readonly isDead: () => boolean;
  private readonly options: ControllerOptions;

  constructor(time: VirtualTime, isDead: () => boolean, options: ControllerOptions) {
    this.time = time;
    this.isDead = isDead;
    this.options = options;
  }

  append(): void {
    if (!this.isDead()) this.appended++;
  }

  async durable(): Promise<string | undefined> {
    const { appended } = this;
    const takesMs = this.options.journalMs?.() ?? 0;
    if (takesMs > 0) await new Promise<void>((resolve) => this.time.after(takesMs, resolve));
    if (this.isDead()) return new Promise(() => undefined);
    const problem = this.options.journalProblem?.();
    if (problem === undefined) this.durableCount = Math.max(this.durableCount, appended);
    return problem;
  }

  close(): Promise<string | undefined> {
    return this.durable();
  }
}
