import type { HostName } from "../domain/ids.ts";
import { sizeOf, worksOf, type Batch, type Rollout, type Wave } from "../domain/rollout.ts";
import { HostRun, type Surroundings } from "./host-run.ts";
import type { Command, Input } from "./messages.ts";
import { Tally } from "./tally.ts";

/**
 * Decides a rollout: told what happened and when, it answers with what is to be done.
 *
 * Pure and synchronous. It has no clock: `nowMs` is any monotonic count of milliseconds, and the same inputs at the
 * same times give the same commands. Work per input does not depend on the size of the fleet.
 */
export class Machine {
  private readonly rollout: Rollout;
  private readonly tally: Tally;
  private readonly around: Surroundings;
  private commands: Command[] = [];
  private nowMs = 0;
  private beganAtMs = 0;
  private wave = 0;
  private batch = 0;
  /** The hosts of the current batch. */
  private runs = new Map<HostName, HostRun>();
  private unfinishedHosts = 0;
  private stopTold = false;
  private ended = false;

  constructor(rollout: Rollout) {
    this.rollout = rollout;
    let planned = 0;
    for (const work of worksOf(rollout)) planned += sizeOf(work);
    this.tally = new Tally(planned, rollout.skipped.length);
    this.around = {
      tally: this.tally,
      issue: (command) => this.commands.push(command),
      hostEnded: () => this.unfinishedHosts--,
    };
  }

  handle(input: Input, nowMs: number): readonly Command[] {
    this.commands = [];
    this.nowMs = nowMs;
    if (!this.ended) this.dispatch(input);
    return this.commands;
  }

  private dispatch(input: Input): void {
    if (input.type === "begin") this.begin();
    else if (input.type === "abandoned") this.abandon();
    else {
      if (input.type === "interrupted") this.interrupt(input.signal);
      else if (input.type === "woken" && input.host === undefined) this.beginBatch();
      else this.tellHost(input);
      this.letGoOnStop();
      this.advance();
    }
  }

  private begin(): void {
    this.beganAtMs = this.nowMs;
    this.emit({ type: "rollout.started" });
    for (const { host, program, instance, why } of this.rollout.skipped)
      this.emit({ type: "instance.skipped", host, program, instance, why });
    this.beginBatch();
    this.advance();
  }

  private tellHost(input: Exclude<Input, { type: "begin" | "interrupted" | "abandoned" }>): void {
    const run = input.host === undefined ? undefined : this.runs.get(input.host);
    if (!run) return;
    switch (input.type) {
      case "looked":
        run.looked(input.outcome, this.nowMs);
        break;
      case "restarted":
        run.restarted(input.instance, input.outcome, this.nowMs);
        break;
      case "log_read":
        run.logRead(input.instance, input.text, this.nowMs);
        break;
      case "woken":
        run.woken(this.nowMs);
    }
  }

  private interrupt(signal: string): void {
    if (this.tally.interrupt(signal)) this.emit({ type: "rollout.interrupted", signal });
  }

  /** Once, when the rollout begins to stop: hosts of the batch that rest or aim have ended. */
  private letGoOnStop(): void {
    if (!this.tally.stop || this.stopTold) return;
    this.stopTold = true;
    for (const run of this.runs.values()) run.stopBeginning(this.nowMs);
  }

  private abandon(): void {
    this.tally.interrupt("abandoned");
    for (const run of this.runs.values()) run.abandon();
    this.end();
  }

  /** Goes on to the next batch when all hosts of this one have ended. */
  private advance(): void {
    if (this.unfinishedHosts > 0 || this.ended) return;
    const wave = this.currentWave();
    if (wave && this.runs.size > 0) this.finishBatch(wave);
    if (!this.currentWave() || this.tally.stop) this.end();
  }

  private finishBatch(wave: Wave): void {
    this.runs = new Map();
    this.emit({ type: "batch.finished", ...this.place(wave) });
    const place = this.place(wave);
    this.batch++;
    const waveEnded = this.batch >= wave.batches.length;
    if (waveEnded) {
      this.emit({ type: "wave.finished", wave: this.wave + 1, group: wave.group });
      this.wave++;
      this.batch = 0;
    }
    if (!this.currentWave() || this.tally.stop) return;
    if (wave.between_batches_ms > 0) {
      this.emit({ type: "batch.resting", ...place, ms: wave.between_batches_ms });
      this.commands.push({ type: "wake", atMs: this.nowMs + wave.between_batches_ms });
    } else {
      this.beginBatch();
      this.advance();
    }
  }

  private beginBatch(): void {
    const wave = this.currentWave();
    const batch = wave?.batches[this.batch];
    if (!wave || !batch || this.tally.stop || this.runs.size > 0) return;
    if (this.batch === 0) this.emit({ type: "wave.started", wave: this.wave + 1, group: wave.group });
    this.emit({ type: "batch.started", ...this.place(wave), hosts: batch.hosts.map(({ host }) => host) });
    this.beginHosts(batch);
  }

  private beginHosts(batch: Batch): void {
    this.unfinishedHosts = batch.hosts.length;
    for (const work of batch.hosts) this.runs.set(work.host, new HostRun(work, this.around));
    for (const run of this.runs.values()) run.begin(this.nowMs);
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    const outcome = this.tally.outcome();
    this.emit({
      type: "rollout.finished",
      outcome,
      counts: this.tally.counts(),
      seconds: (this.nowMs - this.beganAtMs) / 1000,
    });
    this.commands.push({ type: "end", outcome });
  }

  private currentWave(): Wave | undefined {
    return this.rollout.waves[this.wave];
  }

  private place(wave: Wave) {
    return { wave: this.wave + 1, group: wave.group, batch: this.batch + 1 };
  }

  private emit(event: Extract<Command, { type: "emit" }>["event"]): void {
    this.commands.push({ type: "emit", event });
  }
}
