import type { ProcessesOutcome } from "../domain/host-process.ts";
import type { InstanceName } from "../domain/ids.ts";
import { codeOf, type HookOutcome, type LookOutcome } from "../domain/outcomes.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import { partsOf, type HostWork, type PlannedInstance } from "../domain/rollout.ts";
import type { HookName } from "../domain/settings.ts";
import type { HostHookFailure } from "./failures.ts";
import { GroupUpdate } from "./group-update.ts";
import { InstanceRun } from "./instance-run.ts";
import type { Looks } from "./looks.ts";
import type { ProcessLook, ProcessLooks } from "./process-looks.ts";
import { Slots } from "./slots.ts";
import type { RunContext } from "./run-context.ts";

/** A host that does not answer is not asked sooner again, unless the plan looks more often. */
const UNSEEN_PAUSE_MS = 1000;

type Phase = "before_host" | "walking" | "after_host" | "ended";

/**
 * Walks one host through its work: instance batch by instance batch, slot by slot, with the rests between.
 * One look answers for all instances of the host, so looks are asked for by the host.
 */
export class HostRun {
  private readonly work: HostWork;
  private readonly parts: readonly HostWork[];
  private readonly context: RunContext;
  private readonly looks: Looks;
  private readonly processLooks: ProcessLooks;
  private readonly onEnd: () => void;
  private readonly slots: Slots;
  private phase: Phase = "walking";
  private readonly active = new Map<InstanceName, InstanceRun>();
  /** The update that the current batch is. */
  private update: GroupUpdate | undefined;
  private lookAtMs = Infinity;
  /** Since when looks have failed without one that succeeded. */
  private unseenSinceMs: number | undefined;

  constructor(
    work: HostWork,
    context: RunContext,
    { looks, processLooks }: { readonly looks: Looks; readonly processLooks: ProcessLooks },
    onEnd: () => void,
  ) {
    this.work = work;
    this.parts = partsOf(work);
    this.context = context;
    this.looks = looks;
    this.processLooks = processLooks;
    this.onEnd = onEnd;
    this.slots = new Slots(work, context);
  }

  begin(nowMs: number): void {
    if (this.work.hooks.before_host) this.runHook("before_host");
    else this.beginNextBatch(nowMs);
  }

  /** True where only supervisord's own log says what has become of a process. */
  needsHistory(snapshots: readonly ProcessSnapshot[], issuedAtMs: number): boolean {
    return snapshots.some((snapshot) => this.active.get(snapshot.instance)?.needsHistory(snapshot, issuedAtMs));
  }

  looked(outcome: LookOutcome, issuedAtMs: number, nowMs: number): void {
    this.lookAtMs = Infinity;
    if (outcome.kind === "seen") this.seen(outcome.snapshots, issuedAtMs, nowMs);
    else this.unseen(outcome, nowMs);
  }

  private seen(snapshots: readonly ProcessSnapshot[], issuedAtMs: number, nowMs: number): void {
    if (this.unseenSinceMs !== undefined)
      this.context.emit({ type: "host.connected", host: this.work.host, instances: snapshots.length });
    this.unseenSinceMs = undefined;
    const byName = new Map(snapshots.map((snapshot) => [snapshot.instance, snapshot]));
    this.each(nowMs, (run) => run.looked(byName.get(run.planned.instance), issuedAtMs, nowMs));
    this.update?.looked(issuedAtMs, nowMs);
  }

  private unseen(outcome: Exclude<LookOutcome, { kind: "seen" }>, nowMs: number): void {
    const { host, timings } = this.work;
    const { reason } = outcome;
    const hasEnded = outcome.kind === "unavailable" && outcome.hasEnded;
    if (this.unseenSinceMs === undefined && this.active.size > 0) {
      this.unseenSinceMs = nowMs;
      const code = hasEnded ? "supervisor_ended" : codeOf(outcome);
      this.context.emit({ type: "host.unreachable", host, code, reason });
    }
    if (hasEnded) for (const run of this.active.values()) run.supervisorEnded(reason, nowMs);
    const lostMs = nowMs - (this.unseenSinceMs ?? nowMs);
    if (lostMs >= timings.command_timeout_ms && !this.context.tally.isHeld) this.giveUpHost(reason, nowMs);
    this.lookAtMs = nowMs + timings.between_checks_ms;
    for (const run of this.active.values()) run.timePassed(nowMs);
    // However soon something of it is due: it would be asked as fast as it fails to answer.
    if (this.lookAtMs <= nowMs) this.lookAtMs = nowMs + Math.min(timings.between_checks_ms, UNSEEN_PAUSE_MS);
    this.proceed(nowMs);
  }

