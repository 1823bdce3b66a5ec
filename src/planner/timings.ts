import { formatDuration, parseDuration } from "../domain/duration.ts";
import type { Timings } from "../domain/rollout.ts";
import type { Path } from "./path.ts";
import { readDuration } from "./durations.ts";
import type { Findings } from "./findings.ts";
import { defaultsOf } from "./plan-schema.ts";
import type { RawPlan, RawTimings, TimingKey } from "./raw-plan.ts";

/** The timings that a section sets itself. */
export type OwnTimings = Partial<Timings>;

/** Where no time at all would be no wait but a fault: looks in a tight loop, deadlines that have passed. */
const ABOVE_ZERO: ReadonlySet<string> = new Set<TimingKey>(["between_checks", "stop_deadline", "healthy_deadline", "command_timeout", "progress_deadline"]);

/** Reads one section of timings as far as it goes. */
export function readTimings(section: RawTimings | null | undefined, path: Path, findings: Findings): OwnTimings {
  const own: Record<string, number> = {};
  for (const [key, text] of Object.entries(section ?? {})) {
    const ms = text === undefined ? undefined : readDuration(text, [...path, key], findings, ABOVE_ZERO.has(key) ? "above zero" : "zero");
    if (ms !== undefined) own[`${key}_ms`] = ms;
  }
  return own;
}

/** The timings of a group's wave: its own, then the plan's, then the defaults. */
export function timingsOf(group: OwnTimings, plan: OwnTimings): Timings {
  return { ...defaultTimings(), ...plan, ...group };
}

/** Tells of a wave in which no instance could ever become healthy in time. */
export function judgeTimings(timings: Timings, raw: RawPlan, group: string | undefined, findings: Findings): void {
  const { min_healthy_time_ms: needed, healthy_deadline_ms: deadline } = timings;
  if (needed < deadline) return;
  const sections: [Path, RawTimings | null | undefined][] = [[["timings"], raw.timings]];
  if (group !== undefined) sections.unshift([["groups", group, "timings"], raw.groups?.[group]?.timings]);
  for (const [path, section] of sections) {
    for (const key of ["healthy_deadline", "min_healthy_time"] as const) {
      if (section?.[key] === undefined) continue;
      const message = `nothing can be healthy in time: min_healthy_time is ${formatDuration(needed)}, healthy_deadline ${formatDuration(deadline)}`;
      findings.atValue([...path, key], message, "healthy_deadline must be the longer one, and leave time to start");
      return;
    }
  }
}

function defaultTimings(): Timings {
  const entries = Object.entries(defaultsOf("timings"));
  return Object.fromEntries(entries.map(([key, text]) => [`${key}_ms`, parseDuration(text)])) as unknown as Timings;
}
