import type { RolloutEvent, EventOf } from "../../domain/events.ts";
import {
  programOf,
  type HostName,
  type InstanceName,
  type ProgramName,
  keyOf,
  type InstanceKey,
} from "../../domain/ids.ts";
import type { Wave } from "../../domain/rollout.ts";

/** What is known of one selected instance so far. */
export type Fate = "untouched" | "under_restart" | "indeterminate" | "healthy" | "failed" | "skipped";

const FATE_TOLD_BY = {
  "instance.restarting": "under_restart",
  "instance.indeterminate": "indeterminate",
  "instance.healthy": "healthy",
  "instance.failed": "failed",
  "instance.skipped": "skipped",
} as const satisfies Partial<Record<RolloutEvent["type"], Fate>>;

function tellsFate(event: RolloutEvent): event is EventOf<keyof typeof FATE_TOLD_BY> {
  return event.type in FATE_TOLD_BY;
}

/** Keeps what became of each selected instance, and how many there are of each kind. Constant work per event. */
export class Ledger {
  /** By host in the order of the plan, then by instance. */
  readonly fates = new Map<HostName, Map<InstanceName, Fate>>();
  readonly counts: Record<Fate, number> = {
    untouched: 0,
    under_restart: 0,
    indeterminate: 0,
    healthy: 0,
    failed: 0,
    skipped: 0,
  };
  private readonly beforeRestart = new Map<InstanceKey, Fate>();
  /** Instances that the rollout means to restart. */
  planned = 0;
  /** Of each program: those, and how many of them are healthy. */
  readonly programs = new Map<ProgramName, { planned: number; healthy: number }>();

  record(event: RolloutEvent): void {
    if (event.type === "rollout.planned") {
      for (const wave of event.waves) this.recordWave(wave);
      for (const { host, instance } of event.skipped) this.set(host, instance, "skipped");
    } else if (event.type === "instance.unchanged") {
      this.set(event.host, event.instance, this.beforeRestart.get(keyOf(event)) ?? "untouched");
    } else if (tellsFate(event)) {
      const before = this.fateOf(event.host, event.instance);
      // One that is tried again has failed, for as long as nothing was sent.
      if (event.type === "instance.restarting" && before === "failed") this.beforeRestart.set(keyOf(event), before);
      this.set(event.host, event.instance, FATE_TOLD_BY[event.type]);
      if (event.type === "instance.failed")
        for (const other of event.also ?? []) this.set(event.host, other, FATE_TOLD_BY[event.type]);
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
            this.programOf(instance).planned++;
            this.set(host, instance, "untouched");
          }
  }

  private set(host: HostName, instance: InstanceName, fate: Fate): void {
    const ofHost = this.fates.get(host) ?? new Map<InstanceName, Fate>();
    this.fates.set(host, ofHost);
    const before = ofHost.get(instance);
    if (before) this.counts[before]--;
    this.counts[fate]++;
    if (before === "healthy") this.programOf(instance).healthy--;
    if (fate === "healthy") this.programOf(instance).healthy++;
    ofHost.set(instance, fate);
  }

  private programOf(instance: InstanceName) {
    const name = programOf(instance);
    const program = this.programs.get(name) ?? { planned: 0, healthy: 0 };
    this.programs.set(name, program);
    return program;
  }
}
