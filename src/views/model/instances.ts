import type { EventOf, RolloutEvent } from "../../domain/events.ts";
import { programOf, type HostName, type InstanceName, type ProgramName } from "../../domain/ids.ts";
import type { SkippedInstance } from "../../domain/rollout.ts";
import type { InstanceProgress, KnownInstance, WaveProgress } from "./progress.ts";
import { noInstances, type InstanceStatus } from "./status.ts";

const STATUS_AFTER = {
  "instance.restarting": "under_restart",
  "instance.indeterminate": "indeterminate",
  "instance.healthy": "healthy",
  "instance.failed": "failed",
  "instance.skipped": "skipped",
} as const satisfies Partial<Record<RolloutEvent["type"], InstanceStatus>>;

/** The events that change the status of an instance. */
export type StatusEvent = EventOf<keyof typeof STATUS_AFTER | "instance.unchanged">;

/** The instances of a rollout with their status, and how many there are of each. Constant work per event. */
export class Instances {
  readonly counts = noInstances();
  /** How many instances the rollout is to restart. */
  planned = 0;
  /** Of each program: those, and how many of them are healthy. */
  readonly programs = new Map<ProgramName, { planned: number; healthy: number }>();
  /** By host in the order of the plan, then by instance. */
  private readonly byHost = new Map<HostName, Map<InstanceName, KnownInstance>>();

  plan(waves: readonly WaveProgress[], skipped: readonly SkippedInstance[]): void {
    for (const { batches } of waves)
      for (const { hosts } of batches)
        for (const host of hosts) for (const instance of host.instances) this.addPlanned(host.name, instance);
    for (const { host, instance } of skipped) this.set(host, instance, "skipped");
  }

  apply(event: StatusEvent): void {
    const { host, instance: name, type } = event;
    const instance = this.get(host, name);
    if (type === "instance.unchanged") {
      this.set(host, name, instance?.isRetried ? "failed" : "untouched");
      return;
    }
    if (type === "instance.restarting" && instance?.status === "failed") instance.isRetried = true;
    for (const each of affectedBy(event)) this.set(host, each, STATUS_AFTER[type]);
  }

  get(host: HostName, name: InstanceName): KnownInstance | undefined {
    return this.byHost.get(host)?.get(name);
  }

  statusOf(host: HostName, name: InstanceName): InstanceStatus | undefined {
    return this.get(host, name)?.status;
  }

  /** The instances of this status, host by host in the order of the plan. */
  withStatus(status: InstanceStatus): { readonly host: HostName; readonly instance: InstanceName }[] {
    if (this.counts[status] === 0) return [];
    return [...this.byHost].flatMap(([host, ofHost]) =>
      [...ofHost.values()].filter((each) => each.status === status).map(({ name }) => ({ host, instance: name })),
    );
  }

  private addPlanned(host: HostName, instance: InstanceProgress): void {
    this.ofHost(host).set(instance.name, instance);
    this.counts.untouched++;
    this.planned++;
    this.programOf(instance.name).planned++;
  }

  private set(host: HostName, name: InstanceName, status: InstanceStatus): void {
    const known = this.get(host, name);
    if (known) {
      const { at } = known;
      for (const counts of at ? [this.counts, at.counts, at.batch.counts, at.batch.wave.counts] : [this.counts]) {
        counts[known.status]--;
        counts[status]++;
      }
      if (known.status === "healthy") this.programOf(name).healthy--;
      known.status = status;
    } else {
      this.ofHost(host).set(name, { name, status });
      this.counts[status]++;
    }
    if (status === "healthy") this.programOf(name).healthy++;
  }

  private ofHost(host: HostName): Map<InstanceName, KnownInstance> {
    const ofHost = this.byHost.get(host) ?? new Map<InstanceName, KnownInstance>();
    this.byHost.set(host, ofHost);
    return ofHost;
  }

  private programOf(instance: InstanceName) {
    const name = programOf(instance);
    const program = this.programs.get(name) ?? { planned: 0, healthy: 0 };
    this.programs.set(name, program);
    return program;
  }
}

/** The instances that an event is about, all on its host: one failure may be that of several. */
export function affectedBy(event: StatusEvent): readonly InstanceName[] {
  return event.type === "instance.failed" ? [event.instance, ...(event.also ?? [])] : [event.instance];
}
