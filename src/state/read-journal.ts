import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import type { RecordedEvent } from "../domain/events.ts";
import type { RolloutId } from "../domain/ids.ts";
import { rolloutOf } from "./state-dir.ts";

export interface KeptEvents {
  /** As far as they can be read. */
  readonly events: readonly RecordedEvent[];
  /** Why there may be more than can be read: the place in the file, and what is wrong there. */
  readonly damage?: string;
}

/** The events of a journal. A torn last line, of a controller that was killed while it wrote, is no damage. */
export function readJournal(file: string): KeptEvents {
  const events: RecordedEvent[] = [];
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    for (const [index, line] of lines.entries()) {
      const event = eventIn(line);
      if (event) events.push(event);
      else if (line !== "" && index < lines.length - 1) return { events, damage: `${file}:${index + 1}: is no event` };
    }
    return { events };
  } catch (error) {
    return { events, damage: (error as Error).message };
  }
}

function eventIn(line: string): RecordedEvent | undefined {
  try {
    const event = JSON.parse(line) as RecordedEvent | null;
    return typeof event === "object" && event !== null && typeof event.type === "string" ? event : undefined;
  } catch {
    return undefined;
  }
}

/** More than a last event needs. */
const END_BYTES = 256 * 1024;

/** The last whole event of a journal, without reading all of it. */
export function endOfJournal(file: string): RecordedEvent | undefined {
  const fd = openSync(file, "r");
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, END_BYTES));
    readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    const last = buffer.toString("utf8").split("\n").at(-2);
    return last === undefined ? undefined : (JSON.parse(last) as RecordedEvent);
  } catch {
    // A line that is longer, or torn: nothing is known of its end.
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** The journals in a plan's folder, the newest first. */
export function journalsIn(dir: string): { readonly id: RolloutId; readonly file: string }[] {
  return entriesOf(dir)
    .flatMap((name) => {
      const id = rolloutOf(name);
      return id === undefined ? [] : [{ id, file: join(dir, name) }];
    })
    .sort((a, b) => (a.id < b.id ? 1 : -1));
}

/** The folders of all plans that have journals. */
export function planDirsIn(state: string): string[] {
  return entriesOf(state).map((name) => join(state, name));
}

function entriesOf(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    // What is no folder, or none of ours, has no journal to read; that none can be kept there is told by who writes one.
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
