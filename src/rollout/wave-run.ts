import type { HostName, InstanceName } from "../domain/ids.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { HookOutcome, LookOutcome } from "../domain/outcomes.ts";
import type { HostWork, Wave } from "../domain/rollout.ts";
import { HostRun } from "./host-run.ts";
import type { Looks } from "./looks.ts";
import type { ProcessLooks } from "./process-looks.ts";
import type { RunContext } from "./run-context.ts";
import { StepHooks, type StepHook, type StepHookEnd } from "./step-hooks.ts";
import { findIn, stepsOf, type Step } from "./steps.ts";

type Phase =
  | { readonly name: "before" }
  /** Looks at the hosts of the coming wave, if there is one, and at what was restarted before it. */
  | {
      readonly name: "observing";
      readonly coming: ReadonlyMap<HostName, HostWork>;
      readonly missing: Set<HostName>;
    }
  | { readonly name: "around"; readonly due: Due }
  | { readonly name: "batch"; readonly atOnce: number }
  /** Between batches, hosts of earlier ones have a turn of their own for what has regressed there. */
  | { readonly name: "retrying"; readonly before: Phase }
  | { readonly name: "resting"; readonly untilMs: number }
  | { readonly name: "paused"; readonly untilMs: number }
  | { readonly name: "over" };

/** The next thing around the hosts of a batch: a hook, which may take its time or wait for the operator, or an event. */
type Due =
  "before_wave" | "before_batch" | "hosts" | "after_batch" | "batch_finished" | "after_wave" | "wave_finished" | "next";

/** Walks the waves and their batches: fills the slots of hosts, rests between batches, pauses after waves. */
export class WaveRun {
  private readonly steps: readonly Step[];
  private readonly context: RunContext;
  private readonly looks: Looks;
  private readonly processLooks: ProcessLooks;
  private phase: Phase = { name: "before" };
  /** The step that is walked, or that comes next. */
  private index = 0;
  /** The first step of the wave that has started and not ended: its after_wave hook is still to come. */
  private open: Step | undefined;
  private readonly hooks: StepHooks;
  /** The hosts of the current batch that are being worked on. */
  private readonly runs = new Map<HostName, HostRun>();
  /** Those that wait for a slot. */
  private waiting: HostWork[] = [];
  /** Hosts that had their turn and have another, for what has regressed there. They come first. */
  private retryQueue: HostWork[] = [];
  private readonly ended: HostName[] = [];

  constructor(waves: readonly Wave[], context: RunContext, looks: Looks, processLooks: ProcessLooks) {
    this.steps = stepsOf(waves);
    this.context = context;
    this.hooks = new StepHooks(context, (hook, end, nowMs) => this.hookEnded(hook, end, nowMs));
    this.looks = looks;
    this.processLooks = processLooks;
  }

  get isOver(): boolean {
    return this.phase.name === "over";
  }

  /** Nothing more is restarted, unless a last look shows an instance that has died. */
  get isDone(): boolean {
    return this.isOver || (this.phase.name === "observing" && this.index >= this.steps.length);
  }

  /** All is done without a halt: an interrupt that left nothing undone interrupted nothing. */
  private get isWhole(): boolean {
    const { tally } = this.context;
    const isCutShort = tally.stop?.kind === "halted" || (tally.stop && tally.counts().untouched > 0);
    return this.index >= this.steps.length && !isCutShort;
  }

  get isPaused(): boolean {
    return this.phase.name === "paused";
  }

  /** A hook of a wave or a batch runs, which may take long, or the operator is asked about it. */
  get isInHook(): boolean {
    return this.hooks.isBusy;
  }

  get wakeAtMs(): number {
    if (this.context.tally.isHeld) return Infinity;
    return this.phase.name === "resting" || this.phase.name === "paused" ? this.phase.untilMs : Infinity;
  }

  runOf(host: HostName): HostRun | undefined {
    return this.runs.get(host);
  }

  /** Begins the next batch. What a new wave is based on was seen a moment ago. */
  begin(nowMs: number): void {
    const step = this.steps[this.index];
    if (!step || this.context.tally.stop) return this.leave(nowMs);
    this.comes(step.isFirstOfWave ? "before_wave" : "before_batch", nowMs);
  }

