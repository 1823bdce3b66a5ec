const UNITS = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
] as const;

/** The form of a duration in a plan; the schema holds the same pattern. */
export const DURATION_PATTERN = /^(?=\d)(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Reads `500ms`, `5s`, `1m30s`, `2h` as milliseconds; undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const parts = DURATION_PATTERN.exec(text);
  if (!parts) return undefined;
  return UNITS.reduce((sum, [, unitMs], index) => sum + Number(parts[index + 1] ?? 0) * unitMs, 0);
}

/** Writes milliseconds the way a plan does, exactly: `90000` is `1m30s`. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms);
  if (rest <= 0) return "0s";
  let text = "";
  for (const [unit, unitMs] of UNITS) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/**
 * Writes an elapsed time for a person, in whole seconds from one second on: `850ms`, `12s`, `1m05s`, `2h00m`. Never more
 * than has passed, as a clock does, so that every view says the same.
 */
export function formatElapsed(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`;
  // A sum of seconds may miss a whole one by a fraction of a millisecond.
  const seconds = Math.floor(Math.round(ms) / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
}
