import type { RolloutEvent, EventOf } from "./events.ts";
import { type HostName, type InstanceName, keyOf, type InstanceKey } from "./ids.ts";
import { partsIn, worksOf, type HostWork, type LeftDrained, type Rollout, type Wave } from "./rollout.ts";
import { hostsOfHook } from "./wave-hooks.ts";

/** What the plan's hooks have taken out of service and not put back, so far. Hooks in progress count as not done. */
export class Drains {
  /** before_restart was sent for these, and after_healthy has not succeeded since. */
  readonly instances = new Map<InstanceKey, { readonly host: HostName; readonly instance: InstanceName }>();
  /** before_host was sent for these, and after_host, which the plan has as well, has not succeeded since. */
  readonly hosts = new Set<HostName>();
  /** Likewise for before_batch and after_batch, by the group. */
  readonly batches = new Map<string, Set<HostName>>();
  /** And for before_wave and after_wave. */
  readonly waves = new Map<string, Set<HostName>>();
  private readonly hooks = new Map<HostName, HostWork["hooks"]>();
  private planned: readonly Wave[] = [];
  /** Those that have an after_healthy hook. */
  private readonly enabled = new Set<InstanceKey>();
  /** Those that were out before this rollout began. */
  private readonly left = new Set<InstanceKey>();

  /** True where all is back in service. */
  get isEmpty(): boolean {
    return this.instances.size + this.hosts.size + this.batches.size + this.waves.size === 0;
  }

  /** As the rollout that resumes this one records it. */
  toLeft(): LeftDrained {
    const groupsIn = (drained: ReadonlyMap<string, ReadonlySet<HostName>>) =>
      [...drained].map(([group, hosts]) => ({ group, hosts: [...hosts] }));
    return {
      instances: [...this.instances.values()].map(({ host, instance }) => ({ host, instance })),
      hosts: [...this.hosts],
      ...(this.batches.size > 0 && { batches: groupsIn(this.batches) }),
      ...(this.waves.size > 0 && { waves: groupsIn(this.waves) }),
    };
  }

  record(event: RolloutEvent): void {
    if (event.type === "rollout.planned") this.plan(event);
    else if (event.type === "hook.started") this.started(event);
    else if (event.type === "hook.finished") this.finished(event);
    else if ((event.type === "instance.failed" || event.type === "instance.indeterminate") && event.still_drained)
      this.instances.set(keyOf(event), event);
    else if (event.type === "instance.healthy") this.succeeded(event);
  }

  private succeeded(event: EventOf<"instance.healthy">): void {
    const isDown = event.stopped === true || event.removed === true;
    // Nothing of the plan's undoes it: it serves, being healthy. One that is down on purpose is not put back.
    if (isDown || !this.enabled.has(keyOf(event))) this.instances.delete(keyOf(event));
  }

  private plan(rollout: Rollout): void {
    this.planned = rollout.waves;
    for (const { host, hooks } of worksOf(rollout)) this.hooks.set(host, hooks);
    this.enabled.clear();
    for (const { host, hooks, batches } of partsIn(rollout))
      for (const { instance } of hooks.after_healthy ? batches.flatMap(({ instances }) => instances) : [])
        this.enabled.add(keyOf({ host, instance }));
    const { instances = [], hosts = [], batches = [], waves = [] } = rollout.left_drained ?? {};
    for (const { host, instance } of instances) {
      this.instances.set(keyOf({ host, instance }), { host, instance });
      this.left.add(keyOf({ host, instance }));
    }
    for (const host of hosts) this.hosts.add(host);
    for (const { group, hosts: left } of batches) for (const host of left) add(this.batches, group, host);
    for (const { group, hosts: left } of waves) for (const host of left) add(this.waves, group, host);
  }

  private started(event: EventOf<"hook.started">): void {
    const { hook, host, instance } = event;
    if (hook === "before_batch" || hook === "before_wave") this.stepStarted(hook, event);
    if (host === undefined) return;
    if (hook === "before_restart" && instance !== undefined)
      this.instances.set(keyOf({ host, instance }), { host, instance });
    if (hook === "before_host" && this.hooks.get(host)?.after_host) this.hosts.add(host);
  }

  private finished(event: EventOf<"hook.finished">): void {
    const { hook, host, instance, succeeded, on_error } = event;
    if ((hook === "after_batch" || hook === "after_wave") && succeeded) this.stepIsBack(hook, event);
    if (host === undefined) return;
    if (instance !== undefined) {
      const key = keyOf({ host, instance });
      const wasNeverOut = hook === "before_restart" && !succeeded && on_error !== "warn" && !this.left.has(key);
      const isBack = hook === "after_healthy" && succeeded;
      if (wasNeverOut || isBack) this.instances.delete(key);
    }
    if (hook === "after_host" && succeeded) this.hosts.delete(host);
  }

  private stepStarted(hook: "before_batch" | "before_wave", { group, wave = 0, batch }: EventOf<"hook.started">): void {
    const planned = this.planned[wave - 1];
    if (!planned || group === undefined) return;
    const isOfWave = hook === "before_wave";
    if (!planned.hooks?.[isOfWave ? "after_wave" : "after_batch"]) return;
    const drained = isOfWave ? this.waves : this.batches;
    for (const host of hostsOfHook(hook, planned, batch)) add(drained, group, host);
  }

  private stepIsBack(
    hook: "after_batch" | "after_wave",
    { group = "", wave = 0, batch }: EventOf<"hook.finished">,
  ): void {
    const planned = this.planned[wave - 1];
    const drained = hook === "after_wave" ? this.waves : this.batches;
    const left = drained.get(group);
    if (!planned || !left) return;
    for (const host of hostsOfHook(hook, planned, batch)) left.delete(host);
    if (left.size === 0) drained.delete(group);
  }
}

function add(drained: Map<string, Set<HostName>>, group: string, host: HostName): void {
  drained.set(group, (drained.get(group) ?? new Set()).add(host));
}
