import type { HostName, InstanceName } from "../../domain/ids.ts";
import { compileSelection } from "../../domain/selector.ts";
import type { HostSettings, PlanWave, WaveHost } from "../plan/plan.ts";

/** The settings of an instance on a host of a wave: those of the first rule that selects it, else the host's. */
export type SettingsIn = (host: WaveHost, instance: InstanceName) => HostSettings;

/** Reads the rules of a wave. */
export function compileRules({ rules = [] }: PlanWave): SettingsIn {
  const compiled = rules.map((lists) => lists.map(compileSelection));
  // Hosts share most names.
  const known = new Map<InstanceName, number>();
  return ({ settings, byRule }, instance) => {
    if (!byRule) return settings;
    const index = known.get(instance) ?? compiled.findIndex((all) => all.every((selects) => selects(instance)));
    known.set(instance, index);
    return byRule[index] ?? settings;
  };
}

/** Whether a wave would start an instance that is STOPPED. */
export function compileStarts(waves: readonly PlanWave[]): (host: HostName, instance: InstanceName) => boolean {
  const compiled = waves.map((wave) => ({
    settingsIn: compileRules(wave),
    selects: compileSelection(wave.programs),
    hosts: new Map(wave.hosts.map((one) => [one.host, one])),
  }));
  return (host, instance) =>
    compiled.some(({ settingsIn, selects, hosts }) => {
      const found = hosts.get(host);
      if (found === undefined || !selects(instance)) return false;
      const { action, stopped } = settingsIn(found, instance);
      return action === "start" || (action === "restart" && stopped === "start");
    });
}