  /** A hook of a wave or a batch has ended. */
  hookFinished(hook: StepHook, outcome: HookOutcome, nowMs: number): void {
    this.hooks.finished(hook, outcome, nowMs);
  }

  /** Nothing more is awaited of the failure of such a hook. */
  hookFailureEnded(isRetried: boolean, nowMs: number): void {
    this.hooks.failureEnded(isRetried, nowMs);
  }

  woken(nowMs: number): void {
    if (nowMs < this.wakeAtMs) return;
    if (this.phase.name === "resting") this.beginNext(nowMs);
    else if (this.phase.name === "paused") this.resume(nowMs);
  }

  /** The pause after a wave is over. */
  resume(nowMs: number): void {
    if (this.phase.name !== "paused") return;
    this.context.emit({ type: "rollout.resumed" });
    this.observe(nowMs);
  }

  /** A look at this host has come back, whatever it showed. */
  looked(host: HostName, outcome: LookOutcome, nowMs: number): void {
    if (this.phase.name !== "observing") return;
    const work = this.phase.coming.get(host);
    if (work && outcome.kind === "seen") this.context.drift.compareHost(work, outcome.snapshots);
    this.phase.missing.delete(host);
    if (this.phase.missing.size === 0 && !this.context.tally.isHeld) this.begin(nowMs);
  }

  /** True where only supervisord's own log says what has become of a process: a look is judged with that. */
  needsHistory(host: HostName, snapshots: readonly ProcessSnapshot[], issuedAtMs: number): boolean {
    const coming = this.phase.name === "observing" ? this.phase.coming.get(host) : undefined;
    if (coming && this.context.drift.needsHistory(coming, snapshots)) return true;
    return this.runs.get(host)?.needsHistory(snapshots, issuedAtMs) ?? false;
  }

  /** One that has regressed is restarted again, as the operator wishes: in its host's turn, or in another turn of it. */
  retry(host: HostName, instance: InstanceName, nowMs: number): void {
    const found = findIn(this.steps, host, instance);
    if (!found || this.runs.get(host)?.retry(found.planned, nowMs)) return;
    const { work, batch, planned } = found;
    // Its group has been updated: it is restarted alone.
    const { is_update: _, ...ofProgram } = batch;
    this.retryQueue.push({ ...work, batches: [{ ...ofProgram, at_once: 1, instances: [planned] }] });
  }

  /** The operator has answered: what waited continues. */
  released(nowMs: number): void {
    for (const run of this.runs.values()) run.released(nowMs);
    const isBetween = !["around", "batch", "retrying"].includes(this.phase.name);
    if (isBetween && this.retryQueue.length > 0) this.phase = { name: "retrying", before: this.phase };
    else if (this.phase.name === "observing") this.observe(nowMs);
    // The question about the failure has replaced the one whether to continue.
    else if (this.phase.name === "paused" && this.phase.untilMs === Infinity) this.pauseAgain(nowMs);
    else this.woken(nowMs);
    this.refill(nowMs);
  }

  capacityChanged(nowMs: number): void {
    for (const run of this.runs.values()) run.capacityChanged(nowMs);
    this.refill(nowMs);
  }

  stopBeginning(nowMs: number): void {
    this.waiting = [];
    this.retryQueue = [];
    for (const run of this.runs.values()) run.stopBeginning(nowMs);
    if (["around", "batch", "retrying"].includes(this.phase.name)) this.refill(nowMs);
    else if (this.phase.name !== "observing" || !this.isWhole) this.leave(nowMs);
  }

  abandon(): void {
    for (const run of this.runs.values()) run.abandon();
    this.runs.clear();
  }

  /** Forgets the hosts that have ended, fills their slots, and continues after the last of them. */
  refill(nowMs: number): void {
    let next: HostWork | undefined;
    do {
      for (const host of this.ended.splice(0)) this.runs.delete(host);
      next = this.nextHost();
      if (next) this.beginHost(next, nowMs);
    } while (next);
    if (this.runs.size > 0 || this.context.tally.isHeld) return;
    if (this.phase.name === "around") this.proceed(nowMs);
    else if (this.phase.name === "batch") this.comes("after_batch", nowMs);
    else if (this.phase.name === "retrying") this.returnTo(this.phase.before, nowMs);
  }

