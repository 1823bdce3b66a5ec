import type { RolloutEvent, EventOf } from "../../domain/events.ts";
import { type HostName, type InstanceName, keyOf, type InstanceKey } from "../../domain/ids.ts";
import { Drains } from "../../domain/drains.ts";
import { Ledger } from "./ledger.ts";

interface OfInstance {
  readonly host: HostName;
  readonly instance: InstanceName;
}

/** The latest words of an event stream: all that a report is written from. */
export class Collected {
  readonly ledger = new Ledger();
  /** What the plan's hooks have taken out of service and not put back. */
  readonly drains = new Drains();
  id: string | undefined;
  begun = false;
  planned: EventOf<"rollout.planned"> | undefined;
  halted: EventOf<"rollout.halted"> | undefined;
  interrupted: EventOf<"rollout.interrupted"> | undefined;
  finished: EventOf<"rollout.finished"> | undefined;
  /** Hosts that do not answer, and why. */
  readonly unreachable = new Map<HostName, string>();
  /** Hosts whose supervisord was restarted meanwhile: the last time of each. */
  readonly supervisorRestarts = new Map<HostName, EventOf<"host.supervisor_restarted">>();
  private readonly hookFailures = new Map<string, EventOf<"hook.finished">>();
  /** What others have changed meanwhile: the latest of each. */
  private readonly drifts = new Map<InstanceKey, EventOf<"instance.drifted">>();
  private readonly failures = new Map<InstanceKey, EventOf<"instance.failed">>();
  private readonly leftovers = new Map<InstanceKey, EventOf<"instance.leftovers">>();
  private readonly losses = new Map<InstanceKey, EventOf<"instance.indeterminate">>();
  private readonly skips = new Map<InstanceKey, OfInstance & { readonly why: string }>();

  collect(event: RolloutEvent & { readonly rollout?: string }): void {
    this.ledger.record(event);
    this.drains.record(event);
    this.id = event.rollout ?? this.id;
    if (event.type === "rollout.planned") this.plan(event);
    else if (event.type === "rollout.started") this.begun = true;
    else if (event.type === "rollout.halted") this.halted ??= event;
    else if (event.type === "rollout.interrupted") this.interrupted ??= event;
    else if (event.type === "rollout.finished") this.finished = event;
    else if (event.type === "hook.finished") this.collectHook(event);
    else if (event.type === "host.unreachable")
      this.unreachable.set(event.host, `${event.code.replaceAll("_", " ")}: ${event.reason}`);
    else if (event.type === "host.connected") this.unreachable.delete(event.host);
    else if (event.type === "host.supervisor_restarted") this.supervisorRestarts.set(event.host, event);
    else if (isOfInstance(event)) this.collectInstance(event);
  }

  private plan(event: EventOf<"rollout.planned">): void {
    this.planned = event;
    for (const skip of event.skipped) this.skips.set(keyOf(skip), skip);
  }

  private collectInstance(event: EventOf<`instance.${string}` & RolloutEvent["type"]>): void {
    const key = keyOf(event);
    if (event.type === "instance.failed") this.failures.set(key, event);
    else if (event.type === "instance.indeterminate") this.losses.set(key, event);
    else if (event.type === "instance.leftovers") this.leftovers.set(key, event);
    else if (event.type === "instance.drifted") this.drifts.set(key, event);
    else if (event.type === "instance.skipped") this.skips.set(key, event);
  }

  /** A failed hook of an instance is told as the failure of that instance. The latest word on each hook counts. */
  private collectHook(event: EventOf<"hook.finished">): void {
    if (event.instance !== undefined) return;
    const key = `${event.hook} ${event.host ?? ""}`;
    if (event.succeeded) this.hookFailures.delete(key);
    else this.hookFailures.set(key, event);
  }

  /** Hooks that failed and are no instance's. */
  get failedHooks(): EventOf<"hook.finished">[] {
    return [...this.hookFailures.values()];
  }

  /** Failures that still stand. */
  failed(): EventOf<"instance.failed">[] {
    return [...this.failures.values()].filter(({ host, instance, also = [] }) =>
      [instance, ...also].some((each) => this.ledger.fateOf(host, each) === "failed"),
    );
  }

  /** Whether a failed instance says why the rollout was halted. */
  isHaltToldByFailure(): boolean {
    return this.failed().some(({ host, instance, reason }) => this.halted?.reason === `${host} ${instance}: ${reason}`);
  }

  /** What old instances have left behind, as it was last seen. */
  leftBehind(): EventOf<"instance.leftovers">[] {
    return [...this.leftovers.values()];
  }

  drifted(): EventOf<"instance.drifted">[] {
    return [...this.drifts.values()];
  }

  /** What the plan selects and was left alone. */
  skipped() {
    return [...this.skips.values()].filter(({ host, instance }) => this.ledger.fateOf(host, instance) === "skipped");
  }

  /** Why an instance was lost from sight during its restart, if that was told. */
  lossOf(host: HostName, instance: InstanceName): string | undefined {
    return this.losses.get(keyOf({ host, instance }))?.reason;
  }
}

function isOfInstance(event: RolloutEvent): event is EventOf<`instance.${string}` & RolloutEvent["type"]> {
  return event.type.startsWith("instance.");
}
