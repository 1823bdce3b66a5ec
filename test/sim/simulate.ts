import type { Outcome, RecordedEvent, RolloutEvent } from "../../src/domain/events.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { Executor } from "../../src/executor/executor.ts";
import type { Clock, Journal } from "../../src/executor/ports.ts";
import { Recorder } from "../../src/executor/recorder.ts";
import type { Input } from "../../src/rollout/messages.ts";
import type { SimFleet } from "./sim-fleet.ts";
import { SimWorld, type WorldOptions } from "./sim-world.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** For so long a resume waits for the lock of the rollout that was killed. */
const LONGEST_LOCK_MS = 3_600_000;

const EPOCH_MS = Date.UTC(2026, 10, 22, 10);

export interface Simulated {
  /** Undefined if the controller was killed, or the rollout never ended. */
  readonly outcome: Outcome | undefined;
  readonly events: readonly (RecordedEvent & { readonly atMs: number })[];
  /** How many of them were kept for certain at the end. */
  readonly durable: number;
  /** Instances to which a change was sent while another still acted on them. */
  readonly doubled: readonly string[];
  /** A command of it can still act, and nobody waits for a lock for ever. */
  readonly isLocked: boolean;
}

/** What comes to a rollout from outside. */
export type Told = Extract<Input, { type: "interrupted" | "abandoned" | "lock_lost" }>;

export interface SimulateOptions extends WorldOptions {
  /** Called with each event as it happens, and a way to tell the rollout something. */
  readonly onEvent?: (event: RolloutEvent, tell: (told: Told) => void) => void;
  /** Why the journal cannot be written now; default: it can. */
  readonly journalProblem?: () => string | undefined;
  /** How long it takes until what is written survives a power cut; default: no time. */
  readonly journalMs?: () => number;
  /** By how much the wall clock is off now: it may jump either way. */
  readonly clockOffMs?: () => number;
  /** The controller is killed right after the event with this number, before anything that follows from it is done. */
  readonly killAfterEvent?: number;
  /** False: only counts, for fleets whose events would fill the memory. */
  readonly keepEvents?: boolean;
}

/** Runs a rollout by the real executor over a simulated fleet, in virtual time. The same inputs give the same run. */
export async function simulate(
  rollout: Rollout,
  fleet: SimFleet,
  time: VirtualTime,
  options: SimulateOptions = {},
): Promise<Simulated> {
  const { onEvent, clockOffMs, killAfterEvent = Infinity, keepEvents = true } = options;
  const events: (RecordedEvent & { atMs: number })[] = [];
  let isKilled = false;
  const isDead = () => isKilled;
  const clock: Clock = {
    monotonicMs: () => time.now,
    now: () => new Date(EPOCH_MS + time.now + (clockOffMs?.() ?? 0)),
    wakeAt: (atMs, callback) => time.at(atMs, () => isKilled || callback()),
  };
  const world = new SimWorld(fleet, time, isDead, options);
  const journal = new SimJournal(time, isDead, options);
  const tell = (told: Told) => void time.after(0, () => isKilled || toExecutor(told));
  const show = (event: RecordedEvent) => {
    world.see(event);
    if (isKilled) return;
    if (keepEvents) events.push({ ...event, atMs: time.now });
    onEvent?.(event, tell);
    isKilled = journal.appended >= killAfterEvent;
  };
  const recorder = new Recorder(rollout.id, clock, [{ show, end: () => Promise.resolve() }]);
  recorder.keepIn(journal);
  const executor = new Executor(rollout, world, recorder, clock);
  const toExecutor = (told: Told) => {
    if (told.type === "interrupted") executor.interrupt(told.signal);
    else if (told.type === "abandoned") executor.abandon();
    else for (const host of fleet.hosts.keys()) world.loseLock(host, told.reason);
  };

  const running = executor.run();
  const over = { is: false };
  const end = () => (over.is = true);
  running.then(end, end);
  await time.play(() => over.is || isKilled);
  const outcome = over.is ? await running : undefined;
  // The lock of a killed controller is free only when none of its commands can act any more.
  const waitUntilMs = time.now + LONGEST_LOCK_MS;
  if (isDead() && world.isActing) time.run(() => !world.isActing || time.now > waitUntilMs);
  return {
    outcome,
    events,
    durable: journal.durableCount,
    doubled: world.doubled,
    isLocked: world.isActing,
  };
}

/** Knows how many events are kept for certain; the events themselves go to a view. */
class SimJournal implements Journal {
  appended = 0;
  durableCount = 0;
  private readonly time: VirtualTime;
  private readonly isDead: () => boolean;
  private readonly options: SimulateOptions;

  constructor(time: VirtualTime, isDead: () => boolean, options: SimulateOptions) {
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
