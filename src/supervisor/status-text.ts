import { compareNaturally, type InstanceName } from "../domain/ids.ts";
import { PROCESS_STATES, type ProcessSnapshot, type ProcessState } from "../domain/process-state.ts";

const STATE_WORD = new RegExp(`(?<=\\s)(?:${PROCESS_STATES.join("|")})(?=\\s|$)`, "g");

/** supervisor/rpcinterface.py, `_interpretProcessInfo`: `pid 22578, uptime 1 day, 1:01:03`. */
const RUNNING_TEXT = /^pid (\d+), uptime (?:(-?\d+) days?, )?(\d+):(\d\d):(\d\d)$/;

const CONTROL = /\p{Cc}/u;

/** What `supervisorctl status` printed. */
export interface StatusText {
  /** In natural order of the instances. */
  readonly snapshots: readonly ProcessSnapshot[];
  /** Lines before the first one that names a state: an error, or what a command in place of supervisorctl says first. */
  readonly noise: readonly string[];
  /** Any other line that is none of a process: it may be one that must not be missed. */
  readonly unreadable: readonly string[];
}

/** One way to read a line. */
interface Reading {
  readonly snapshot: ProcessSnapshot;
  /** Length of the name, and where the state begins, as Python counts: in code points. */
  readonly length: number;
  readonly column: number;
}

/**
 * Reads what `supervisorctl status` printed: lines of a name, a state and a text, in columns.
 *
 * A name may hold blanks and even the words of a state, so its end is found by the columns. A name without
 * blanks is read in any layout, as long as all lines are in that.
 */
export function parseStatus(text: string): StatusText {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const begin = lines.findIndex((line) => statesIn(line).length > 0);
  if (begin === -1) return { snapshots: [], noise: lines.map(trimmed), unreadable: [] };
  const listing = lines.slice(begin);
  const snapshots = new Map<InstanceName, ProcessSnapshot>();
  const unreadable: string[] = [];
  for (const [index, reading] of bestLayout(listing.map(readingsOf)).entries()) {
    if (reading && !snapshots.has(reading.snapshot.instance))
      snapshots.set(reading.snapshot.instance, reading.snapshot);
    else unreadable.push(trimmed(listing[index] ?? ""));
  }
  return { snapshots: inNaturalOrder(snapshots.values()), noise: lines.slice(0, begin).map(trimmed), unreadable };
}

/** The lines of a text that are not about a process, one below the other. */
export function othersIn(text: string): string {
  const { noise, unreadable } = parseStatus(text);
  return [...noise, ...unreadable].join("\n");
}

export function inNaturalOrder(snapshots: Iterable<ProcessSnapshot>): ProcessSnapshot[] {
  return [...snapshots].sort((a, b) => compareNaturally(a.instance, b.instance));
}

type Layout = readonly (Reading | undefined)[];

/** Of the layouts that supervisorctl has, that in which most lines can be read; where none can, any. */
function bestLayout(lines: readonly (readonly Reading[])[]): Layout {
  // The last column first: a name is likelier than a text to hold the word of a state.
  const columns = [...new Set(lines.flatMap((readings) => readings.map(({ column }) => column)))].sort((a, b) => b - a);
  const layouts = [
    ...columns.map((column) => alignedAt(column, lines)),
    lines.map((readings) => readings.findLast(isPaddedAlone)),
  ];
  const counts = layouts.map((layout) => layout.filter((reading) => reading !== undefined).length);
  const most = Math.max(...counts);
  if (most > 0) return layouts[counts.indexOf(most)] ?? [];
  return lines.map((readings) => readings.find(({ snapshot }) => !/\s/u.test(snapshot.instance)));
}

/** supervisor/supervisorctl.py, `_show_statuses`: all names are padded alike, three blanks beyond the longest. */
function alignedAt(column: number, lines: readonly (readonly Reading[])[]): Layout {
  const layout = lines.map((readings) => readings.find((reading) => reading.column === column));
  const longest = Math.max(...layout.map((reading) => reading?.length ?? 0));
  return column === Math.max(30, longest) + 3 ? layout : [];
}

/** In old versions each name was padded for itself. */
function isPaddedAlone({ column, length }: Reading): boolean {
  return column === Math.max(32, length) + 1;
}

function statesIn(line: string): RegExpExecArray[] {
  return [...` ${line}`.matchAll(STATE_WORD)];
}

function readingsOf(line: string): Reading[] {
  return statesIn(line).flatMap(({ 0: state, index }) => {
    // Of the line, which had a blank put before it.
    const padded = line.slice(0, Math.max(0, index - 1));
    const name = padded.trimEnd();
    const snapshot = toSnapshot(
      name as InstanceName,
      state as ProcessState,
      line.slice(index - 1 + state.length).trim(),
    );
    if (name === "" || CONTROL.test(name) || !snapshot) return [];
    return [{ snapshot, length: Array.from(name).length, column: Array.from(padded).length }];
  });
}

/** Undefined for a text that this state does not have. */
function toSnapshot(instance: InstanceName, state: ProcessState, text: string): ProcessSnapshot | undefined {
  switch (state) {
    case "RUNNING":
      return toRunning(instance, text);
    case "STARTING":
    case "STOPPING":
    case "UNKNOWN":
      return text === "" ? { instance, state } : undefined;
    case "STOPPED":
    case "EXITED":
    case "BACKOFF":
    case "FATAL":
      return text === "" ? { instance, state } : { instance, state, description: text };
  }
}

function toRunning(instance: InstanceName, text: string): ProcessSnapshot | undefined {
  const [, pid, days = "0", hours = "0", minutes = "0", seconds = "0"] = RUNNING_TEXT.exec(text) ?? [];
  if (pid === undefined) return undefined;
  const uptime_s = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  // In old versions it is less than 0 after the clock of the host was set back.
  return { instance, state: "RUNNING", pid: Number(pid), uptime_s: Math.max(0, uptime_s) };
}

function trimmed(line: string): string {
  return line.trim();
}
