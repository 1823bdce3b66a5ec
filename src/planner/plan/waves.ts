import type { HostName } from "../../domain/ids.ts";
import { readHostBatches } from "./batches.ts";
import type { PlanDocument } from "../text/document.ts";
import { readDuration } from "./durations.ts";
import type { Findings } from "../text/findings.ts";
import type { HostEntry } from "./host-names.ts";
import { isSilent, mergeLevels, readLevel, type Level } from "./levels.ts";
import type { PlanWave, WaveHost } from "./plan.ts";
import { listOf, wasRefused, type RawPlan } from "../schema/raw-plan.ts";
import type { Template } from "./templates.ts";
import { judgePasses, judgeTimings } from "./timings.ts";
import type { Turn } from "./turns.ts";
import { MissingVars } from "./vars.ts";

/** The parts of a plan from which the settings of waves are read. */
export interface WaveSources {
  readonly raw: RawPlan;
  readonly entries: readonly HostEntry[];
  readonly turns: readonly Turn[];
  /** Texts that may be filled in on any host: on_failure. */
  readonly everywhere: readonly Template[];
}

/** Gives each wave its settings: the host's own, else the group's, else the plan's, else the defaults. */
export function readWaves(
  { raw, entries, turns, everywhere }: WaveSources,
  document: PlanDocument,
  findings: Findings,
): PlanWave[] {
  judgePrograms(turns, raw, document, findings);
  const read = (section: Parameters<typeof readLevel>[0], ...path: string[]) =>
    readLevel(section, path, document, findings);
  const plan = read(raw);
  // All groups: a fault in a group without a wave is a fault too.
  const groups = new Map(
    Object.entries(raw.groups ?? {}).map(([name, group]) => [name, read(group ?? {}, "groups", name)]),
  );
  const hosts = new Map<HostName, Level>();
  for (const { path, names, settings } of entries) {
    const level = readLevel(settings, path, document, findings);
    if (!isSilent(level)) for (const name of names) hosts.set(name, level);
  }
  const missing = new MissingVars();
  const waves = turns.map((turn) => {
    const group = turn.group && groups.get(turn.name);
    const levels = group ? [plan, group] : [plan];
    return readWave({ turn, levels, hosts, raw, everywhere, missing }, findings);
  });
  missing.report(findings);
  return waves;
}

interface WaveReading {
  readonly turn: Turn;
  /** The plan's and the group's. */
  readonly levels: readonly Level[];
  readonly hosts: ReadonlyMap<HostName, Level>;
  readonly raw: RawPlan;
  readonly everywhere: readonly Template[];
  readonly missing: MissingVars;
}

function readWave({ turn, levels, hosts, raw, everywhere, missing }: WaveReading, findings: Findings): PlanWave {
  const byLevel = new Map<Level | undefined, HostName[]>();
  for (const host of turn.hosts) {
    const own = hosts.get(host);
    const alike = byLevel.get(own);
    if (alike) alike.push(host);
    else byLevel.set(own, [host]);
  }
  const settingsOf = new Map(
    [...byLevel].map(([own, names]) => {
      const all = own ? [...levels, own] : levels;
      const { settings, templates } = mergeLevels(all);
      judgeTimings(settings.timings, all, findings);
      judgePasses(settings.timings, all, findings);
      missing.note([...templates, ...everywhere], settings.vars, names);
      return [own, settings] as const;
    }),
  );
  const shared = settingsOf.get(undefined) ?? mergeLevels(levels).settings;
  const pause = readPause(turn, findings);
  return {
    group: turn.name,
    hosts: turn.hosts.map((host): WaveHost => ({ host, settings: settingsOf.get(hosts.get(host)) ?? shared })),
    programs: listOf(turn.group?.programs ?? raw.programs ?? []).filter((program) => program !== undefined),
    batches: readHostBatches(levels, findings),
    between_batches_ms: shared.timings.between_batches_ms,
    ...(pause !== undefined && { pause }),
  };
}

function readPause({ wave, index = 0 }: Turn, findings: Findings): PlanWave["pause"] {
  if (wave?.pause === undefined || wave.pause === "ask") return wave?.pause;
  const ms = readDuration(wave.pause, ["rollout", index, "pause"], findings, "zero");
  return { ms: ms ?? 0 };
}

/** Reports waves that have nothing to restart. */
function judgePrograms(turns: readonly Turn[], raw: RawPlan, document: PlanDocument, findings: Findings): void {
  if ("programs" in raw || wasRefused(raw, "groups")) return;
  const groups = Object.values(raw.groups ?? {});
  if (!groups.some((group) => group === undefined || "programs" in group)) {
    findings.atMissing([], "programs", {
      code: "missing_key",
      message: 'the plan has no "programs"',
      suggestion: "add the programs to restart, such as `programs: my_program`",
    });
    return;
  }
  const lacking = turns.filter(({ group }) => group && !("programs" in group));
  if (lacking.length > 0 && document.isTakenAway(["programs"])) {
    const who = lacking.map(({ name }) => JSON.stringify(name)).join(", ");
    findings.atMissing([], "programs", { code: "missing_key", message: `leaves the groups ${who} without programs` });
    return;
  }
  for (const { name } of lacking)
    findings.atMissing(["groups", name], "programs", {
      code: "missing_key",
      message: 'has no "programs", and neither has the plan',
      suggestion: "add `programs` here, or at the top of the plan",
    });
}
