import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import type { RecordedEvent } from "../domain/events.ts";
import type { RolloutId } from "../domain/ids.ts";
import type { Rollout } from "../domain/rollout.ts";
import { rolloutOf } from "./state-dir.ts";

export interface KeptEvents {
  /** As far as they can be read. */
  readonly events: readonly RecordedEvent[];
  /** Why there may be more than can be read: the place in the file, and the error there. */
  readonly damage?: string;
}

/** The format that this version writes, and knows. */
const FORMAT: RecordedEvent["v"] = 1;

/** The events of a journal. A torn last line, of a controller that was killed while it wrote, is no damage. */
export function readJournal(file: string): KeptEvents {
  const events: RecordedEvent[] = [];
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    for (const [index, line] of lines.entries()) {
      const read = eventIn(line);
      const isTorn = line === "" || index === lines.length - 1;
      if (typeof read !== "string") events.push(read);
      else if (read !== NO_EVENT || !isTorn) return { events, damage: `${file}:${index + 1}: ${read}` };
    }
    return { events };
  } catch (error) {
    return { events, damage: (error as Error).message };
  }
}

const NO_EVENT = "is no event";

/** The event of a line, or the error in it. */
function eventIn(line: string): RecordedEvent | string {
  const event = parsed(line);
  if (typeof event !== "object" || event === null || !("type" in event) || typeof event.type !== "string")
    return NO_EVENT;
  const isNewer = "v" in event && typeof event.v === "number" && event.v > FORMAT;
  return isNewer ? "is of a later version of orchestrate" : (event as RecordedEvent);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** More than a last event needs. */
const END_BYTES = 256 * 1024;

/** The last whole event of a journal, without reading all of it. */
export function endOfJournal(file: string): RecordedEvent | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(file, "r");
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, END_BYTES));
    readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    const last = buffer.toString("utf8").split("\n").at(-2);
    return last === undefined ? undefined : (JSON.parse(last) as RecordedEvent);
  } catch {
    // A line that is longer, or torn, or no file that can be read: nothing is known of its end.
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

export type JournalHead = Pick<Rollout, "resumes" | "reverts" | "who" | "pid">;

const CHUNK_BYTES = 64 * 1024;

/**
 * The rollout that a journal's rollout resumes or reverts, if it does, and the process that writes it. Read from the head of
 * `rollout.planned`, which may have many megabytes: no more of the file is read than that takes.
 */
export function headOfJournal(file: string): JournalHead {
  let fd: number | undefined;
  try {
    fd = openSync(file, "r");
    let text = "";
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let size = readSync(fd, chunk); size > 0; size = readSync(fd, chunk)) {
      text += chunk.toString("latin1", 0, size);
      // What comes before it may have any size, but is of no interest.
      const planned = text.indexOf('"type":"rollout.planned"');
      if (planned === -1) text = text.slice(-CHUNK_BYTES);
      else if (text.includes('"plan_file":', planned)) return headIn(text.slice(planned));
    }
    return headIn(text);
  } catch {
    // The reason is reported when all of it is read.
    return {};
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** A quote within a text of JSON has a backslash before it, so these can only be the keys. */
function headIn(planned: string): JournalHead {
  const [head = ""] = planned.split('"plan_file":');
  const resumes = /"resumes":"(\d{8}T\d{6}Z-[0-9a-f]+)"/.exec(head)?.[1] as RolloutId | undefined;
  const reverts = /"reverts":"(\d{8}T\d{6}Z-[0-9a-f]+)"/.exec(head)?.[1] as RolloutId | undefined;
  const [, who, pid] = /"who":("(?:[^"\\]|\\.)*"),"pid":(\d+)/.exec(head) ?? [];
  return {
    ...(resumes !== undefined && { resumes }),
    ...(reverts !== undefined && { reverts }),
    ...(who !== undefined && { who: JSON.parse(who) as string, pid: Number(pid) }),
  };
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
    // Where there is no folder, or none of ours, there is no journal to read. A rollout reports that none can be written there.
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
