import { formatDuration } from "../domain/duration.ts";
import type { FleetReport, HostConfig, InstanceConfig } from "../domain/fleet.ts";
import { programOf } from "../domain/ids.ts";
import { worksOf, type Rollout, type Timings, type Warning } from "../domain/rollout.ts";

/** Where Supervisor's own configuration and the plan do not go together, as far as it is known. */
export function configWarnings(rollout: Pick<Rollout, "waves">, fleet: FleetReport): Warning[] {
  const warnings: Warning[] = [];
  for (const { host, batches, timings } of worksOf(rollout)) {
    const report = fleet.get(host);
    if (!report || !("instances" in report) || !report.config) continue;
    const { config, instances } = report;
    const uptimes = new Map(instances.map(({ instance, uptime_s }) => [instance, uptime_s]));
    for (const { instance } of batches.flatMap((batch) => batch.instances)) {
      const known = config.instances.get(instance);
      const messages = [
        ...(known ? timesWarnings(known, timings) : []),
        ...staleWarnings(config, programOf(instance), uptimes.get(instance) ?? 0),
      ];
      warnings.push(...messages.map((message) => ({ host, instance, message })));
    }
  }
  return warnings;
}

function timesWarnings({ startsecs, stopwaitsecs }: InstanceConfig, timings: Timings): string[] {
  const { healthy_deadline_ms, min_healthy_time_ms, stop_deadline_ms } = timings;
  const warnings: string[] = [];
  if (startsecs === 0)
    warnings.push(
      `its startsecs is 0, so Supervisor calls it RUNNING whatever it does: only min_healthy_time (${formatDuration(min_healthy_time_ms)}) and checks prove it`,
    );
  if (startsecs * 1000 + min_healthy_time_ms > healthy_deadline_ms)
    warnings.push(
      `its startsecs (${startsecs}s) and min_healthy_time (${formatDuration(min_healthy_time_ms)}) are longer than healthy_deadline (${formatDuration(healthy_deadline_ms)}): it cannot become healthy in time`,
    );
  if (stopwaitsecs * 1000 >= stop_deadline_ms)
    warnings.push(
      `Supervisor may take ${stopwaitsecs}s to stop it (stopwaitsecs), and stop_deadline is ${formatDuration(stop_deadline_ms)}: a slow stop would count as a failure`,
    );
  return warnings;
}

/** An update would have restarted it: what is in the file is not what runs, and a restart does not load it. */
function staleWarnings({ files }: HostConfig, program: string, uptimeS: number): string[] {
  return files
    .filter(({ age_s, programs }) => age_s < uptimeS && programs.some((name) => name === program))
    .map(
      ({ path }) =>
        `${path} was written after it was started, and a restart does not load that: if Supervisor is to take it over, see supervisorctl update`,
    );
}
