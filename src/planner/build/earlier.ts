import type { HostName, InstanceName } from "../../domain/ids.ts";
import type { PlannedInstance } from "../../domain/rollout.ts";
import type { UpdatedGroup } from "./group-updates.ts";
import { openAs, type EarlierOutcome, type ResumedRollout } from "./resumed.ts";
import { failureLeft, type RevertedRollout } from "./reverting.ts";

/** The rollout that is resumed, or the one that is reverted; neither for a new one. */
export interface EarlierRollout {
  /** The rollout to resume. */
  readonly resumed?: ResumedRollout;
  /** The rollout to revert: nothing is selected but what it has touched. */
  readonly reverted?: RevertedRollout;
}

/** Whether these instances are those of a revert: of a new one, or of one that is resumed. */
export function isRevert({ resumed, reverted }: EarlierRollout): boolean {
  return reverted !== undefined || resumed?.rollout.reverts !== undefined;
}

/** What a revert knows of an instance: what the reverted rollout has left it as. */
export type Touched = Pick<PlannedInstance, "failed_as" | "may_complete">;

/** What earlier rollouts have left of instances and groups. */
export class Earlier {
  readonly isRevert: boolean;
  private readonly resumed: ResumedRollout | undefined;
  private readonly reverted: RevertedRollout | undefined;

  constructor(rollout: EarlierRollout) {
    this.isRevert = isRevert(rollout);
    this.resumed = rollout.resumed;
    this.reverted = rollout.reverted;
  }

  /** All that there is of it: the chain that is resumed or reverted. */
  get chain(): ResumedRollout | undefined {
    return this.resumed ?? this.reverted?.chain;
  }

  /** What a resumed rollout has done to an instance; undefined where no restart was sent to it. */
  outcomeOf(host: HostName, instance: InstanceName): EarlierOutcome | undefined {
    return this.resumed?.outcomes.get(host)?.get(instance);
  }

  /** What a resumed rollout meant to do with an instance. */
  plannedOf(host: HostName, instance: InstanceName): PlannedInstance | undefined {
    return this.resumed?.planned.get(host)?.get(instance);
  }

  /** Of an instance that a revert is about. */
  touched(host: HostName, instance: InstanceName): Touched | undefined {
    const { reverted } = this;
    if (this.resumed?.rollout.reverts !== undefined) return this.plannedOf(host, instance);
    const outcome = reverted?.acting?.has(host) ? undefined : reverted?.chain.outcomes.get(host)?.get(instance);
    if (!reverted || !outcome) return undefined;
    const completes = reverted.chain.planned.get(host)?.get(instance)?.may_complete;
    return { ...failureLeft(outcome), ...(completes && { may_complete: completes }) };
  }

  /** How an instance has failed: it counts as down. */
  failureOf(host: HostName, instance: InstanceName): PlannedInstance["failed_as"] {
    const outcome = this.outcomeOf(host, instance);
    return outcome ? failureLeft(outcome).failed_as : this.touched(host, instance)?.failed_as;
  }

  /**
   * Whether a group may be updated. A revert touches no group that the reverted rollout has not touched, and a resume none that
   * was not to be updated, or is done.
   */
  mayUpdate(host: HostName, { instances }: UpdatedGroup): boolean {
    const { resumed } = this;
    if (this.isRevert) return instances.some(({ instance }) => this.touched(host, instance));
    if (!resumed) return true;
    return instances.some(
      ({ instance }) => this.plannedOf(host, instance) && openAs(resumed, host, instance) !== undefined,
    );
  }

  /** Earlier processes that may still be there next to the current one, if their supervisord was killed and started again. */
  oldPids(host: HostName, instance: InstanceName, pid?: number, provenPid?: number): Pick<PlannedInstance, "old_pids"> {
    const pids = new Set(this.chain?.oldPids.get(host)?.get(instance));
    if (provenPid !== undefined) pids.add(provenPid);
    if (pid !== undefined) pids.delete(pid);
    return pids.size > 0 ? { old_pids: [...pids] } : {};
  }
}
