import { keyOf } from "../../../src/domain/ids.ts";
import type { RolloutEvent } from "../../../src/domain/events.ts";
import type { SimFleet } from "../sim-fleet.ts";
import type { SimChange } from "../sim-world.ts";
import { failedIn, type Witness } from "./trial.ts";

/** Through all of a chain: nothing is restarted again that is healthy, and nobody of one rollout twice. */
export class HealthyPids implements Witness {
  private readonly fleet: SimFleet;
  private readonly fail: (what: string) => void;
  /** The pids on which instances were declared healthy, for as long as they have not failed since; none if one had completed. */
  private readonly pids = new Map<string, number | undefined>();

  constructor(fleet: SimFleet, fail: (what: string) => void) {
    this.fleet = fleet;
    this.fail = fail;
  }

  see(event: RolloutEvent): void {
    if (event.type === "instance.healthy") this.pids.set(keyOf(event), event.pid);
    if (event.type === "instance.failed") for (const key of failedIn(event)) this.pids.delete(key);
  }

  /** It was declared healthy, and has not failed since. */
  wasProven(key: string): boolean {
    return this.pids.has(key);
  }

  forget(key: string): void {
    this.pids.delete(key);
  }

  sent({ host, ...change }: SimChange): void {
    // An update that is sent again goes on where it was: it does nothing to a group that it has updated.
    if (change.action === "update") return;
    const { action, instance } = change;
    const process = this.fleet.hosts.get(host)?.get(instance);
    const pid = process?.snapshot().pid;
    const key = keyOf({ host, instance });
    if (action === "restart" && this.wasProven(key) && process?.hasCompleted)
      this.fail(`${key} was run again once it had completed`);
    if (action === "restart" && pid !== undefined && this.pids.get(key) === pid)
      this.fail(`${key} was restarted again once healthy, on pid ${pid}`);
  }
}
