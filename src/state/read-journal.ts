import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RecordedEvent } from "../domain/events.ts";
import type { RolloutId } from "../domain/ids.ts";
import { rolloutOf } from "./state-dir.ts";

/** The events of a journal. A torn last line, of a controller that was killed while it wrote, is passed over. */
export function readJournal(file: string): RecordedEvent[] {
  const lines = readFileSync(file, "utf8").split("\n");
  const events: RecordedEvent[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === "") continue;
    try {
      events.push(JSON.parse(line) as RecordedEvent);
    } catch (error) {
      if (index < lines.length - 1) throw new Error(`${file}:${index + 1}: is no event`, { cause: error });
    }
  }
  return events;
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
