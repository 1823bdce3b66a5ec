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
    if (type !== "rollout.started") return;
    for (const { programs, batches } of this.trial.rollout.waves) this.judge(programs, batches);
  }

  private judge(programs: readonly string[], batches: readonly Batch[]): void {
    for (const { host, batches: turns } of batches.flatMap(({ hosts }) => hosts)) {
      const instances = turns.flatMap((turn) => turn.instances.map(({ instance }) => instance));
      for (const [index, later] of instances.entries()) {
        const earlier = instances[index - 1];
        if (earlier === undefined) continue;
        // Programs that are named one by one have the order in which they are named.
        const isOfOne = programOf(earlier) === programOf(later);
        if (!isOfOne && programs.length > 1) continue;
        if (this.compare(host, earlier, later) > 0)
          this.trial.fail(`${host} ${earlier} has its turn before ${later}, which Supervisor would start first`);
      }
    }
  }

  private compare(host: HostName, a: InstanceName, b: InstanceName): number {
    const [ofA, ofB] = [this.configOf(host, a), this.configOf(host, b)];
    const byGroup = programOf(a) === programOf(b) ? 0 : ofA.groupPriority - ofB.groupPriority;
    return byGroup || (programOf(a) === programOf(b) ? ofA.priority - ofB.priority : 0) || compareNaturally(a, b);
  }

  /** Where it was not found out, all are alike. */
  private configOf(host: HostName, instance: InstanceName) {
    const { fleet } = this.trial.made;
    const isKnown = fleet.configs?.has(instance) === true;
    return (isKnown && fleet.hosts.get(host)?.get(instance)?.config) || defaultConfig;
  }
}
