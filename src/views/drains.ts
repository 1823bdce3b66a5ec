import type { RolloutEvent } from "../domain/events.ts";
import type { HostName, InstanceName } from "../domain/ids.ts";
import { worksOf, type HostWork, type Rollout } from "../domain/rollout.ts";

type Of<Type extends RolloutEvent["type"]> = Extract<RolloutEvent, { type: Type }>;

/** What the plan's hooks have taken out of service and not put back, so far. Hooks that are under way count as not done. */
export class Drains {
  /** before_restart was sent for these, and after_healthy has not succeeded since. */
  readonly instances = new Map<string, { readonly host: HostName; readonly instance: InstanceName }>();
  /** before_host was sent for these, and after_host, which the plan has as well, has not succeeded since. */
  readonly hosts = new Set<HostName>();
  private readonly hooks = new Map<HostName, HostWork["hooks"]>();

  record(event: RolloutEvent): void {
    if (event.type === "rollout.planned") this.plan(event);
    else if (event.type === "hook.started") this.started(event);
    else if (event.type === "hook.finished") this.finished(event);
    else if ((event.type === "instance.failed" || event.type === "instance.indeterminate") && event.still_drained)
      this.instances.set(keyOf(event), event);
    // Nothing of the plan's undoes it: it serves, being healthy.
    else if (event.type === "instance.healthy" && !this.hooks.get(event.host)?.after_healthy)
      this.instances.delete(keyOf(event));
  }

  private plan(rollout: Rollout): void {
    for (const { host, hooks, batches } of worksOf(rollout)) {
      this.hooks.set(host, hooks);
      if (!hooks.before_restart || !hooks.after_healthy) continue;
      // An earlier rollout has restarted these, and before that drained them; this one enables them.
      for (const { action, instance } of batches.flatMap(({ instances }) => instances))
        if (action === "gate") this.instances.set(keyOf({ host, instance }), { host, instance });
    }
  }

  private started({ hook, host, instance }: Of<"hook.started">): void {
    if (host === undefined) return;
    if (hook === "before_restart" && instance !== undefined)
      this.instances.set(keyOf({ host, instance }), { host, instance });
    if (hook === "before_host" && this.hooks.get(host)?.after_host) this.hosts.add(host);
  }

  private finished({ hook, host, instance, succeeded }: Of<"hook.finished">): void {
    if (host === undefined) return;
    const wasNeverOut = hook === "before_restart" && !succeeded;
    const isBack = hook === "after_healthy" && succeeded;
    if ((wasNeverOut || isBack) && instance !== undefined) this.instances.delete(keyOf({ host, instance }));
    if (hook === "after_host" && succeeded) this.hosts.delete(host);
  }
}

function keyOf({ host, instance }: { readonly host: HostName; readonly instance: InstanceName }): string {
  return `${host} ${instance}`;
}
