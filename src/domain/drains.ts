import type { RolloutEvent, EventOf } from "./events.ts";
import { type HostName, type InstanceName, keyOf, type InstanceKey } from "./ids.ts";
import { partsIn, worksOf, type HostWork, type Rollout } from "./rollout.ts";

/** What the plan's hooks have taken out of service and not put back, so far. Hooks in progress count as not done. */
export class Drains {
  /** before_restart was sent for these, and after_healthy has not succeeded since. */
  readonly instances = new Map<InstanceKey, { readonly host: HostName; readonly instance: InstanceName }>();
  /** before_host was sent for these, and after_host, which the plan has as well, has not succeeded since. */
  readonly hosts = new Set<HostName>();
  private readonly hooks = new Map<HostName, HostWork["hooks"]>();
  /** Those that have an after_healthy hook. */
  private readonly enabled = new Set<InstanceKey>();
  /** Those that were out before this rollout began. */
  private readonly left = new Set<InstanceKey>();

  record(event: RolloutEvent): void {
    if (event.type === "rollout.planned") this.plan(event);
    else if (event.type === "hook.started") this.started(event);
    else if (event.type === "hook.finished") this.finished(event);
    else if ((event.type === "instance.failed" || event.type === "instance.indeterminate") && event.still_drained)
      this.instances.set(keyOf(event), event);
    // Nothing of the plan's undoes it: it serves, being healthy.
    else if (event.type === "instance.healthy" && !this.enabled.has(keyOf(event))) this.instances.delete(keyOf(event));
  }

  private plan(rollout: Rollout): void {
    for (const { host, hooks } of worksOf(rollout)) this.hooks.set(host, hooks);
    this.enabled.clear();
    for (const { host, hooks, batches } of partsIn(rollout))
      for (const { instance } of hooks.after_healthy ? batches.flatMap(({ instances }) => instances) : [])
        this.enabled.add(keyOf({ host, instance }));
    const { instances = [], hosts = [] } = rollout.left_drained ?? {};
    for (const { host, instance } of instances) {
      this.instances.set(keyOf({ host, instance }), { host, instance });
      this.left.add(keyOf({ host, instance }));
    }
    for (const host of hosts) this.hosts.add(host);
  }

  private started({ hook, host, instance }: EventOf<"hook.started">): void {
    if (host === undefined) return;
    if (hook === "before_restart" && instance !== undefined)
      this.instances.set(keyOf({ host, instance }), { host, instance });
    if (hook === "before_host" && this.hooks.get(host)?.after_host) this.hosts.add(host);
  }

  private finished({ hook, host, instance, succeeded }: EventOf<"hook.finished">): void {
    if (host === undefined) return;
    if (instance !== undefined) {
      const key = keyOf({ host, instance });
      const wasNeverOut = hook === "before_restart" && !succeeded && !this.left.has(key);
      const isBack = hook === "after_healthy" && succeeded;
      if (wasNeverOut || isBack) this.instances.delete(key);
    }
    if (hook === "after_host" && succeeded) this.hosts.delete(host);
  }
}
