import { formatDuration, formatElapsed } from "../../domain/duration.ts";
import type { FleetReport, InstanceConfig } from "../../domain/fleet.ts";
import { partsIn, type PlannedInstance, type Rollout, type Timings, type Warning } from "../../domain/rollout.ts";
import { staleFiles } from "./stale-files.ts";

/** Added to the longest time that Supervisor may take, for the deadline that is proposed. */
const SLACK_MS = 60_000;

/** No deadline beyond this is proposed for the sake of retries. */
const LONGEST_WAIT_MS = 3_600_000;

/** Where Supervisor's own configuration conflicts with the plan, as far as it is known. */
export function configWarnings(rollout: Pick<Rollout, "waves">, fleet: FleetReport): Warning[] {
  const warnings: Warning[] = [];
  for (const { host, batches, timings } of partsIn(rollout)) {
    const report = fleet.get(host);
    if (!report || !("instances" in report) || !report.config) continue;
    for (const { instance, action } of batches.flatMap((batch) => batch.instances)) {
      const known = report.config.instances.get(instance);
      warnings.push(
        ...(known ? timesWarnings(known, timings, action) : []).map((message) => ({ host, instance, message })),
      );
    }
  }
  return [...warnings, ...staleFiles(rollout, fleet)];
}

function timesWarnings(config: InstanceConfig, timings: Timings, action: PlannedInstance["action"]): string[] {
  const ofStart = [unprovenWarning(config, timings), startWarning(config, timings)];
  const ofStop = [stopWarning(config, timings)];
  return [...(STARTS.has(action) ? ofStart : []), ...(STOPS.has(action) ? ofStop : [])].filter(
    (message) => message !== undefined,
  );
}

const STARTS: ReadonlySet<PlannedInstance["action"]> = new Set(["restart", "start", "gate"]);
/** What an update starts has a configuration that is not loaded yet. */
const STOPS: ReadonlySet<PlannedInstance["action"]> = new Set(["restart", "start", "gate", "stop", "update", "remove"]);

function unprovenWarning({ startsecs }: InstanceConfig, { min_healthy_time_ms }: Timings): string | undefined {
  if (startsecs !== 0) return undefined;
  return `its startsecs is 0, so Supervisor calls it RUNNING at once: only min_healthy_time (${formatDuration(min_healthy_time_ms)}) and checks prove it`;
}

/** How long Supervisor may take from a start to the last RUNNING that its own retries can lead to. */
function longestStartMs(startsecs: number, startretries: number): number {
  const pauses = (startretries * (startretries + 1)) / 2;
  return (pauses + (startretries + 1) * startsecs) * 1000;
}

function startWarning({ startsecs, startretries }: InstanceConfig, timings: Timings): string | undefined {
  const { healthy_deadline_ms: deadlineMs, min_healthy_time_ms: provenMs } = timings;
  if (startsecs === undefined) return undefined;
  const onceMs = startsecs * 1000 + provenMs;
  const longestMs = startretries === undefined ? onceMs : longestStartMs(startsecs, startretries) + provenMs;
  if (longestMs <= deadlineMs) return undefined;
  const remedy = (ms: number) => `set timings.healthy_deadline: ${formatDuration(ms + SLACK_MS)}`;
  const deadline = `healthy_deadline (${formatDuration(deadlineMs)})`;
  if (onceMs > deadlineMs)
    return `its startsecs (${startsecs}s) and min_healthy_time (${formatDuration(provenMs)}) are longer than ${deadline}: it cannot become healthy in time; ${remedy(longestMs > LONGEST_WAIT_MS ? onceMs : longestMs)}`;
  const tries = `Supervisor retries a failed start ${startretries} times (startretries), for up to ${formatElapsed(longestMs - provenMs)}; with min_healthy_time that is longer than ${deadline}: a start that succeeds late counts as a failure`;
  // If Supervisor may retry for days, a rollout should not wait for that.
  return longestMs > LONGEST_WAIT_MS ? tries : `${tries}; to wait for it, ${remedy(longestMs)}`;
}

function stopWarning({ stopwaitsecs }: InstanceConfig, { stop_deadline_ms }: Timings): string | undefined {
  if (stopwaitsecs === undefined || stopwaitsecs * 1000 < stop_deadline_ms) return undefined;
  return `Supervisor may take ${stopwaitsecs}s to stop it (stopwaitsecs), and stop_deadline is ${formatDuration(stop_deadline_ms)}: a slow stop would count as a failure; set timings.stop_deadline: ${formatDuration(stopwaitsecs * 1000 + SLACK_MS)}`;
}
