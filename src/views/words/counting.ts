import { formatElapsed } from "../../domain/duration.ts";
import type { Counts } from "../../domain/events.ts";

/** `5 healthy, 1 failed, 2 skipped, 8 untouched`; the last two only if there are any. @param done in place of `healthy` */
export function countsText({ healthy, failed, skipped, untouched }: Counts, done = "healthy"): string {
  const more = [...(skipped > 0 ? [`${skipped} skipped`] : []), ...(untouched > 0 ? [`${untouched} untouched`] : [])];
  return [`${healthy} ${done}`, `${failed} failed`, ...more].join(", ");
}

/** An elapsed time that is counted up on the screen: never more than has passed, and never milliseconds. */
export function wholeSeconds(ms: number): string {
  return ms < 1000 ? "0s" : formatElapsed(Math.floor(ms / 1000) * 1000);
}

/** The remaining time of a rest, counted down: `8s`, and `0s` only when it is over. */
export function remaining(ms: number): string {
  return wholeSeconds(Math.ceil(Math.max(0, ms) / 1000) * 1000);
}
