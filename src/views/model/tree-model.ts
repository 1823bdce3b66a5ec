/**
 * What the tree knows of the rollout: kept up to date by each event with constant work, read by each frame only as
 * far as it has rows to show it.
 */
import type { RolloutEvent, EventOf } from "../../domain/events.ts";
import { type HostName, type InstanceName, keyOf, type InstanceKey } from "../../domain/ids.ts";
import { Ledger } from "./ledger.ts";
import {
  isDone,
  shownWaves,
  type ShownHook,
  type ShownHost,
  type ShownInstance,
  type ShownWave,
  type Span,
} from "./shown-rollout.ts";

type OfInstance = Exclude<
  EventOf<`instance.${string}` & RolloutEvent["type"]>,
  EventOf<"instance.drifted" | "instance.leftovers">
>;

export class TreeModel implements Span {
  readonly ledger = new Ledger();
  readonly connected = new Set<HostName>();
  /** Hosts that cannot be reached now, and why: `unreachable: connect ETIMEDOUT`. */
  readonly unreachable = new Map<HostName, string>();
  /** By host and instance, in the order in which they failed. */
  readonly failures = new Map<InstanceKey, EventOf<"instance.failed">>();
  /** Those that are no failure of an instance. */
  readonly failedHooks = new Map<string, EventOf<"hook.finished">>();
  /** What was left behind last, and by how many instances. */
  leftovers: { readonly last: EventOf<"instance.leftovers">; readonly count: number } | undefined;
  /** What others have changed since the preview: the latest of it, and how much there is. */
  drifted: { readonly last: EventOf<"instance.drifted">; readonly count: number } | undefined;
  /** What the operator is asked about a failure. */
  asking: EventOf<"rollout.asking"> | undefined;
  waves: readonly ShownWave[] = [];
  planned: EventOf<"rollout.planned"> | undefined;
  /** Somebody else's lock that is waited for, and until when. */
  lock: { readonly reason: string; readonly untilMs: number } | undefined;
  halted: EventOf<"rollout.halted"> | undefined;
  interrupted: EventOf<"rollout.interrupted"> | undefined;
  finished: EventOf<"rollout.finished"> | undefined;
  /** The end of the rest before the next batch. */
  restingUntilMs: number | undefined;
  /** The wave after which the rollout is paused, and until when if not until the operator answers. */
  paused: { readonly group: string; readonly untilMs: number | undefined } | undefined;
  /** A hook of the rollout that runs. */
  hook: ShownHook | undefined;
  startedAtMs?: number;
  endedAtMs?: number;
  private readonly instances = new Map<HostName, Map<InstanceName, ShownInstance>>();
  private readonly hosts = new Map<HostName, ShownHost>();

  apply(event: RolloutEvent, nowMs: number): void {
    this.startedAtMs ??= nowMs;
    this.ledger.record(event);
    switch (event.type) {
      case "lock.waiting":
        this.lock = { reason: `${event.host ?? ""}: ${event.reason}`, untilMs: nowMs + event.ms };
        break;
      case "rollout.planned":
        this.lock = undefined;
        this.plan(event);
        break;
      case "rollout.started":
        this.startedAtMs = nowMs;
        break;
      case "rollout.paused":
        this.paused = { group: event.group, untilMs: event.ms === undefined ? undefined : nowMs + event.ms };
        break;
      case "rollout.resumed":
        this.paused = undefined;
        break;
      case "rollout.halted":
        this.halted ??= event;
        this.restNoMore();
        break;
      case "rollout.interrupted":
        this.interrupted ??= event;
        this.restNoMore();
        break;
      case "rollout.finished":
        this.finished = event;
        this.endedAtMs = nowMs;
        this.restNoMore();
        break;
      case "hook.started":
        this.applyHook(event, { name: event.hook, sinceMs: nowMs, untilMs: nowMs + event.ms });
        break;
      case "hook.finished":
        this.applyHook(event, undefined);
        this.applyToHook(event);
        break;
      case "rollout.asking":
        this.asking = event;
        break;
      case "rollout.answered":
        this.asking = undefined;
        break;
      case "wave.started":
      case "wave.finished":
      case "batch.started":
      case "batch.finished":
      case "batch.resting":
        this.applyToBatch(event, nowMs);
        break;
      case "host.supervisor_restarted":
        // What it means for instances is told by theirs.
        break;
      case "host.connected":
      case "host.unreachable":
      case "host.resting":
      case "host.finished":
        this.applyToHost(event, nowMs);
        break;
      case "instance.leftovers":
        this.leftovers = { last: event, count: (this.leftovers?.count ?? 0) + 1 };
        break;
      case "instance.drifted":
        this.drifted = { last: event, count: (this.drifted?.count ?? 0) + 1 };
        break;
      case "instance.waiting":
      case "instance.restarting":
      case "instance.observed":
      case "instance.healthy":
      case "instance.failed":
      case "instance.skipped":
      case "instance.indeterminate":
      case "instance.unchanged":
        this.applyToInstance(event, nowMs);
    }
  }

