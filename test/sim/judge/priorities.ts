import type { RolloutEvent } from "../../../src/domain/events.ts";
import { compareNaturally, programOf, type HostName, type InstanceName } from "../../../src/domain/ids.ts";
import type { Batch } from "../../../src/domain/rollout.ts";
import { defaultConfig } from "../sim-process.ts";
import type { Trial, Witness } from "./trial.ts";

/** What a pattern takes has its turn as Supervisor would start it: by the priority of its group, then by its own. */
export class Priorities implements Witness {
  private readonly trial: Trial;

  constructor(trial: Trial) {
    this.trial = trial;
  }

  see({ type }: RolloutEvent): void {
    // A revert has first what is down.
    if (type !== "rollout.started" || this.trial.rollout.reverts !== undefined) return;
    for (const { programs, batches } of this.trial.rollout.waves) this.judge(programs, batches);
  }

  private judge(programs: readonly string[], batches: readonly Batch[]): void {
    for (const { host, batches: turns } of batches.flatMap(({ hosts }) => hosts)) {
      // All of a group that is updated have their turn together, and Supervisor knows nothing yet of those that are new.
      const alone = turns.filter(({ is_update }) => !is_update);
      const instances = alone.flatMap((turn) => turn.instances.map(({ instance }) => instance));
      for (const [index, later] of instances.entries()) {
        const earlier = instances[index - 1];
        if (earlier === undefined) continue;
        // Programs that are named one by one have the order in which they are named.
        const isOfOne = programOf(earlier) === programOf(later);
        const isInParts = programs.some((text) => text.startsWith(`${programOf(earlier)}:`));
        if ((!isOfOne || isInParts) && programs.filter((text) => !text.startsWith("!")).length > 1) continue;
        if (this.compare(host, earlier, later) > 0)
          this.trial.fail(`${host} ${earlier} has its turn before ${later}, which Supervisor would start first`);
      }
    }
  }

  private compare(host: HostName, a: InstanceName, b: InstanceName): number {
    const [ofA, ofB] = [this.prioritiesOf(host, a), this.prioritiesOf(host, b)];
    if (programOf(a) !== programOf(b)) return ofA.group - ofB.group || compareNaturally(a, b);
    return ofA.own - ofB.own || compareNaturally(a, b);
  }

  /** As preflight found them out; where it did not, all are alike. */
  private prioritiesOf(host: HostName, instance: InstanceName): { readonly group: number; readonly own: number } {
    const { priority, groupPriority } = defaultConfig;
    const seen = this.trial.report.get(host);
    const known = seen && "instances" in seen ? seen.config?.instances.get(instance) : undefined;
    return { group: known?.group_priority ?? groupPriority, own: known?.priority ?? priority };
  }
}
