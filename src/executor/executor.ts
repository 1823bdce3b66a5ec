import type { Outcome } from "../domain/events.ts";
import { type HostName, keyOf, type InstanceKey } from "../domain/ids.ts";
import type { ChangeOutcome, HookOutcome } from "../domain/outcomes.ts";
import type { Rollout } from "../domain/rollout.ts";
import type { HookName } from "../domain/settings.ts";
import { Machine } from "../rollout/machine.ts";
import type { Command, Input, OfChange } from "../rollout/messages.ts";
import type { Clock, RolloutHost, World } from "./ports.ts";
import type { Recorder } from "./recorder.ts";

/**
 * The only loop: carries the machine's commands to the ports and what comes of them back to the machine.
 * It decides nothing. One input is handled at a time, in the order in which they happened.
 */
export class Executor {
  private readonly machine: Machine;
  private readonly world: World;
  private readonly recorder: Recorder;
  private readonly clock: Clock;
  /** Withdraws the question that is open. */
  private question = new AbortController();
  /** When the last change of each instance was sent. */
  private readonly sentAtMs = new Map<InstanceKey, number>();
  private readonly wakes = new Map<HostName | undefined, { cancel(): void }>();
  private readonly ended: Promise<Outcome>;
  private resolveEnded!: (outcome: Outcome) => void;
  private rejectEnded!: (bug: unknown) => void;
  /** Changes that have not returned. */
  private readonly acting = new Map<HostName, Set<Promise<unknown>>>();
  /** Hosts where the channel of a change was lost. */
  private readonly lostOn = new Set<HostName>();
  private reverts = false;
  /** A bug was seen: what this knows can be trusted no longer. */
  private hasFailed = false;

  constructor(rollout: Rollout, world: World, recorder: Recorder, clock: Clock) {
    this.machine = new Machine(rollout, { asks: world.operator.isThere });
    this.world = world;
    this.recorder = recorder;
    this.clock = clock;
    this.ended = new Promise((resolve, reject) => {
      this.resolveEnded = resolve;
      this.rejectEnded = reject;
    });
  }

  /** Runs the rollout to its end. Rejects only on a bug. */
  async run(): Promise<Outcome> {
    this.feed({ type: "begin" });
    for (const { lock } of this.world.fleet.values())
      void lock.lost.then(({ reason }) => this.feed({ type: "lock_lost", reason }));
    try {
      return await this.ended;
    } finally {
      this.question.abort();
      for (const wake of this.wakes.values()) wake.cancel();
    }
  }

  /** At its end: whether it has halted and is to be reverted now. */
  get isToBeReverted(): boolean {
    return this.reverts;
  }

  /** The hosts on which a change that was sent may still act. */
  get actingOn(): ReadonlySet<HostName> {
    return new Set([...[...this.acting.keys()].filter((host) => this.acting.get(host)?.size), ...this.lostOn]);
  }

  /** Resolves once no change on any host can act any longer, as far as that can be known: {@link actingOn} says where not. */
  async settled(): Promise<void> {
    await Promise.all(
      [...this.actingOn].map(async (host) => {
        await Promise.all([...(this.acting.get(host) ?? [])]);
        if (!this.lostOn.has(host)) return;
        const { kind } = await this.host(host).lock.awaitOutcome();
        if (kind === "ended") this.lostOn.delete(host);
      }),
    );
  }

  /** No new restarts; those in progress finish their gate. */
  interrupt(signal: string): void {
    this.feed({ type: "interrupted", signal });
  }

  /** Leaves now, whatever is in progress. */
  abandon(): void {
    this.feed({ type: "abandoned" });
  }

  /** Ends it here, for a bug: nothing more is decided or started, and `run` rejects. */
  fail(bug: unknown): void {
    this.hasFailed = true;
    this.rejectEnded(bug);
  }

  private feed(input: Input): void {
    if (this.hasFailed) return;
    try {
      for (const command of this.machine.handle(input, this.clock.monotonicMs())) this.carryOut(command);
    } catch (bug) {
      this.fail(bug);
    }
  }

  private carryOut(command: Command): void {
    switch (command.type) {
      case "emit":
        this.recorder.record(command.event);
        break;
      case "look": {
        const { host } = command;
        this.answer(this.host(host).supervisor.look(), (outcome) => ({ type: "looked", host, outcome }));
        break;
      }
      case "change": {
        this.answer(this.change(command), (outcome) => ({ type: "changed", ...subjectOf(command), outcome }));
        break;
      }
      case "await_outcome": {
        const { type: _, ...of } = command;
        this.answer(this.host(of.host).lock.awaitOutcome(), (outcome) => ({ type: "outcome_known", ...of, outcome }));
        break;
      }
      case "reread": {
        const { host } = command;
        this.answer(this.host(host).supervisor.reread(), (outcome) => ({ type: "reread_done", host, outcome }));
        break;
      }
      case "read_history": {
        const { host, instances } = command;
        this.answer(this.host(host).supervisor.histories(instances), (histories) => ({
          type: "history_read",
          host,
          histories,
        }));
        break;
      }
      case "look_at_processes": {
        const { host, query } = command;
        this.answer(this.host(host).processes.look(query), (outcome) => ({ type: "processes_seen", host, outcome }));
        break;
      }
      case "check": {
        const { host, instance, index, check, pid, ...more } = command;
        this.answer(this.host(host).checker.check(check, { instance, pid, ...more }), (outcome) => ({
          type: "checked",
          host,
          instance,
          index,
          pid,
          outcome,
        }));
        break;
      }
      case "run_hook":
        this.runHook(command);
        break;
      case "ask":
        this.ask(command);
        break;
      case "withdraw_question":
        this.question.abort();
        break;
      case "read_log": {
        const { host, instance } = command;
        const msSinceRestart = () => {
          const atMs = this.sentAtMs.get(keyOf({ host, instance }));
          return atMs === undefined ? undefined : this.clock.monotonicMs() - atMs;
        };
        this.answer(this.host(host).supervisor.tailLog(instance, msSinceRestart), (log) => ({
          type: "log_read",
          host,
          instance,
          log,
        }));
        break;
      }
      case "wake":
        this.wake(command.host, command.atMs);
        break;
      case "end":
        this.reverts = command.reverts;
        this.resolveEnded(command.outcome);
    }
  }