  /** Lost for longer than is worth waiting. What was not touched yet is left; a gate waits for its own deadlines. */
  private giveUpHost(why: string, nowMs: number): void {
    const waiting = [...this.active.values()].filter((run) => run.awaitsItsHost);
    const left = waiting.filter((run) => !run.failWithoutHost(why, nowMs));
    if (left.length === 0) return;
    if (this.context.tally.addUnreachable(this.work.host))
      this.context.halt("unreachable", `${this.work.host}: ${why}`);
    for (const run of left) run.stopBeginning(nowMs);
    this.failQueuedRetries(why, nowMs);
    this.slots.drop();
  }

  /** Queued retries: the operator's choice must not be forgotten for them either. */
  private failQueuedRetries(why: string, nowMs: number): void {
    const { host } = this.work;
    for (const planned of this.slots.queued) {
      if (!this.context.failures.hasRegressed(host, planned.instance)) continue;
      this.open(planned, nowMs).failWithoutHost(why, nowMs);
    }
  }

  /** A look at the host's process table has come back. */
  processesSeen(look: ProcessLook, outcome: ProcessesOutcome, nowMs: number): void {
    this.each(nowMs, (run) => run.processesSeen(look, outcome, nowMs));
  }

  /** Something came back that concerns one instance. */
  forInstance(instance: InstanceName, act: (run: InstanceRun) => void, nowMs: number): void {
    const run = this.active.get(instance);
    if (!run) return;
    act(run);
    this.proceed(nowMs);
  }

  /** Something came back that concerns the group that is updated. */
  forUpdate(act: (update: GroupUpdate) => void, nowMs: number): void {
    if (!this.update) return;
    act(this.update);
    this.proceed(nowMs);
  }

  hookFinished(hook: HookName, outcome: HookOutcome, nowMs: number): void {
    if (hook !== this.phase) return;
    if (outcome.kind === "failed") {
      const reason = `its ${this.phase} hook failed: ${outcome.reason}`;
      this.context.failures.addHook({ host: this.work.host, hook: this.phase, code: "hook_failed", reason });
    } else if (outcome.kind === "not_run") this.end();
    else this.afterHook(nowMs);
  }

  /** Nothing more is awaited of the failure of a hook: it stands, or the operator has chosen to retry. */
  hookFailureEnded({ hook }: HostHookFailure, isRetried: boolean, nowMs: number): void {
    if (hook !== this.phase) return;
    if (isRetried) {
      this.context.tally.retractFailure();
      this.runHook(hook);
      return;
    }
    if (hook === "before_host") this.skipAll();
    this.afterHook(nowMs);
  }

  /** Retries one that has regressed next. False if it is too late for that, or not this host's turn. */
  retry(planned: PlannedInstance, nowMs: number): boolean {
    const isItsTurn = this.work.batches.some(({ instances }) => instances.includes(planned));
    if (!isItsTurn || this.phase !== "walking") return false;
    this.slots.queueRetry(planned);
    this.proceed(nowMs);
    return true;
  }

  /** The operator has answered: what waited continues. */
  released(nowMs: number): void {
    if (this.unseenSinceMs !== undefined) this.unseenSinceMs = nowMs;
    for (const run of this.active.values()) run.released(nowMs);
    if (this.phase === "walking") this.fill(this.slots.takeRested(nowMs), nowMs);
    this.proceed(nowMs);
  }

  woken(nowMs: number): void {
    if (this.phase !== "walking") return;
    this.fill(this.slots.takeRested(nowMs), nowMs);
    if (nowMs >= this.lookAtMs) {
      this.lookAtMs = Infinity;
      this.each(nowMs, (run) => run.timePassed(nowMs));
      if (this.active.size > 0) this.looks.request(this.work.host, nowMs);
      return;
    }
    this.proceed(nowMs);
  }

  /** Capacity may have become free: instances that wait for it try again. */
  capacityChanged(nowMs: number): void {
    if (this.active.size > 0) this.each(nowMs, (run) => run.tryBegin(nowMs));
  }

