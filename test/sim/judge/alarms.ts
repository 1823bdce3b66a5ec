import type { EventOf, RolloutEvent } from "../../../src/domain/events.ts";
import { type HostName, type InstanceName, keyOf } from "../../../src/domain/ids.ts";
import { worksOf } from "../../../src/domain/rollout.ts";
import type { Trial, Witness } from "./trial.ts";

/** No false alarm: what has failed has something wrong with it, and no host that is lost is counted twice. */
export class Alarms implements Witness {
  private readonly trial: Trial;
  private readonly lost = new Set<HostName>();

  constructor(trial: Trial) {
    this.trial = trial;
    for (const host of trial.rollout.unreachable) this.lost.add(host);
  }

  /** It, and what goes down with it: all of a group wait for the slowest. */
  private together({ host, instance }: EventOf<"instance.failed">): readonly InstanceName[] {
    for (const work of worksOf(this.trial.rollout))
      for (const { is_update, instances } of work.host === host ? work.batches : [])
        if (is_update && instances.some((one) => one.instance === instance))
          return instances.map((one) => one.instance);
    return [instance];
  }

  see(event: RolloutEvent): void {
    const { troubles, plan } = this.trial.made;
    if (event.type === "host.unreachable") this.lost.add(event.host);
    if (event.type === "host.unreachable" && !troubles.haveBefallen(event.host))
      this.trial.fail(`${event.host} passes for unreachable: ${event.reason}`);
    if (event.type === "instance.failed" && !this.together(event).some((one) => troubles.haveBefallen(event.host, one)))
      this.trial.fail(`${keyOf(event)} has failed (${event.code}) with nothing wrong: ${event.reason}`);
    if (event.type !== "rollout.halted" || event.code !== "unreachable") return;
    const { max_unreachable } = plan.limits;
    const tolerated = "count" in max_unreachable ? max_unreachable.count : 0;
    if (this.lost.size <= tolerated)
      this.trial.fail(`it was halted by ${this.lost.size} hosts that are lost, with ${tolerated} tolerated`);
  }
}