  /** The host that gets the next slot, if one is free and something may start. */
  private nextHost(): HostWork | undefined {
    if (!this.context.tally.mayBegin || (this.phase.name !== "batch" && this.phase.name !== "retrying"))
      return undefined;
    if (this.runs.size >= (this.phase.name === "batch" ? this.phase.atOnce : 1)) return undefined;
    const index = this.retryQueue.findIndex(({ host }) => !this.runs.has(host));
    return index >= 0 ? this.retryQueue.splice(index, 1)[0] : this.waiting.shift();
  }

  /** After a turn for retries: continue resting, look again, and restart the pause. */
  private returnTo(before: Phase, nowMs: number): void {
    this.phase = before;
    if (before.name === "around") this.proceed(nowMs);
    else if (this.context.tally.stop && !this.isWhole) this.leave(nowMs);
    else if (this.phase.name === "resting") this.woken(nowMs);
    else if (this.phase.name === "observing") this.observe(nowMs);
    else if (this.phase.name === "paused") this.pauseAgain(nowMs);
  }

  private pauseAgain(nowMs: number): void {
    const ended = this.steps[this.index - 1];
    if (ended?.wave.pause) this.pause(ended, ended.wave.pause, nowMs);
  }

  private beginHost(work: HostWork, nowMs: number): void {
    const run = new HostRun(work, this.context, { looks: this.looks, processLooks: this.processLooks }, () =>
      this.ended.push(work.host),
    );
    this.runs.set(work.host, run);
    run.begin(nowMs);
  }

  private comes(due: Due, nowMs: number): void {
    this.phase = { name: "around", due };
    this.proceed(nowMs);
  }

  /** Nothing further begins; what was opened by a hook is closed by another. */
  private leave(nowMs: number): void {
    if (this.open) this.comes("after_wave", nowMs);
    else this.phase = { name: "over" };
  }

  /** Takes one thing that is due after the other, unless a hook runs or the operator is asked. */
  private proceed(nowMs: number): void {
    while (this.phase.name === "around" && !this.hooks.isBusy && !this.context.tally.isHeld) {
      const { due } = this.phase;
      if (this.retryQueue.length > 0 && isAfterHosts(due) && this.context.tally.mayBegin) {
        this.phase = { name: "retrying", before: this.phase };
        return this.refill(nowMs);
      }
      const next = this.take(due, nowMs);
      if (next === undefined) return;
      this.phase = { name: "around", due: next };
    }
  }

  /** @returns the next thing that is due; undefined where it has its own way of continuing */
  private take(due: Due, nowMs: number): Due | undefined {
    const { context, hooks, open } = this;
    const { stop } = context.tally;
    const step = this.steps[this.index];
    const done = this.steps[this.index - 1];
    switch (due) {
      case "before_wave":
        if (!step) return "next";
        this.open = step;
        context.emit({ type: "wave.started", wave: step.place.wave, group: step.place.group });
        return hooks.run("before_wave", step) ? undefined : "before_batch";
      case "before_batch":
        if (!step || stop) return "after_wave";
        context.emit({ type: "batch.started", ...step.place, hosts: step.batch.hosts.map(({ host }) => host) });
        return hooks.run("before_batch", step) ? undefined : "hosts";
      case "hosts":
        this.phase = { name: "batch", atOnce: step?.batch.at_once ?? 0 };
        this.waiting = step && !stop ? [...step.batch.hosts] : [];
        this.refill(nowMs);
        return undefined;
      case "after_batch":
        return step && hooks.run("after_batch", step) ? undefined : "batch_finished";
      case "batch_finished":
        if (step) context.emit({ type: "batch.finished", ...step.place });
        this.index++;
        return step?.isLastOfWave || stop ? "after_wave" : "next";
      case "after_wave":
        return open && hooks.run("after_wave", open) ? undefined : "wave_finished";
      case "wave_finished":
        if (open && done?.isLastOfWave && done.wave === open.wave)
          context.emit({ type: "wave.finished", wave: open.place.wave, group: open.place.group });
        this.open = undefined;
        return "next";
      case "next":
        this.goOn(nowMs);
        return undefined;
    }
  }

