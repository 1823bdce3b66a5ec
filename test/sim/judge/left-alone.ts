import { programOf, type HostName, type InstanceName, keyOf } from "../../../src/domain/ids.ts";
import { worksOf } from "../../../src/domain/rollout.ts";
import { allSettingsOf, isSelected } from "./selects.ts";
import type { SimChange } from "../sim-world.ts";
import type { Trial, Witness } from "./trial.ts";

/** What no wave selects is not touched, what has done its work is not run again, a listener that no program names is left alone, and both are reported. */
export class LeftAlone implements Witness {
  private readonly trial: Trial;

  constructor(trial: Trial) {
    this.trial = trial;
    const { rollout, report, made } = trial;
    const skipped = new Set(rollout.skipped.map(keyOf));
    // A narrowed one is not about others.
    const worked = new Set([...worksOf(rollout)].map(({ host }) => host));
    // A resume and a revert are about what the first one was about.
    for (const { hosts, programs } of isNew(rollout) ? made.plan.waves : [])
      for (const { host } of programs.includes("*") ? hosts : []) {
        const seen = worked.has(host) ? report.get(host) : undefined;
        for (const { instance } of seen && "instances" in seen ? seen.instances : [])
          if (
            isSelected(programs, instance) &&
            this.whyLeft(host, instance) !== undefined &&
            !skipped.has(keyOf({ host, instance }))
          )
            trial.fail(`nothing is said of ${host} ${instance}, which is left alone`);
      }
  }

  sent({ host, ...change }: SimChange): void {
    for (const instance of this.trial.made.fleet.instancesOf(host, change)) this.judge(host, instance, change.action);
  }

  private judge(host: HostName, instance: InstanceName, action: SimChange["action"]): void {
    const why = this.whyLeft(host, instance);
    const { made } = this.trial;
    if (made.plan.waves.every(({ programs }) => !isSelected(programs, instance)))
      this.trial.fail(`a ${action} was sent to ${host} ${instance}, which no wave selects`);
    if (why !== undefined) this.trial.fail(`a ${action} was sent to ${host} ${instance}, which ${why}`);
  }

  private whyLeft(host: HostName, instance: InstanceName): string | undefined {
    const { made, report, rollout } = this.trial;
    const process = made.fleet.hosts.get(host)?.get(instance);
    const seen = report.get(host);
    const isRunAgain = allSettingsOf(made.plan, host, instance).some(({ exited }) => exited === "restart");
    // One that was STOPPED and is to be started may end, fail for that, and be tried again.
    const wasDone = seen && "instances" in seen && seen.at_rest?.has(instance) && isNew(rollout);
    if (process?.isOneShot && wasDone && !isRunAgain) return "has done its work";
    const isKnown = seen && "instances" in seen && seen.config?.instances.has(instance);
    const isNamed = made.plan.waves.some(({ programs }) => programs.includes(programOf(instance)));
    return process?.config.isListener && isKnown && !isNamed ? "is an event listener that nobody names" : undefined;
  }
}

function isNew({ resumes, reverts }: Trial["rollout"]): boolean {
  return resumes === undefined && reverts === undefined;
}
