import { programOf, type HostName, type InstanceName } from "../../../src/domain/ids.ts";
import type { HostSettings, Plan, PlanWave } from "../../../src/planner/plan/plan.ts";

/** The judge reads programs by itself: a name or a glob with stars, of a group or of `group:process`, and exclusions. */
export function isSelected(texts: readonly string[], instance: InstanceName): boolean {
  return texts.reduce(
    (isIn, text) => (text.startsWith("!") ? isIn && !fits(text.slice(1), instance) : isIn || fits(text, instance)),
    false,
  );
}

/** What the plan says of an instance in a wave; undefined if the wave is not about it. */
export function settingsIn(
  { programs, rules = [], hosts }: PlanWave,
  host: HostName,
  instance: InstanceName,
): HostSettings | undefined {
  const found = hosts.find((one) => one.host === host);
  if (!found || !isSelected(programs, instance)) return undefined;
  const rule = rules.findIndex((lists) => lists.every((texts) => isSelected(texts, instance)));
  return found.byRule?.[rule] ?? found.settings;
}

/** Likewise in all waves: an instance that several are about belongs to the first, and later ones are told. */
export function allSettingsOf({ waves }: Plan, host: HostName, instance: InstanceName): HostSettings[] {
  return waves.flatMap((wave) => settingsIn(wave, host, instance) ?? []);
}

function fits(text: string, instance: InstanceName): boolean {
  const pattern = new RegExp(`^${text.replaceAll(/[.[\]()+?^$|\\]/g, "\\$&").replaceAll("*", ".*")}$`);
  return pattern.test(text.includes(":") ? instance : programOf(instance));
}
