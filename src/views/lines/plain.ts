import type { Writable } from "node:stream";
import type { RecordedEvent } from "../../domain/events.ts";
import type { Clock, View } from "../../executor/ports.ts";
import { ciMarks, type CiMarks } from "./ci.ts";
import { errorsOf } from "../words/errors.ts";
import { factsOf, type Fact } from "../words/facts.ts";
import { onOneLine } from "../../domain/printable.ts";
import type { Invocation } from "../report/next-steps.ts";
import { reportText } from "../report/report.ts";
import { RolloutModel } from "../model/rollout-model.ts";
import { waitOf } from "../words/waits.ts";
import { allWritten } from "../words/written.ts";

/** After so long without a line the view prints what the rollout waits for: CI systems end jobs that print nothing. */
const SILENCE_MS = 30_000;

export interface PlainOptions extends Invocation {
  /** Without a clock the view never prints what the rollout waits for. */
  readonly clock?: Clock;
  /** The environment: CI systems are recognised by their variables. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * The view for CI logs and files: a line for each fact with the time (UTC), the host and the instance, so that a search
 * for either finds all about it; the report at the end.
 */
export function createPlainView(stream: Writable, options: PlainOptions = {}): View {
  return new PlainView(stream, options);
}

class PlainView implements View {
  private readonly stream: Writable;
  private readonly invocation: Invocation;
  private readonly clock: Clock | undefined;
  private readonly marks: CiMarks;
  private readonly model = new RolloutModel();
  private readonly lastOfSeries = new Map<string, string>();
  /** The open group of lines: a batch. */
  private group: string | undefined;
  private lastAt = "";
  private silence: { cancel(): void } | undefined;

  constructor(stream: Writable, { clock, env = {}, ...invocation }: PlainOptions) {
    this.stream = stream;
    this.invocation = invocation;
    this.clock = clock;
    this.marks = ciMarks(env);
  }

  show(event: RecordedEvent): void {
    this.lastAt = event.at;
    this.model.apply(event, this.clock?.monotonicMs());
    // The report of the rollout that is reverted stands before it.
    if (event.type === "rollout.reverting") this.write("");
    for (const fact of factsOf(event)) if (!this.repeats(fact)) this.writeFact(event, lineOf(event.at, fact));
    for (const { title, message } of errorsOf(event)) {
      const line = this.marks.error?.(title, message);
      if (line !== undefined) this.write(line);
    }
    if (event.type === "batch.finished") this.endGroup();
    this.awaitSilence();
  }

  end(): Promise<void> {
    this.silence?.cancel();
    this.endGroup();
    if (this.model.started)
      for (const line of ["", ...reportText(this.model, this.invocation).split("\n").slice(0, -1)])
        this.write(this.marks.text(line));
    return allWritten(this.stream);
  }

  /** The line that starts a batch is the title of its group. */
  private writeFact(event: RecordedEvent, line: string): void {
    if (event.type !== "batch.started") {
      this.write(this.marks.text(line));
      return;
    }
    this.endGroup();
    this.group = `wave_${event.wave}_batch_${event.batch}`;
    this.write(this.marks.group(this.group, line, event.at));
  }

  private endGroup(): void {
    const end = this.group === undefined ? "" : this.marks.endGroup(this.group, this.lastAt);
    this.group = undefined;
    if (end !== "") this.write(end);
  }

  private repeats({ about, text, series }: Fact): boolean {
    if (series === undefined) return false;
    const key = `${series} ${about}`;
    if (this.lastOfSeries.get(key) === text) return true;
    this.lastOfSeries.set(key, text);
    return false;
  }

  private awaitSilence(): void {
    const { clock } = this;
    this.silence?.cancel();
    if (!clock || this.model.finished) return;
    this.silence = clock.wakeAt(clock.monotonicMs() + SILENCE_MS, () => {
      this.writeWait(clock);
      this.awaitSilence();
    });
  }

  private writeWait(clock: Clock): void {
    const nowMs = clock.monotonicMs();
    const wait = waitOf(this.model, nowMs);
    if (!wait) return;
    const at = (ms: number) => new Date(clock.now().getTime() + ms - nowMs).toISOString().slice(11, 19);
    const until = wait.untilMs === undefined ? "" : `, until ${at(wait.untilMs)}${wait.atMost ? " at the latest" : ""}`;
    this.write(this.marks.text(`${at(nowMs)} ${onOneLine(`waiting for ${wait.text}${until}`)}`));
  }

  private write(line: string): void {
    this.stream.write(`${line}\n`);
  }
}

function lineOf(at: string, { about, text }: Fact): string {
  return `${at.slice(11, 19)} ${onOneLine(`${about} ${text}`)}`;
}
