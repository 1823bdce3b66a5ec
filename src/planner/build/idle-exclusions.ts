import type { FleetReport } from "../../domain/fleet.ts";
import type { InstanceName } from "../../domain/ids.ts";
import type { Warning } from "../../domain/rollout.ts";
import { compileSelector, exclusionOf } from "../../domain/selector.ts";
import type { Plan } from "../plan/plan.ts";
import { programMeant } from "./program-suggestions.ts";

/**
 * Warns of exclusions that no instance of the fleet matches: a typo there restarts what was meant to be left alone. Not
 * of a part of the plan or of the fleet, since the rest may have it.
 */
export function idleExclusions({ waves, selection }: Plan, fleet: FleetReport): Warning[] {
  if (selection.limit.length + selection.exclude.length > 0) return [];
  const instances = new Set<InstanceName>();
  for (const report of fleet.values()) {
    if (!("instances" in report)) return [];
    for (const { instance } of report.instances) instances.add(instance);
  }
  const exclusions = new Set(
    waves.flatMap(({ programs }) => programs.filter((text) => exclusionOf(text) !== undefined)),
  );
  return [...exclusions].flatMap((text) => {
    const excluded = exclusionOf(text) ?? "";
    const excludes = compileSelector(excluded);
    if ([...instances].some(excludes)) return [];
    const near = programMeant(excluded, [...instances]);
    return [
      { message: `${JSON.stringify(text)} excludes nothing: no host has it${near === undefined ? "" : `; ${near}`}` },
    ];
  });
}
