import type { InstanceConfig } from "../domain/fleet.ts";

/** A configuration without what could not be read. */
export function knownConfig(config: {
  readonly [Key in keyof InstanceConfig]: InstanceConfig[Key] | undefined;
}): InstanceConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}
