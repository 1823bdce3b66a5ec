import { formatDuration, parseDuration } from "../../domain/duration.ts";
import type { ProcessSnapshot } from "../../domain/process-state.ts";

/** Selects instances by when they were started, by their uptime: the hosts' clocks may be wrong. */
export interface StartedBefore {
  /** The shortest uptime that is selected: an instance with less was started later. */
  readonly leastUptimeMs: number;
  /** Continues "it was started 5m ago, ": `after 2026-11-22T10:00Z`. */
  readonly meaning: string;
}

const MOMENT = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/** What to write instead of something else. */
export const MOMENT_FORMS = "a time with its zone such as 2026-11-22T10:00Z, or an age such as 2h or 1h30m";

/**
 * Reads a moment or an age; undefined for anything else.
 * @param now the time of day before the hosts are asked: an instance at the very edge is restarted rather than
 *   skipped
 */
export function parseStartedBefore(text: string, now: Date): StartedBefore | undefined {
  const ageMs = parseDuration(text);
  if (ageMs !== undefined) return { leastUptimeMs: ageMs, meaning: `less than ${formatDuration(ageMs)}` };
  const date = MOMENT.exec(text)?.[1];
  if (date === undefined || !isDate(date)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : { leastUptimeMs: now.getTime() - atMs, meaning: `after ${text}` };
}

/** The engine reads 30 February as 2 March, and cannot write what it could not read. */
function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/**
 * Why an instance is skipped; undefined if it is not. Only RUNNING instances have an uptime. All others are selected: a
 * broken or starting one has not shown that it is new, and a STOPPED one is for the plan to decide.
 */
export function startedLater({ uptime_s }: ProcessSnapshot, before: StartedBefore): string | undefined {
  if (uptime_s === undefined || uptime_s * 1000 >= before.leastUptimeMs) return undefined;
  return `it was started ${roughly(uptime_s)} ago, ${before.meaning}`;
}

/** An age in its largest unit, so that many of them fold into one line: `5m`, `3h`, `2d`. */
export function roughly(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
