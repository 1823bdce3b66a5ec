import { setTimeout as rest } from "node:timers/promises";
import { EXIT, type ExitCode } from "../../domain/failures.ts";
import type { HostName, RolloutId } from "../../domain/ids.ts";
import { printable } from "../../domain/printable.ts";
import type { Rollout } from "../../domain/rollout.ts";
import { Deadline } from "../../executor/deadline.ts";
import { Executor } from "../../executor/executor.ts";
import { systemClock } from "../../executor/system-clock.ts";
import type { BugEnd } from "../terminal/bug.ts";
import type { OpenedWorld } from "../prepare/fleet.ts";
import { EXIT_OF, type Preflight } from "../prepare/preflight.ts";
import { onSignals } from "../terminal/signals.ts";

/** How long the orderly release of hosts may take. What takes longer is dropped as by a kill, which does no harm. */
const CLOSING_MS = 15_000;
/** Likewise for an operator who does not want to wait. */
const LEAVING_MS = 1000;

/** What a rollout has come to. */
export interface CarriedOut {
  readonly code: ExitCode;
  /** It has halted and is to be reverted now. Left out where it is not. */
  readonly toRevert?: {
    /** Waits until nothing of it can act any longer, for so long. @returns hosts where something still may */
    settle(longestMs: number): Promise<ReadonlySet<HostName>>;
  };
}

/**
 * The life of a rollout in this process, from the first look at its hosts to the end of its record. However it ends, the
 * journal is kept, the hosts are released and the terminal is restored, each whether or not the others could be. A rollout
 * that is reverted has its revert as its heir, with a record of its own on the same hosts.
 */
export class Lifetime {
  private preflight: Preflight;
  private readonly world: OpenedWorld;
  private readonly bugEnd: BugEnd;
  private executor: Executor | undefined;
  private ending: Promise<string | undefined> | undefined;
  private wasInterrupted = false;
  /** What the process returns, whatever else follows. */
  private settledCode: ExitCode | undefined;
  /** Resolves when the operator does not want to wait for anything. */
  private readonly left: Promise<void>;
  private leave!: () => void;

  constructor(preflight: Preflight, world: OpenedWorld, bugEnd: BugEnd) {
    this.preflight = preflight;
    this.world = world;
    this.bugEnd = bugEnd;
    this.left = new Promise((resolve) => (this.leave = resolve));
  }

  /** The operator has interrupted it, at any time. */
  get isInterrupted(): boolean {
    return this.wasInterrupted;
  }

  /** @param work all that is to be done; it may {@link carryOut} a rollout */
  async live(work: () => Promise<ExitCode>): Promise<ExitCode> {
    const stopListening = onSignals({
      finish: (signal) => {
        this.wasInterrupted = true;
        if (this.executor) this.executor.interrupt(signal);
        else this.preflight.interrupt(this.world.fleet);
      },
      leave: () => {
        this.executor?.abandon();
        this.leave();
      },
    });
    const forget = this.bugEnd.after((bug) => this.endWithBug(bug));
    try {
      const ended = await Promise.race([work(), this.leftTooSoon()]);
      const code = this.settledCode ?? ended;
      const problem = await this.end();
      if (problem === undefined) return code;
      process.stderr.write(notWhole(this.preflight.id, problem));
      return code === EXIT.done ? EXIT.halted : code;
    } catch (bug) {
      await this.endWithBug(bug);
      throw bug;
    } finally {
      forget();
      stopListening();
    }
  }

  async carryOut(rollout: Rollout): Promise<CarriedOut> {
    const executor = new Executor(rollout, this.world, this.preflight.recorder, systemClock);
    this.executor = executor;
    const code = EXIT_OF[await executor.run()];
    if (!executor.isToBeReverted) return { code };
    return {
      code,
      toRevert: {
        async settle(longestMs) {
          await new Deadline(longestMs).of(executor.settled());
          return executor.actingOn;
        },
      },
    };
  }

  /**
   * Ends the record of a rollout that has halted, and continues with its revert. What the process returns is settled.
   *
   * @param heir makes what takes its place, once its views have ended
   * @returns undefined if its record is not whole, or if the operator has interrupted it
   */
  async hand<Heir extends { readonly preflight: Preflight }>(
    code: ExitCode,
    heir: () => Promise<Heir | undefined>,
  ): Promise<Heir | undefined> {
    this.settledCode = code;
    const problem = await this.preflight.recorder.end();
    if (problem !== undefined) process.stderr.write(notWhole(this.preflight.id, problem));
    if (problem !== undefined || this.wasInterrupted) return undefined;
    const next = await heir();
    if (!next) return undefined;
    this.preflight = next.preflight;
    this.executor = undefined;
    // Without an executor a signal would have gone to the rollout that has ended.
    if (this.isInterrupted) this.preflight.interrupt(this.world.fleet);
    return next;
  }

  /** A rollout that has started ends by itself when it is left. */
  private async leftTooSoon(): Promise<ExitCode> {
    await this.left;
    return this.executor ? new Promise(() => undefined) : this.preflight.endInterrupted();
  }

  private async endWithBug(bug: unknown): Promise<void> {
    this.executor?.fail(bug);
    await this.end().catch(() => undefined);
  }

  /** @returns why the record is not whole, if it is not */
  private end(): Promise<string | undefined> {
    const enough = this.left.then(() => rest(LEAVING_MS, undefined));
    return (this.ending ??= Promise.race([this.keepAndRelease(), enough]));
  }

  private async keepAndRelease(): Promise<string | undefined> {
    const { recorder } = this.preflight;
    // The next holder of the locks must find everything that was done.
    await recorder.durable();
    const [recorded, released] = await Promise.allSettled([
      recorder.end(),
      new Deadline(CLOSING_MS).of(this.world.close()),
    ]);
    if (released.status === "rejected") throw released.reason;
    if (recorded.status === "rejected") throw recorded.reason;
    return recorded.value;
  }
}

function notWhole(id: RolloutId, problem: string): string {
  return [
    `orchestrate: the journal of rollout ${id} is not whole: ${printable(problem)}`,
    "  Its last steps are only in the report above: a resume would not know about them.",
    "  Free disk space for the state directory before the next rollout.",
    "",
  ].join("\n");
}
