import { keyOf } from "../../../src/domain/ids.ts";
import type { RolloutEvent } from "../../../src/domain/events.ts";
import type { SimFleet } from "../sim-fleet.ts";
import type { ChangeFate, SimChange } from "../sim-world.ts";
import { failedIn, type Witness } from "./trial.ts";

/** Through all of a chain: nothing is restarted again that is healthy, and nobody of one rollout twice. */
export class HealthyPids implements Witness {
  private readonly fleet: SimFleet;
  private readonly fail: (what: string) => void;
  /** The pids on which instances were declared healthy, for as long as they have not failed since; none if one had completed. */
  private readonly pids = new Map<string, number | undefined>();

  /** Those to which a signal was sent that may have arrived. */
  private readonly signalled = new Set<string>();

  constructor(fleet: SimFleet, fail: (what: string) => void) {
    this.fleet = fleet;
    this.fail = fail;
  }

  see(event: RolloutEvent): void {
    if (event.type === "instance.healthy") this.pids.set(keyOf(event), event.pid);
    if (event.type === "instance.failed") for (const key of failedIn(event)) this.pids.delete(key);
    // What nobody knows is no failure that shows.
    if (event.type === "instance.failed" && event.code !== "indeterminate")
      for (const key of failedIn(event)) this.signalled.delete(key);
    if (
      event.type === "rollout.answered" &&
      event.answer === "retry" &&
      event.host !== undefined &&
      event.instance !== undefined
    )
      this.signalled.delete(keyOf({ host: event.host, instance: event.instance }));
  }

  /** It was declared healthy, and has not failed since. */
  wasProven(key: string): boolean {
    return this.pids.has(key);
  }

  /** It may have arrived, so that no other one is sent unless its process is seen to have failed. */
  private signal(key: string): void {
    if (this.signalled.has(key)) this.fail(`${key} was signalled again`);
    this.signalled.add(key);
  }

  forget(key: string): void {
    this.pids.delete(key);
  }

  sent({ host, ...change }: SimChange, { kind }: ChangeFate): void {
    if (change.action === "signal" && kind !== "not_sent") this.signal(keyOf({ host, instance: change.instance }));
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
