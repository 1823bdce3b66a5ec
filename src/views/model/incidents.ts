import type { EventOf } from "../../domain/events.ts";
import { keyOf, type HostName, type InstanceKey, type InstanceName } from "../../domain/ids.ts";
import type { SkippedInstance } from "../../domain/rollout.ts";
import { affectedBy } from "./instances.ts";

type Failure = EventOf<"instance.failed">;

/** Failures, losses, drifts, leftovers and skips: the latest of each instance or hook. */
export class Incidents {
  /** But for those of instances: a failed hook of an instance is the failure of that instance. */
  readonly failedHooks = new Map<string, EventOf<"hook.finished">>();
  /** Hooks that failed, and have on_error: warn in the plan. */
  readonly warnedHooks = new Map<string, EventOf<"hook.finished">>();
  readonly drifts = new Map<InstanceKey, EventOf<"instance.drifted">>();
  readonly leftovers = new Map<InstanceKey, EventOf<"instance.leftovers">>();
  /** Why contact was lost with an instance during its restart. */
  readonly losses = new Map<InstanceKey, EventOf<"instance.indeterminate">>();
  /** Checks that fail now, by the text of each, of instances that are being restarted. */
  readonly failingChecks = new Map<InstanceKey, Map<string, EventOf<"check.failing">>>();
  readonly skips = new Map<InstanceKey, Omit<SkippedInstance, "program">>();
  lastDrift: EventOf<"instance.drifted"> | undefined;
  lastLeftovers: EventOf<"instance.leftovers"> | undefined;
  /** By each instance that failed, until it is healthy. */
  private readonly failureOf = new Map<InstanceKey, Failure>();

  /** In the order in which they happened; one that is retried stays until its instances are healthy. */
  get failures(): ReadonlySet<Failure> {
    return new Set(this.failureOf.values());
  }

  plan(skipped: readonly SkippedInstance[]): void {
    for (const skip of skipped) this.skips.set(keyOf(skip), skip);
  }

  apply(
    event: EventOf<
      | "check.failing"
      | "check.recovered"
      | "hook.finished"
      | "instance.drifted"
      | "instance.failed"
      | "instance.healthy"
      | "instance.indeterminate"
      | "instance.leftovers"
      | "instance.skipped"
    >,
  ): void {
    switch (event.type) {
      case "check.failing":
        this.failingChecks.set(keyOf(event), this.failingOf(event).set(event.check, event));
        break;
      case "check.recovered":
        this.failingOf(event).delete(event.check);
        if (this.failingOf(event).size === 0) this.endChecks(event);
        break;
      case "hook.finished":
        this.applyHook(event);
        break;
      case "instance.drifted":
        this.drifts.set(keyOf(event), event);
        this.lastDrift = event;
        break;
      case "instance.leftovers":
        this.leftovers.set(keyOf(event), event);
        this.lastLeftovers = event;
        break;
      case "instance.indeterminate":
        this.losses.set(keyOf(event), event);
        break;
      case "instance.skipped":
        this.skips.set(keyOf(event), event);
        break;
      case "instance.failed":
        for (const instance of affectedBy(event)) this.failureOf.set(keyOf({ host: event.host, instance }), event);
        break;
      case "instance.healthy":
        this.failureOf.delete(keyOf(event));
    }
  }

  /** The last report of a check of this instance that fails now; undefined if all pass, or have not been asked. */
  failingCheckOf(id: {
    readonly host: HostName;
    readonly instance: InstanceName;
  }): EventOf<"check.failing"> | undefined {
    return [...(this.failingChecks.get(keyOf(id))?.values() ?? [])].at(-1);
  }

  /** Its status has changed: its checks are no longer asked, or asked of another process. */
  endChecks(id: { readonly host: HostName; readonly instance: InstanceName }): void {
    this.failingChecks.delete(keyOf(id));
  }

  private failingOf(event: EventOf<"check.failing" | "check.recovered">): Map<string, EventOf<"check.failing">> {
    return this.failingChecks.get(keyOf(event)) ?? new Map<string, EventOf<"check.failing">>();
  }

  lossOf(host: HostName, instance: InstanceName): string | undefined {
    return this.losses.get(keyOf({ host, instance }))?.reason;
  }

  private applyHook(event: EventOf<"hook.finished">): void {
    const { hook, host = "", instance = "", wave = "", batch = "", succeeded, on_error } = event;
    const key = [hook, host, instance, wave, batch].join(" ");
    this.warnedHooks.delete(key);
    if (on_error === "warn") this.warnedHooks.set(key, event);
    if (instance !== "") return;
    if (succeeded) this.failedHooks.delete(key);
    else if (on_error !== "warn") this.failedHooks.set(key, event);
  }
}
