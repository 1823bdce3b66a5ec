import type { Quantity } from "../../domain/quantity.ts";
import { exclusionOf, mayNameTheSame, namesAllOf, wholeGroupOf } from "../../domain/selector.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import type { Path } from "../text/path.ts";
import { programsOf, type ListedProgram, type RawPrograms } from "../schema/raw-plan.ts";
import { readLevel, type Level } from "./levels.ts";
import { readMinHealthy } from "./limits.ts";
import type { ProgramFloor, ProgramRule } from "./plan.ts";

/** One of the `programs` of a plan or a group that is no exclusion. */
interface ProgramEntry {
  readonly text: string;
  /** It, and the exclusions after it. */
  readonly selects: readonly string[];
  /** Undefined if it has no settings. */
  readonly level: Level | undefined;
  /** Undefined if it has no floor. */
  readonly min_healthy: Quantity | undefined;
}

/** The `programs` of a plan or a group, in their order. */
export interface Programs {
  /** As written, exclusions with their mark. */
  readonly texts: readonly string[];
  readonly entries: readonly ProgramEntry[];
}

/** A rule, and the settings that it has beyond those of its host; later ones win. */
export interface RuleLevels {
  readonly rule: ProgramRule;
  readonly levels: readonly Level[];
}

/** Reads `programs` as far as the schema accepted them. */
export function readPrograms(
  raw: RawPrograms | undefined,
  path: Path,
  document: PlanDocument,
  findings: Findings,
): Programs {
  const listed = programsOf(raw).map((one) => ({ ...one, path: [...path, ...one.path] }));
  judgeOrder(listed, findings);
  const entries = listed.flatMap(({ text, settings, path: at }, index): ProgramEntry[] => {
    if (exclusionOf(text) !== undefined) return [];
    const later = listed.slice(index + 1).map((one) => one.text);
    return [
      {
        text,
        selects: [text, ...later.filter((one) => exclusionOf(one) !== undefined)],
        level: settings && readLevel(settings, at, document, findings),
        min_healthy: readMinHealthy(settings?.limits, [...at, "limits"], findings),
      },
    ];
  });
  return { texts: listed.map(({ text }) => text), entries };
}

/** Reports exclusions with nothing before them to exclude, and settings that never apply. */
function judgeOrder(listed: readonly ListedProgram[], findings: Findings): void {
  for (const [index, { text, settings, path }] of listed.entries()) {
    const before = listed.slice(0, index).map((one) => one.text);
    const selected = before.filter((one) => exclusionOf(one) === undefined);
    const excluded = exclusionOf(text);
    if (excluded === undefined) {
      const all = selected.find((one) => namesAllOf(one, text));
      const isBroughtBack = before.some((one) => mayNameTheSame(exclusionOf(one) ?? "", text));
      // A floor counts what its pattern matches, whatever entry comes before it.
      const hasSettings = Object.keys(settings ?? {}).some((key) => key !== "limits");
      if (hasSettings && all !== undefined && !isBroughtBack)
        findings.warnAtValue(path, {
          code: "program_listed_before",
          message: `its settings never apply: ${JSON.stringify(all)}, which stands before it, names all of it`,
          suggestion: `put it before ${JSON.stringify(all)}: an instance has the settings of the first that names it`,
        });
    } else if (settings) {
      findings.atValue(path, { code: "settings_of_exclusion", message: "a program that is left out has no settings" });
    } else if (!selected.some((one) => mayNameTheSame(one, excluded))) {
      const isLater = listed.slice(index).some((one) => mayNameTheSame(one.text, excluded));
      findings.atValue(path, {
        code: "excludes_no_program",
        message: `${JSON.stringify(text)} excludes nothing: no program before it in the list can be it`,
        suggestion: isLater
          ? "put it after the program that it is an exception to"
          : "remove it: a program that no entry names is left alone",
      });
    }
  }
}

/**
 * Who gets which settings, the first rule that selects an instance wins. The settings that the plan gives a program hold
 * in a group's list of programs as well, under those that the group gives it. Empty if no program has settings.
 *
 * @param ofPlan where a group has its own list, the plan's
 */
export function rulesOf({ entries }: Programs, ofPlan: Programs | undefined): readonly RuleLevels[] {
  if (![...entries, ...(ofPlan?.entries ?? [])].some(({ level }) => level)) return [];
  return entries.flatMap((entry) => {
    const rules: RuleLevels[] = [];
    for (const under of ofPlan?.entries ?? []) {
      if (!mayNameTheSame(under.text, entry.text)) continue;
      rules.push({ rule: [entry.selects, under.selects], levels: levelsOf(under, entry) });
      if (namesForCertain(under, entry)) return rules;
    }
    return [...rules, { rule: [entry.selects], levels: levelsOf(entry) }];
  });
}

function levelsOf(...entries: readonly ProgramEntry[]): readonly Level[] {
  return entries.flatMap(({ level }) => level ?? []);
}

/** Whether whatever an entry of a group names has the settings of this entry of the plan. */
function namesForCertain({ text, selects: [, ...exclusions] }: ProgramEntry, entry: ProgramEntry): boolean {
  return namesAllOf(text, entry.text) && !exclusions.some((one) => mayNameTheSame(exclusionOf(one) ?? "", entry.text));
}

/** The floors of a wave: those of its own list, and those of the plan's that it does not replace. */
export function floorsOf({ entries }: Programs, ofPlan: Programs | undefined): readonly ProgramFloor[] {
  const own = entries.flatMap(floorOf);
  const replaced = new Set(own.map(({ selects: [text] }) => text));
  const others = (ofPlan?.entries ?? []).flatMap(floorOf).filter(({ selects: [text] }) => !replaced.has(text));
  return [...own, ...others];
}

function floorOf({ text, selects, min_healthy }: ProgramEntry): ProgramFloor[] {
  if (!min_healthy) return [];
  const group = wholeGroupOf(text);
  return [{ selects, min_healthy, ...(group !== undefined && { group }) }];
}