  /** No new restarts: untouched instances stay so, restarts in progress finish their gate. */
  stopBeginning(nowMs: number): void {
    this.slots.drop();
    for (const run of this.active.values()) run.stopBeginning(nowMs);
    this.proceed(nowMs);
  }

  abandon(): void {
    for (const run of this.active.values()) run.abandon();
    this.active.clear();
    this.phase = "ended";
  }

  private each(nowMs: number, act: (run: InstanceRun) => void): void {
    for (const run of this.active.values()) act(run);
    this.proceed(nowMs);
  }

  /** Starts what has become possible, and schedules the next look or wake of the host. */
  private proceed(nowMs: number): void {
    if (this.context.tally.mayBegin) this.update?.proceed(nowMs);
    for (const [instance, run] of this.active) {
      if (!run.isOver) continue;
      this.active.delete(instance);
      this.slots.freed(run.restAfterMs, nowMs);
    }
    if (this.phase === "walking" && this.active.size === 0 && this.slots.isBatchOver) this.beginNextBatch(nowMs);
    else this.schedule(nowMs);
  }

  /** Begins the next batch, or ends the host. */
  private beginNextBatch(nowMs: number): void {
    this.phase = "walking";
    if (this.slots.isLast) {
      this.finish();
      return;
    }
    this.update = undefined;
    const slots = this.slots.beginBatch(nowMs);
    this.fill(slots, nowMs);
    if (slots > 0) this.proceed(nowMs);
    else this.schedule(nowMs);
  }

  private fill(slots: number, nowMs: number): void {
    for (let slot = 0; slot < slots; slot++) {
      const planned = this.slots.next();
      if (!planned) return;
      this.open(planned, nowMs).tryBegin(nowMs);
    }
  }

  private open(planned: PlannedInstance, nowMs: number): InstanceRun {
    const lookAt = (atMs: number) => void (this.lookAtMs = Math.min(this.lookAtMs, atMs));
    const work = this.ownWork(planned);
    const { context } = this;
    const { updated } = this.slots;
    if (updated) this.update ??= new GroupUpdate(work, updated, context, lookAt);
    const { update } = this;
    const run = new InstanceRun({ planned, work, context, lookAt, update }, nowMs);
    update?.add(run);
    this.active.set(planned.instance, run);
    return run;
  }

  /** The host's work with the settings of an instance's program. */
  private ownWork(planned: PlannedInstance): HostWork {
    return this.parts.find(({ batches }) => batches.some(({ instances }) => instances.includes(planned))) ?? this.work;
  }

  private schedule(nowMs: number): void {
    if (this.phase !== "walking") return;
    const wanted = [...this.active.values()].flatMap((run) => run.processQuery ?? []);
    this.processLooks.request(this.work.host, wanted, nowMs);
    if (this.lookAtMs <= nowMs) {
      this.lookAtMs = Infinity;
      this.looks.request(this.work.host, nowMs);
    }
    const wakeAtMs = Math.min(this.lookAtMs, this.slots.wakeAtMs);
    if (wakeAtMs !== Infinity) this.context.issue({ type: "wake", host: this.work.host, atMs: wakeAtMs });
  }

  private finish(): void {
    if (this.work.hooks.after_host) this.runHook("after_host");
    else this.end();
  }

  private end(): void {
    this.phase = "ended";
    this.context.emit({ type: "host.finished", host: this.work.host });
    this.onEnd();
  }

  private runHook(hook: "before_host" | "after_host"): void {
    const { host, hooks, vars, timings } = this.work;
    const command = hooks[hook];
    if (!command) return;
    this.phase = hook;
    const timeoutMs = command.timeout_ms ?? timings.command_timeout_ms;
    this.context.issue({ type: "run_hook", hook, command, vars, timeoutMs, host });
  }

  private afterHook(nowMs: number): void {
    if (this.phase === "before_host") this.beginNextBatch(nowMs);
    else this.end();
  }

  /** Its before_host hook failed: none of its instances is touched. */
  private skipAll(): void {
    const { host } = this.work;
    for (const batch of this.work.batches)
      for (const { program, instance } of batch.instances) {
        // Of one that regressed the failure stands.
        if (this.context.failures.hasRegressed(host, instance)) continue;
        this.context.outcomes.skipped({ host, program, instance }, "its host's before_host hook failed");
      }
    this.slots.drop();
  }
}