  private hookEnded(hook: StepHook, end: StepHookEnd, nowMs: number): void {
    if (end === "failed" && hook.startsWith("before_") && !this.context.tally.stop) this.skip(hook);
    this.comes(dueAfter(hook, end), nowMs);
  }

  /** What its hook was to prepare is left alone: the batch, or the whole wave. */
  private skip(hook: StepHook): void {
    const isOfWave = hook === "before_wave";
    const { wave } = this.steps[this.index] ?? {};
    const steps = isOfWave
      ? this.steps.filter((step) => step.wave === wave)
      : this.steps.slice(this.index, this.index + 1);
    const why = isOfWave ? "the before_wave hook of its wave failed" : "the before_batch hook of its batch failed";
    for (const { host, batches } of steps.flatMap(({ batch }) => batch.hosts))
      for (const { program, instance } of batches.flatMap(({ instances }) => instances))
        this.context.outcomes.skipped({ host, program, instance }, why);
    if (isOfWave) this.index += steps.length;
  }

  /** After a batch, or the last of its wave. */
  private goOn(nowMs: number): void {
    const done = this.steps[this.index - 1];
    if (this.isWhole) this.observe(nowMs);
    else if (this.context.tally.stop || !done) this.leave(nowMs);
    else if (done.isLastOfWave && done.wave.pause) this.pause(done, done.wave.pause, nowMs);
    else if (done.wave.between_batches_ms > 0) this.rest(done, nowMs);
    else this.beginNext(nowMs);
  }

  private beginNext(nowMs: number): void {
    if (this.steps[this.index]?.isFirstOfWave) this.observe(nowMs);
    else this.begin(nowMs);
  }

  private rest({ place, wave }: Step, nowMs: number): void {
    const ms = wave.between_batches_ms;
    this.phase = { name: "resting", untilMs: nowMs + ms };
    this.context.emit({ type: "batch.resting", ...place, ms });
  }

  private pause({ place: { wave, group } }: Step, pause: NonNullable<Wave["pause"]>, nowMs: number): void {
    if (pause === "ask") {
      this.phase = { name: "paused", untilMs: Infinity };
      this.context.emit({ type: "rollout.paused", wave, group });
      this.context.issue({ type: "ask", about: "pause" });
      return;
    }
    this.phase = { name: "paused", untilMs: nowMs + pause.ms };
    this.context.emit({ type: "rollout.paused", wave, group, ms: pause.ms });
  }

  /**
   * Looks at all hosts of the coming wave and of the waves before it: what was healthy there must still be so. After the
   * last wave none is coming: instances that are reported as healthy still run at the end.
   */
  private observe(nowMs: number): void {
    const wave = this.steps[this.index]?.wave;
    const coming = new Map(wave?.batches.flatMap(({ hosts }) => hosts).map((work) => [work.host, work]));
    const before = this.steps.slice(0, this.index).flatMap(({ batch }) => batch.hosts);
    const missing = new Set([...before.map(({ host }) => host), ...coming.keys()]);
    this.phase = { name: "observing", coming, missing };
    for (const host of missing) this.looks.request(host, nowMs);
  }
}

/** A hook that was not run has opened nothing that another closes. */
function dueAfter(hook: StepHook, end: StepHookEnd): Due {
  switch (hook) {
    case "before_wave":
      if (end === "succeeded") return "before_batch";
      return end === "failed" ? "after_wave" : "wave_finished";
    case "before_batch":
      if (end === "succeeded") return "hosts";
      return end === "failed" ? "after_batch" : "batch_finished";
    case "after_batch":
      return "batch_finished";
    case "after_wave":
      return "wave_finished";
  }
}

/** The hosts that come next, if any, would take retries first. */
function isAfterHosts(due: Due): boolean {
  return ["batch_finished", "after_wave", "wave_finished", "next"].includes(due);
}
