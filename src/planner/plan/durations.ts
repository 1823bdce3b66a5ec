import { parseDuration } from "../../domain/duration.ts";
import type { Path } from "../text/path.ts";
import type { Findings } from "../text/findings.ts";

const HOUR_MS = 3_600_000;

/** Anything longer is taken for a mistake. (Node's timers end at 24 days: beyond, they fire at once.) */
const LONGEST_HOURS = 7 * 24;

/** Reads a duration that the schema let through, in milliseconds; undefined when it is out of bounds, which is reported. */
export function readDuration(
  text: string,
  path: Path,
  findings: Findings,
  zero: "zero" | "above zero",
): number | undefined {
  const ms = parseDuration(text) ?? 0;
  if (ms > LONGEST_HOURS * HOUR_MS)
    findings.atValue(path, {
      code: "duration_too_long",
      message: `must not be longer than ${LONGEST_HOURS}h, which is a week`,
    });
  else if (ms === 0 && zero === "above zero")
    findings.atValue(path, { code: "duration_zero", message: "must be longer than 0" });
  else return ms;
  return undefined;
}
