import type { HostName } from "../../domain/ids.ts";
import { readHostBatches } from "./batches.ts";
import type { PlanDocument } from "../text/document.ts";
import { readDuration } from "./durations.ts";
import type { Findings } from "../text/findings.ts";
import type { HostEntry } from "./host-names.ts";
import { isSilent, mergeLevels, readLevel, waveHooksOf, type Level, type MergedLevels } from "./levels.ts";
import type { PlanWave, WaveHost } from "./plan.ts";
import { wasRefused, type RawPlan } from "../schema/raw-plan.ts";
import { floorsOf, readPrograms, rulesOf, type Programs, type RuleLevels } from "./programs.ts";
import type { Template } from "./templates.ts";
import { judgePasses, judgeTimings } from "./timings.ts";
import type { Turn } from "./turns.ts";
import { MissingVars } from "./vars.ts";

/** The parts of a plan from which the settings of waves are read. */
export interface WaveSources {
  readonly raw: RawPlan;
  readonly entries: readonly HostEntry[];
  readonly turns: readonly Turn[];
  readonly everywhere: TextsEverywhere;
}

/** Texts that may be filled in on any host, and for any instance: on_failure, and the hooks of reverts. */
interface TextsEverywhere {
  readonly ofHost: readonly Template[];
  readonly ofInstances: readonly Template[];
  /** For each wave. */
  readonly ofWaves: readonly Template[];
}

/** Gives each wave its settings: the host's own, else the group's, else the plan's, else the defaults. */
export function readWaves(
  { raw, entries, turns, everywhere }: WaveSources,
  document: PlanDocument,
  findings: Findings,
): PlanWave[] {
  judgePrograms(turns, raw, document, findings);
  const programs = readPrograms(raw.programs, ["programs"], document, findings);
  const read = (section: Parameters<typeof readLevel>[0], ...path: string[]) =>
    readLevel(section, path, document, findings);
  const plan = read(raw);
  // All groups: a fault in a group without a wave is a fault too.
  const groups = new Map(
    Object.entries(raw.groups ?? {}).map(([name, group]) => {
      const path = ["groups", name, "programs"];
      const own = group?.programs === undefined ? undefined : readPrograms(group.programs, path, document, findings);
      return [name, { level: read(group ?? {}, "groups", name), programs: own }];
    }),
  );
  const hosts = new Map<HostName, Level>();
  for (const { path, names, settings } of entries) {
    const level = readLevel(settings, path, document, findings);
    if (!isSilent(level)) for (const name of names) hosts.set(name, level);
  }
  const missing = new MissingVars();
  const waves = turns.map((turn) => {
    const group = turn.group && groups.get(turn.name);
    const levels = [plan, ...(group ? [group.level] : []), ...levelOfEntry(turn, document, findings)];
    const lists = group?.programs ? { own: group.programs, ofPlan: programs } : { own: programs, ofPlan: undefined };
    return readWave({ turn, levels, hosts, ...lists, everywhere, missing }, findings);
  });
  missing.report(findings);
  return waves;
}

/** An entry of `rollout` may have an action: it comes before that of its group. */
function levelOfEntry({ wave, index = 0 }: Turn, document: PlanDocument, findings: Findings): Level[] {
  if (wave?.action === undefined) return [];
  return [readLevel({ action: wave.action }, ["rollout", index], document, findings)];
}

interface WaveReading {
  readonly turn: Turn;
  /** The plan's, the group's, and that of its entry in `rollout`. */
  readonly levels: readonly Level[];
  readonly hosts: ReadonlyMap<HostName, Level>;
  /** The programs of the wave, and the plan's where the group has a list of its own. */
  readonly own: Programs;
  readonly ofPlan: Programs | undefined;
  readonly everywhere: TextsEverywhere;
  readonly missing: MissingVars;
}

function readWave(reading: WaveReading, findings: Findings): PlanWave {
  const { turn, levels, hosts, own: programs, ofPlan } = reading;
  const rules = rulesOf(programs, ofPlan);
  const byLevel = new Map<Level | undefined, HostName[]>();
  for (const host of turn.hosts) {
    const own = hosts.get(host);
    const alike = byLevel.get(own);
    if (alike) alike.push(host);
    else byLevel.set(own, [host]);
  }
  const settingsOf = new Map(
    [...byLevel].map(([own, names]) => [
      own,
      settingsOn(names, own ? [...levels, own] : levels, rules, reading, findings),
    ]),
  );
  const shared = settingsOf.get(undefined) ?? { settings: mergeLevels(levels).settings };
  const { timings, vars } = shared.settings;
  const { hooks, templates } = waveHooksOf(levels);
  const { ofWaves } = reading.everywhere;
  reading.missing.note([...templates, ...ofWaves], vars, turn.hosts);
  const pause = readPause(turn, findings);
  const floors = floorsOf(programs, ofPlan);
  return {
    group: turn.name,
    hosts: turn.hosts.map((host): WaveHost => ({ host, ...(settingsOf.get(hosts.get(host)) ?? shared) })),
    programs: programs.texts,
    ...(rules.length > 0 && { rules: rules.map(({ rule }) => rule) }),
    ...(floors.length > 0 && { floors }),
    batches: readHostBatches(levels, findings),
    between_batches_ms: timings.between_batches_ms,
    ...(pause !== undefined && { pause }),
    ...(templates.length > 0 && { hooks }),
    ...(templates.length + ofWaves.length > 0 && { vars, hook_timeout_ms: timings.command_timeout_ms }),
  };
}

/** The settings on hosts that have the same levels: their own, and those of each rule. */
function settingsOn(
  hosts: readonly HostName[],
  levels: readonly Level[],
  rules: readonly RuleLevels[],
  { everywhere, missing }: WaveReading,
  findings: Findings,
): Omit<WaveHost, "host"> {
  const { settings, ofHost, ofInstances } = mergeLevels(levels);
  missing.note([...ofHost, ...everywhere.ofHost], settings.vars, hosts);
  const judge = (merged: Pick<MergedLevels, "settings" | "ofInstances">, all: readonly Level[], entry?: string) => {
    judgeTimings(merged.settings.timings, all, findings);
    judgePasses(merged.settings.timings, all, findings);
    missing.note([...merged.ofInstances, ...everywhere.ofInstances], merged.settings.vars, hosts, entry);
    return merged.settings;
  };
  if (rules.length === 0) return { settings: judge({ settings, ofInstances }, levels) };
  const byRule = rules.map(({ rule: [selects], levels: more }) => {
    const merged = more.length === 0 ? { settings, ofInstances } : mergeLevels([...levels, ...more]);
    return judge(merged, [...levels, ...more], selects?.[0]);
  });
  return { settings, byRule };
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
