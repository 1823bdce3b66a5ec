import type { RolloutEvent } from "../../domain/events.ts";
import type { HostName, InstanceName } from "../../domain/ids.ts";
import { Drains } from "../../domain/drains.ts";
import { Ledger } from "./ledger.ts";

type Of<Type extends RolloutEvent["type"]> = Extract<RolloutEvent, { type: Type }>;

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
  planned: Of<"rollout.planned"> | undefined;
  halted: Of<"rollout.halted"> | undefined;
  interrupted: Of<"rollout.interrupted"> | undefined;
  finished: Of<"rollout.finished"> | undefined;
  /** Hosts that do not answer, and why. */
  readonly unreachable = new Map<HostName, string>();
  /** Hosts whose supervisord was restarted meanwhile: the last time of each. */
  readonly supervisorRestarts = new Map<HostName, Of<"host.supervisor_restarted">>();
  private readonly hookFailures = new Map<string, Of<"hook.finished">>();
  /** What others have changed meanwhile: the latest of each. */
  private readonly drifts = new Map<string, Of<"instance.drifted">>();
  private readonly failures = new Map<string, Of<"instance.failed">>();
  private readonly leftovers = new Map<string, Of<"instance.leftovers">>();
  private readonly losses = new Map<string, Of<"instance.indeterminate">>();
  private readonly skips = new Map<string, OfInstance & { readonly why: string }>();

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

  private plan(event: Of<"rollout.planned">): void {
    this.planned = event;
    for (const skip of event.skipped) this.skips.set(`${skip.host} ${skip.instance}`, skip);
  }

  private collectInstance(event: Of<`instance.${string}` & RolloutEvent["type"]>): void {
    const key = `${event.host} ${event.instance}`;
    if (event.type === "instance.failed") this.failures.set(key, event);
    else if (event.type === "instance.indeterminate") this.losses.set(key, event);
    else if (event.type === "instance.leftovers") this.leftovers.set(key, event);
    else if (event.type === "instance.drifted") this.drifts.set(key, event);
    else if (event.type === "instance.skipped") this.skips.set(key, event);
  }

  /** A failed hook of an instance is told as the failure of that instance. The latest word on each hook counts. */
  private collectHook(event: Of<"hook.finished">): void {
    if (event.instance !== undefined) return;
    const key = `${event.hook} ${event.host ?? ""}`;
    if (event.succeeded) this.hookFailures.delete(key);
    else this.hookFailures.set(key, event);
  }

  /** Hooks that failed and are no instance's. */
  get failedHooks(): Of<"hook.finished">[] {
    return [...this.hookFailures.values()];
  }

  /** Failures that still stand. */
  failed(): Of<"instance.failed">[] {
    return [...this.failures.values()].filter(({ host, instance, also = [] }) =>
      [instance, ...also].some((each) => this.ledger.fateOf(host, each) === "failed"),
    );
  }

  /** Whether a failed instance says why the rollout was halted. */
  isHaltToldByFailure(): boolean {
    return this.failed().some(({ host, instance, reason }) => this.halted?.reason === `${host} ${instance}: ${reason}`);
  }

  /** What old instances have left behind, as it was last seen. */
  leftBehind(): Of<"instance.leftovers">[] {
    return [...this.leftovers.values()];
  }

  drifted(): Of<"instance.drifted">[] {
    return [...this.drifts.values()];
  }

  /** What the plan selects and was left alone. */
  skipped() {
    return [...this.skips.values()].filter(({ host, instance }) => this.ledger.fateOf(host, instance) === "skipped");
  }

  /** Why an instance was lost from sight during its restart, if that was told. */
  lossOf(host: HostName, instance: InstanceName): string | undefined {
    return this.losses.get(`${host} ${instance}`)?.reason;
  }
}

function isOfInstance(event: RolloutEvent): event is Of<`instance.${string}` & RolloutEvent["type"]> {
  return event.type.startsWith("instance.");
}
