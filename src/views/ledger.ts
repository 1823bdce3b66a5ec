import type { RolloutEvent } from "../domain/events.ts";
import type { HostName, InstanceName } from "../domain/ids.ts";
import type { Wave } from "../domain/rollout.ts";

/** What is known of one selected instance so far. */
export type Fate = "untouched" | "under_restart" | "indeterminate" | "healthy" | "failed" | "skipped";

/** Keeps what became of each selected instance, and how many there are of each kind. Constant work per event. */
export class Ledger {
  /** By host in the order of the plan, then by instance. */
  readonly fates = new Map<HostName, Map<InstanceName, Fate>>();
  readonly counts: Record<Fate, number> = { untouched: 0, under_restart: 0, indeterminate: 0, healthy: 0, failed: 0, skipped: 0 };
  /** Instances that the rollout means to restart. */
  planned = 0;

  record(event: RolloutEvent): void {
    switch (event.type) {
      case "rollout.planned":
        for (const wave of event.waves) this.recordWave(wave);
        for (const { host, instance } of event.skipped) this.set(host, instance, "skipped");
        break;
      case "instance.restarting":
        this.set(event.host, event.instance, "under_restart");
        break;
      case "instance.indeterminate":
        this.set(event.host, event.instance, "indeterminate");
        break;
      case "instance.healthy":
        this.set(event.host, event.instance, "healthy");
        break;
      case "instance.failed":
        this.set(event.host, event.instance, "failed");
        break;
      case "instance.skipped":
        this.set(event.host, event.instance, "skipped");
        break;
      default:
    }
  }

  fateOf(host: HostName, instance: InstanceName): Fate | undefined {
    return this.fates.get(host)?.get(instance);
  }

  /** The hosts that have instances of this fate, in the order of the plan. */
  *withFate(fate: Fate): Generator<{ readonly host: HostName; readonly instances: readonly InstanceName[] }> {
    if (this.counts[fate] === 0) return;
    for (const [host, ofHost] of this.fates) {
      const instances = [...ofHost].filter(([, its]) => its === fate).map(([instance]) => instance);
      if (instances.length > 0) yield { host, instances };
    }
  }

  private recordWave(wave: Wave): void {
    for (const batch of wave.batches)
      for (const { host, batches } of batch.hosts)
        for (const { instances } of batches)
          for (const { instance } of instances) {
            this.planned++;
            this.set(host, instance, "untouched");
          }
  }

  private set(host: HostName, instance: InstanceName, fate: Fate): void {
    let ofHost = this.fates.get(host);
    if (!ofHost) this.fates.set(host, (ofHost = new Map()));
    const before = ofHost.get(instance);
    if (before) this.counts[before]--;
    this.counts[fate]++;
    ofHost.set(instance, fate);
  }
}
