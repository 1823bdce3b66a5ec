import { setTimeout as rest } from "node:timers/promises";
import { EXIT, type ExitCode } from "../../domain/failures.ts";
import type { RolloutId } from "../../domain/ids.ts";
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

/**
 * The life of a rollout in this process, from the first look at its hosts to the end of its record. However it ends, the
 * journal is kept, the hosts are released and the terminal is restored, each whether or not the others could be.
 */
export class Lifetime {
  private readonly preflight: Preflight;
  private readonly world: OpenedWorld;
  private readonly bugEnd: BugEnd;
  private executor: Executor | undefined;
  private ending: Promise<string | undefined> | undefined;
  /** Resolves when the operator does not want to wait for anything. */
  private readonly left: Promise<void>;
  private leave!: () => void;

  constructor(preflight: Preflight, world: OpenedWorld, bugEnd: BugEnd) {
    this.preflight = preflight;
    this.world = world;
    this.bugEnd = bugEnd;
    this.left = new Promise((resolve) => (this.leave = resolve));
  }

  /** @param work all that is to be done; it may {@link carryOut} a rollout */
  async live(work: () => Promise<ExitCode>): Promise<ExitCode> {
    const stopListening = onSignals({
      finish: (signal) => {
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
      const code = await Promise.race([work(), this.leftTooSoon()]);
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

  async carryOut(rollout: Rollout): Promise<ExitCode> {
    this.executor = new Executor(rollout, this.world, this.preflight.recorder, systemClock);
    return EXIT_OF[await this.executor.run()];
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
