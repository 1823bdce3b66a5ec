import type { Writable } from "node:stream";
import type { RecordedEvent } from "../../domain/events.ts";
import type { View } from "../../executor/ports.ts";
import { allWritten } from "../words/written.ts";
import { printableJson } from "../../domain/printable.ts";

/** The view for programs: each event is one line of JSON, and nothing else is written. */
export function createJsonView(stream: Writable): View {
  return {
    show: (event: RecordedEvent) => void stream.write(`${printableJson(event)}\n`),
    end: () => allWritten(stream),
  };
}
