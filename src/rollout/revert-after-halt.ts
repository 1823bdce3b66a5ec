import type { EventOf, RolloutEvent } from "../domain/events.ts";
import type { HaltCode } from "../domain/failures.ts";
import { keyOf, type InstanceKey } from "../domain/ids.ts";
import { isDownAlready, worksOf, type Rollout } from "../domain/rollout.ts";

/** What `rollout.finished` says of the revert. */
type Revert = NonNullable<EventOf<"rollout.finished">["revert"]>;

/** Decides whether a rollout that has halted is reverted by itself (`on_failure: revert`). */
export class RevertAfterHalt {
  private readonly isWanted: boolean;
  /** The rollouts that this one resumes have restarted something. */
  private readonly wasTouched: boolean;
  private readonly touched = new Set<InstanceKey>();
  private wasInterrupted = false;
  /** There is no right to act, or no record of it. */
  private prevented: "lock_lost" | "journal_unwritable" | undefined;

  constructor(rollout: Rollout) {
    const { on_failure, reverts, proven, left_open = [] } = rollout;
    this.isWanted = on_failure === "revert" && reverts === undefined;
    this.wasTouched =
      proven.length > 0 ||
      left_open.some(({ as }) => as !== "untouched") ||
      [...worksOf(rollout)].some(({ batches }) => batches.some(({ instances }) => instances.some(isDownAlready)));
  }

  see(event: RolloutEvent): void {
    if (event.type === "instance.restarting") this.touched.add(keyOf(event));
    else if (event.type === "instance.unchanged") this.touched.delete(keyOf(event));
  }

  /** The operator has stopped the rollout. True if that says something new of one that has halted: it is not reverted. */
  interrupt(): boolean {
    const isNew = this.isWanted && !this.wasInterrupted;
    this.wasInterrupted = true;
    return isNew;
  }

  /** A reason to halt, whether or not the rollout has halted for another one before. */
  sawHalt(code: HaltCode): void {
    if (code === "lock_lost" || code === "journal_unwritable") this.prevented ??= code;
  }

  /** Of a rollout that ends halted. */
  get decision(): Revert | undefined {
    if (!this.isWanted) return undefined;
    if (this.wasInterrupted) return "interrupted";
    if (this.prevented) return this.prevented;
    return this.wasTouched || this.touched.size > 0 ? "follows" : "untouched";
  }
}