  /** An answer to a withdrawn question does not count. */
  private ask(command: Extract<Command, { type: "ask" }>): void {
    this.question.abort();
    const { signal } = (this.question = new AbortController());
    const { operator } = this.world;
    const answered =
      command.about === "pause"
        ? this.askToGoOn(signal)
        : operator.decide(command.answers, signal).then((answer): Input => ({ type: "decided", answer }));
    answered
      .then((input) => {
        if (!signal.aborted) this.feed(input);
      })
      .catch((bug: unknown) => this.fail(bug));
  }

  private async askToGoOn(withdrawn: AbortSignal): Promise<Input> {
    const { operator } = this.world;
    if (!operator.isThere) return { type: "interrupted", signal: "there is no terminal to ask at" };
    return { type: "answered", continues: await operator.mayContinue(withdrawn) };
  }

  private answer<T>(outcome: Promise<T>, toInput: (outcome: T) => Input): void {
    outcome.then((value) => this.feed(toInput(value))).catch((bug: unknown) => this.fail(bug));
  }

  /** Sends a change only once its announcement is kept: a resume must know of every change that can have happened. */
  private async change({ type: _, host, instances, ...change }: ChangeToSend): Promise<ChangeOutcome> {
    const { supervisor, changes } = this.host(host);
    const [problem] = await Promise.all([
      this.recorder.durable(),
      ...instances.map((instance) => supervisor.noteLogs(instance)),
    ]);
    if (problem === undefined) {
      for (const instance of instances) this.sentAtMs.set(keyOf({ host, instance }), this.clock.monotonicMs());
      const changed = changes.change(change);
      this.noteActing(host, changed);
      return changed;
    }
    this.feed({ type: "journal_failed", reason: problem });
    return { kind: "not_sent", reason: notKept(problem) };
  }

  private noteActing(host: HostName, changed: Promise<ChangeOutcome>): void {
    const ofHost = this.acting.get(host) ?? new Set();
    this.acting.set(host, ofHost);
    const over = changed.then(({ kind }) => {
      if (kind === "indeterminate") this.lostOn.add(host);
      ofHost.delete(over);
    });
    ofHost.add(over);
    over.catch((bug: unknown) => this.fail(bug));
  }

  private wake(host: HostName | undefined, atMs: number): void {
    this.wakes.get(host)?.cancel();
    this.wakes.set(
      host,
      this.clock.wakeAt(atMs, () => {
        this.wakes.delete(host);
        this.feed(host === undefined ? { type: "woken" } : { type: "woken", host });
      }),
    );
  }

  private runHook({ hook, command, ...subject }: Extract<Command, { type: "run_hook" }>): void {
    const { host, instance, step } = subject;
    const { on_error } = command;
    const runner = hook === "on_failure" || host === undefined ? this.world.hooks : this.host(host).hooks;
    const about = {
      ...(host === undefined ? {} : { host }),
      ...(instance === undefined ? {} : { instance }),
      ...(step && { step }),
      ...(on_error && { on_error }),
    };
    const outcome = this.hook(hook, () => runner.run(command, subject));
    this.answer(outcome, (ended) => ({ type: "hook_finished", hook, ...about, outcome: ended }));
  }

  /**
   * Like a change, a hook that may take something out of service is started only once its announcement is kept. One
   * that undrains, or that reports a failure, must still run.
   */
  private async hook(name: HookName, run: () => Promise<HookOutcome>): Promise<HookOutcome> {
    const problem = await this.recorder.durable();
    if (problem === undefined) return run();
    this.feed({ type: "journal_failed", reason: problem });
    return name.startsWith("before_") ? { kind: "not_run", reason: notKept(problem) } : run();
  }

  private host(host: HostName): RolloutHost {
    const opened = this.world.fleet.get(host);
    if (!opened) throw new Error(`the rollout names ${host}, which was not opened`);
    return opened;
  }
}

type ChangeToSend = Extract<Command, { type: "change" }>;

function subjectOf(change: ChangeToSend): OfChange {
  const { host } = change;
  return change.action === "update" ? { host, group: change.group } : { host, instance: change.instance };
}

function notKept(problem: string): string {
  return `the journal could not be written: ${problem}`;
}
