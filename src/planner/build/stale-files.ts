import type { ConfigFile, FleetReport, HostReport } from "../../domain/fleet.ts";
import { programOf, type HostName, type ProgramName } from "../../domain/ids.ts";
import { worksOf, type PlannedInstance, type Rollout, type Warning } from "../../domain/rollout.ts";

type SeenHost = Extract<HostReport, { instances: unknown }>;

/** All that is known of a changed file: that Supervisor has not loaded it, or only that it may not have. */
type Staleness = { readonly isCertain: boolean; readonly why: string };

const REMEDY =
  "set config_changes: apply, and a rollout updates the groups that have changed, or run supervisorctl update on the host (either restarts the whole changed group at once)";

/**
 * Warns of configuration files that a restart will not load, each once for each host. What supervisord has loaded is
 * what counts: that a process is younger than the file says nothing, since a restart makes it so.
 */
export function staleFiles(rollout: Pick<Rollout, "waves">, fleet: FleetReport): Warning[] {
  const programs = new Map<HostName, Set<ProgramName>>();
  for (const { host, batches } of worksOf(rollout)) {
    const kept = batches.filter(({ instances }) => instances.some(({ action }) => KEEPS_CONFIG.has(action)));
    programs.set(host, new Set([...(programs.get(host) ?? []), ...kept.map(({ program }) => program)]));
  }
  return [...programs].flatMap(([host, ofHost]) => {
    const report = fleet.get(host);
    if (!report || !("instances" in report)) return [];
    return (report.config?.files ?? []).flatMap((file) => {
      const stale = file.programs.flatMap((program) => {
        const staleness = ofHost.has(program) ? stalenessOf(file, program, report) : undefined;
        return staleness ? [{ program, ...staleness }] : [];
      });
      const message = messageOf(file, stale);
      if (message === undefined) return [];
      // What only time suggests is not said again at the end.
      return [{ host, message, ...(stale.some(({ isCertain }) => isCertain) && { kind: "not_loaded" as const }) }];
    });
  });
}

/** After these an instance runs with the configuration that is loaded. */
const KEEPS_CONFIG: ReadonlySet<PlannedInstance["action"]> = new Set(["restart", "start", "gate", "signal"]);

function messageOf(
  { path }: ConfigFile,
  stale: readonly (Staleness & { readonly program: ProgramName })[],
): string | undefined {
  const [first] = stale;
  if (!first) return undefined;
  const of = stale.map(({ program }) => program).join(", ");
  const certain = stale.find(({ isCertain }) => isCertain);
  if (certain) return `${path} (${of}) ${certain.why}, and a restart does not load it: ${REMEDY}`;
  return `${path} (${of}) ${first.why}, and a restart does not load it, unless an update has done so since (this goes by time: only supervisorctl reread compares them, and a preview does not run it): ${REMEDY}`;
}

function stalenessOf(
  file: ConfigFile,
  program: ProgramName,
  { instances, config, reread }: SeenHost,
): Staleness | undefined {
  // supervisord itself has compared them.
  if (reread?.kind === "read")
    return reread.groups.get(program) === "changed"
      ? { isCertain: true, why: "differs from what supervisord has loaded" }
      : undefined;
  const own = instances.filter(({ instance }) => programOf(instance) === program);
  const difference = own.map(({ instance }) => config?.differing?.get(instance)).find((text) => text !== undefined);
  if (difference !== undefined)
    return { isCertain: true, why: `differs from what supervisord has loaded (${difference})` };
  const oldest = Math.max(0, ...own.map(({ uptime_s = 0 }) => uptime_s));
  if (file.age_s < oldest) return { isCertain: true, why: "was changed after it was started" };
  // The first process of a program is as old as its configuration, be it by supervisord's start or by an update.
  const isLoaded = own.some(({ instance, uptime_s }) => uptime_s !== undefined && config?.never_ended?.has(instance));
  // supervisord is as old as its oldest process, at least.
  const supervisorAgeS = config?.supervisor_age_s ?? Math.max(0, ...instances.map(({ uptime_s = 0 }) => uptime_s));
  if (isLoaded || file.age_s >= supervisorAgeS) return undefined;
  return { isCertain: false, why: "was changed after supervisord was started" };
}
