import { formatDuration, parseDuration } from "../../domain/duration.ts";
import type { Timings } from "../../domain/rollout.ts";
import type { Path } from "../text/path.ts";
import { readDuration } from "./durations.ts";
import type { Findings } from "../text/findings.ts";
import { defaultsOf } from "../schema/plan-schema.ts";
import type { PlacedSettings, RawTimings, TimingKey } from "../schema/raw-plan.ts";

/** The timings that a section sets itself. */
export type OwnTimings = Partial<Timings>;

/** Where zero would not be a short wait but a fault: looks in a tight loop, deadlines that have already passed. */
const ABOVE_ZERO: ReadonlySet<string> = new Set<TimingKey>([
  "between_checks",
  "stop_deadline",
  "healthy_deadline",
  "command_timeout",
  "progress_deadline",
]);

/** Reads one section of timings. */
export function readTimings(section: RawTimings | null | undefined, path: Path, findings: Findings): OwnTimings {
  const own: Record<string, number> = {};
  for (const [key, text] of Object.entries(section ?? {})) {
    const ms =
      text === undefined
        ? undefined
        : readDuration(text, [...path, key], findings, ABOVE_ZERO.has(key) ? "above zero" : "zero");
    if (ms !== undefined) own[`${key}_ms`] = ms;
  }
  return own;
}

/** Merges levels over the defaults; later ones are nearer and win. */
export function mergeTimings(...levels: readonly OwnTimings[]): Timings {
  return Object.assign(defaultTimings(), ...levels) as Timings;
}

/** Reports timings with which no instance could become healthy; they stand in one of `levels`, the nearest last. */
export function judgeTimings(timings: Timings, levels: readonly PlacedSettings[], findings: Findings): void {
  const { min_healthy_time_ms: needed, healthy_deadline_ms: deadline } = timings;
  if (needed < deadline) return;
  for (const { path, section } of levels.toReversed()) {
    for (const key of ["healthy_deadline", "min_healthy_time"] as const) {
      if (section.timings?.[key] === undefined) continue;
      findings.atValue([...path, "timings", key], {
        code: "deadline_too_short",
        message: `nothing can be healthy in time: min_healthy_time is ${formatDuration(needed)}, healthy_deadline ${formatDuration(deadline)}`,
        suggestion: "healthy_deadline must be longer, and leave time to start",
      });
      return;
    }
  }
}

/** Reports checks that would have to pass more often than there is time for. */
export function judgePasses(timings: Timings, levels: readonly PlacedSettings[], findings: Findings): void {
  const { between_checks_ms: between, healthy_deadline_ms: deadline } = timings;
  const level = levels.findLast(({ section }) => section.checks !== undefined);
  for (const [index, check] of level?.section.checks?.entries() ?? []) {
    const neededMs = ((check?.passes ?? 1) - 1) * between;
    if (!level || neededMs < deadline) continue;
    findings.atValue([...level.path, "checks", index, "passes"], {
      code: "deadline_too_short",
      message: `nothing can be healthy in time: it takes ${formatDuration(neededMs)}, healthy_deadline is ${formatDuration(deadline)}`,
      suggestion: `answers are between_checks (${formatDuration(between)}) apart: lower passes or between_checks, or raise healthy_deadline`,
    });
  }
}

function defaultTimings(): Timings {
  const entries = Object.entries(defaultsOf("timings"));
  return Object.fromEntries(entries.map(([key, text]) => [`${key}_ms`, parseDuration(text)])) as unknown as Timings;
}