  private restNoMore(): void {
    this.restingUntilMs = undefined;
    this.paused = undefined;
    this.asking = undefined;
  }

  /** That of an instance is told as the instance's own failure. The latest word on each hook counts. */
  private applyToHook(event: EventOf<"hook.finished">): void {
    if (event.instance !== undefined) return;
    const key = `${event.hook} ${event.host ?? ""}`;
    if (event.succeeded) this.failedHooks.delete(key);
    else this.failedHooks.set(key, event);
  }

  private plan(event: EventOf<"rollout.planned">): void {
    this.planned = event;
    this.waves = shownWaves(event.waves);
    for (const host of this.waves.flatMap(({ batches }) => batches.flatMap(({ hosts }) => hosts))) {
      const ofHost = this.instances.get(host.name) ?? new Map<InstanceName, ShownInstance>();
      this.instances.set(host.name, ofHost);
      for (const instance of host.instances) ofHost.set(instance.name, instance);
    }
  }

  private applyToBatch(
    event: EventOf<`wave.${"started" | "finished"}` | `batch.${"started" | "finished" | "resting"}`>,
    nowMs: number,
  ): void {
    const wave = this.waves[event.wave - 1];
    const batch = "batch" in event ? wave?.batches[event.batch - 1] : undefined;
    if (event.type === "batch.resting") {
      this.restingUntilMs = nowMs + event.ms;
      return;
    }
    if (event.type === "wave.started" || event.type === "batch.started") this.restNoMore();
    const begun = batch ?? wave;
    if (!wave || !begun) return;
    if (event.type === "wave.finished" || event.type === "batch.finished") {
      begun.endedAtMs = nowMs;
      return;
    }
    begun.startedAtMs = nowMs;
    if (!batch) return;
    wave.current = batch;
    for (const host of batch.hosts) this.hosts.set(host.name, host);
  }

  /** Those of on_failure go on beside the rollout, which waits for them only at its end. */
  private applyHook(
    { hook, host, instance }: EventOf<`hook.${string}` & RolloutEvent["type"]>,
    runs: ShownHook | undefined,
  ): void {
    if (host === undefined || hook === "on_failure") {
      this.hook = runs;
      return;
    }
    const at = this.hosts.get(host);
    const shown = instance === undefined ? at : this.instances.get(host)?.get(instance);
    if (!at || !shown) return;
    shown.hook = runs;
    at.begun = true;
    at.restingUntilMs = undefined;
    this.sort(at);
  }

  private applyToHost(
    event: EventOf<`host.${"connected" | "unreachable" | "resting" | "finished"}`>,
    nowMs: number,
  ): void {
    if (event.type === "host.connected") {
      this.connected.add(event.host);
      this.unreachable.delete(event.host);
    } else if (event.type === "host.unreachable") {
      this.unreachable.set(event.host, `${event.code.replaceAll("_", " ")}: ${event.reason}`);
    }
    const host = this.hosts.get(event.host);
    if (!host) return;
    if (event.type === "host.resting") host.restingUntilMs = nowMs + event.ms;
    if (event.type === "host.finished") host.ended = true;
    host.begun ||= event.type === "host.resting" || event.type === "host.finished";
    this.sort(host);
  }

