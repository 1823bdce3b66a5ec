import type { HostName, InstanceName } from "../domain/ids.ts";
import type { LookOutcome } from "../domain/outcomes.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { HostWork, InstanceBatch, PlannedInstance, Wave } from "../domain/rollout.ts";
import { HostRun } from "./host-run.ts";
import type { Looks } from "./looks.ts";
import type { ProcessLooks } from "./process-looks.ts";
import type { RunContext } from "./run-context.ts";

type Phase =
  | { readonly name: "before" }
  /** Looks at the hosts of the coming wave, if there is one, and at what was restarted before it. */
  | {
      readonly name: "observing";
      readonly coming: ReadonlyMap<HostName, HostWork>;
      readonly missing: Set<HostName>;
    }
  | { readonly name: "batch"; readonly atOnce: number }
  /** Between batches, hosts of earlier ones have a turn of their own for what has regressed there. */
  | { readonly name: "retrying"; readonly before: Phase }
  | { readonly name: "resting"; readonly untilMs: number }
  | { readonly name: "paused"; readonly untilMs: number }
  | { readonly name: "over" };

/** One batch, and where it stands. */
interface Step {
  readonly place: { readonly wave: number; readonly group: string; readonly batch: number };
  readonly wave: Wave;
  readonly batch: Wave["batches"][number];
  readonly isFirstOfWave: boolean;
  readonly isLastOfWave: boolean;
}

/** An instance, and its place in the rollout. */
interface Found {
  readonly work: HostWork;
  readonly batch: InstanceBatch;
  readonly planned: PlannedInstance;
}

/** Walks the waves and their batches: fills the slots of hosts, rests between batches, pauses after waves. */
export class WaveRun {
  private readonly steps: readonly Step[];
  private readonly context: RunContext;
  private readonly looks: Looks;
  private readonly processLooks: ProcessLooks;
  private phase: Phase = { name: "before" };
  /** The step that is walked, or that comes next. */
  private index = 0;
  /** The hosts of the current batch that are being worked on. */
  private readonly runs = new Map<HostName, HostRun>();
  /** Those that wait for a slot. */
  private waiting: HostWork[] = [];
  /** Hosts that had their turn and have another, for what has regressed there. They come first. */
  private retryQueue: HostWork[] = [];
  private readonly ended: HostName[] = [];

  constructor(waves: readonly Wave[], context: RunContext, looks: Looks, processLooks: ProcessLooks) {
    this.steps = waves.flatMap(stepsOf);
    this.context = context;
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
    if (!step || this.context.tally.stop) {
      this.phase = { name: "over" };
      return;
    }
    const { place, batch } = step;
    if (step.isFirstOfWave) this.context.emit({ type: "wave.started", wave: place.wave, group: place.group });
    this.phase = { name: "batch", atOnce: batch.at_once };
    this.context.emit({ type: "batch.started", ...place, hosts: batch.hosts.map(({ host }) => host) });
    this.waiting = [...batch.hosts];
    this.refill(nowMs);
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
    const found = this.find(host, instance);
    if (!found || this.runs.get(host)?.retry(found.planned, nowMs)) return;
    const { work, batch, planned } = found;
    this.retryQueue.push({ ...work, batches: [{ ...batch, at_once: 1, instances: [planned] }] });
  }

  /** The operator has answered: what waited continues. */
  released(nowMs: number): void {
    for (const run of this.runs.values()) run.released(nowMs);
    const isBetween = this.phase.name !== "batch" && this.phase.name !== "retrying";
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
    if (this.phase.name === "batch" || this.phase.name === "retrying") this.refill(nowMs);
    else if (this.phase.name !== "observing" || !this.isWhole) this.phase = { name: "over" };
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
    if (this.phase.name === "batch") this.finishBatch(nowMs);
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
    this.phase = this.context.tally.stop && !this.isWhole ? { name: "over" } : before;
    if (this.phase.name === "resting") this.woken(nowMs);
    else if (this.phase.name === "observing") this.observe(nowMs);
    else if (this.phase.name === "paused") this.pauseAgain(nowMs);
  }

  private pauseAgain(nowMs: number): void {
    const ended = this.steps[this.index - 1];
    if (ended?.wave.pause) this.pause(ended, ended.wave.pause, nowMs);
  }

  private find(host: HostName, instance: InstanceName): Found | undefined {
    for (const work of this.steps.flatMap(({ batch }) => batch.hosts))
      for (const batch of work.host === host ? work.batches : []) {
        const planned = batch.instances.find((one) => one.instance === instance);
        if (planned) return { work, batch, planned };
      }
    return undefined;
  }

  private beginHost(work: HostWork, nowMs: number): void {
    const run = new HostRun(work, this.context, { looks: this.looks, processLooks: this.processLooks }, () =>
      this.ended.push(work.host),
    );
    this.runs.set(work.host, run);
    run.begin(nowMs);
  }

  private finishBatch(nowMs: number): void {
    const step = this.steps[this.index];
    if (!step) return;
    const { place, wave, isLastOfWave } = step;
    this.context.emit({ type: "batch.finished", ...place });
    if (isLastOfWave) this.context.emit({ type: "wave.finished", wave: place.wave, group: place.group });
    this.index++;
    if (this.isWhole) this.observe(nowMs);
    else if (this.context.tally.stop) this.phase = { name: "over" };
    else if (isLastOfWave && wave.pause) this.pause(step, wave.pause, nowMs);
    else if (wave.between_batches_ms > 0) this.rest(step, nowMs);
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

function stepsOf(wave: Wave, index: number): Step[] {
  return wave.batches.map((batch, inWave) => ({
    place: { wave: index + 1, group: wave.group, batch: inWave + 1 },
    wave,
    batch,
    isFirstOfWave: inWave === 0,
    isLastOfWave: inWave === wave.batches.length - 1,
  }));
}
