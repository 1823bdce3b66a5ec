import type { Writable } from "node:stream";
import type { RecordedEvent } from "../domain/events.ts";
import type { View } from "../executor/ports.ts";
import { factsOf, type Fact } from "./facts.ts";
import { onOneLine } from "../domain/printable.ts";
import { createReport, type ReportOptions } from "./report.ts";
import { allWritten } from "./written.ts";

/**
 * The view for CI logs and files: a line for each fact, with the time (UTC, like the events' own), the host and the
 * instance, so that a search for either finds all there is about it; the report at the end.
 */
export function createPlainView(stream: Writable, options: ReportOptions = {}): View {
  const report = createReport(options);
  const lastOfSeries = new Map<string, string>();

  function repeats({ about, text, series }: Fact): boolean {
    if (series === undefined) return false;
    const key = `${series} ${about}`;
    if (lastOfSeries.get(key) === text) return true;
    lastOfSeries.set(key, text);
    return false;
  }

  return {
    show(event: RecordedEvent): void {
      report.collect(event);
      const time = event.at.slice(11, 19);
      for (const fact of factsOf(event))
        if (!repeats(fact)) stream.write(`${time} ${onOneLine(`${fact.about} ${fact.text}`)}\n`);
    },
    end(): Promise<void> {
      if (report.hasBegun()) stream.write(`\n${report.text()}`);
      return allWritten(stream);
    },
  };
}