  private applyToInstance(event: OfInstance, nowMs: number): void {
    const instance = this.instances.get(event.host)?.get(event.instance);
    if (!instance) return;
    if (event.type === "instance.failed") this.failures.set(keyOf(event), event);
    else if (event.type === "instance.healthy") this.failures.delete(keyOf(event));
    if (event.type === "instance.observed") see(instance, event, nowMs);
    else if (event.type === "instance.waiting") this.wait(instance, event, nowMs);
    else this.move(instance, event, nowMs);
    if (event.type !== "instance.failed") return;
    const { also = [], ...failed } = event;
    for (const other of also) {
      const shown = this.instances.get(event.host)?.get(other);
      if (shown) this.move(shown, { ...failed, instance: other }, nowMs);
    }
  }

  private wait(
    instance: ShownInstance,
    { healthy, min_healthy, ms }: EventOf<"instance.waiting">,
    nowMs: number,
  ): void {
    if (!instance.waiting) instance.sinceMs = nowMs;
    instance.untilMs = nowMs + ms;
    instance.waiting = { healthy, minHealthy: min_healthy };
    instance.at.begun = true;
    this.sort(instance.at);
  }

  /** Gives an instance the fate that the ledger now has for it. */
  private move(
    instance: ShownInstance,
    event: Exclude<OfInstance, EventOf<"instance.observed" | "instance.waiting">>,
    nowMs: number,
  ): void {
    const fate = this.ledger.fateOf(event.host, event.instance) ?? instance.fate;
    const { at } = instance;
    for (const { counts } of [at, at.batch, at.batch.wave]) {
      counts[instance.fate]--;
      counts[fate]++;
    }
    instance.fate = fate;
    instance.sinceMs = nowMs;
    if (event.type === "instance.healthy" && event.pid !== undefined) run(instance, event.pid, nowMs);
    instance.state = undefined;
    instance.waiting = undefined;
    if (event.type === "instance.restarting") {
      instance.previousPid = event.previous_pid;
      instance.action = event.action;
      instance.proving = false;
      instance.process = undefined;
      instance.stopEnded = event.action === "start";
      const { stop_deadline_ms, healthy_deadline_ms } = at.work.timings;
      instance.untilMs = nowMs + (event.action === "start" ? healthy_deadline_ms : stop_deadline_ms);
      at.restingUntilMs = undefined;
    }
    if (event.type === "instance.failed") instance.failureCode = event.code;
    at.begun = true;
    this.sort(at);
  }

  /** Puts a host where the frame looks for it. */
  private sort(host: ShownHost): void {
    const { batch, counts } = host;
    const lost = this.unreachable.has(host.name) && !isDone(host);
    const begun = lost || host.begun;
    put(batch.trouble, host, lost || counts.failed > 0 || counts.indeterminate > 0);
    put(batch.active, host, begun && !isDone(host));
    put(batch.waiting, host, !begun);
  }
}

function see(instance: ShownInstance, { state, pid }: EventOf<"instance.observed">, nowMs: number): void {
  if (instance.state !== state) instance.sinceMs = nowMs;
  // Its stop has ended: from here on it is to become healthy in time.
  const isStopping = state === "STOPPING" || (state === "RUNNING" && pid === instance.previousPid);
  if (!isStopping && !instance.stopEnded) {
    instance.stopEnded = true;
    instance.untilMs = nowMs + instance.at.work.timings.healthy_deadline_ms;
  }
  instance.state = state;
  instance.proving = state === "RUNNING" && pid !== instance.previousPid;
  if (instance.proving && pid !== undefined) run(instance, pid, nowMs);
}

function run(instance: ShownInstance, pid: number, nowMs: number): void {
  if (instance.process?.pid !== pid) instance.process = { pid, sinceMs: nowMs };
}

function put<Member>(set: Set<Member>, member: Member, belongs: boolean): void {
  if (belongs) set.add(member);
  else set.delete(member);
}
