import type { InstanceConfig } from "../domain/fleet.ts";
import type { InstanceName } from "../domain/ids.ts";

/** Keys that supervisord reports as they are written. */
const COMPARED = ["autostart", "priority", "group_priority", "startsecs", "startretries", "stopwaitsecs"] as const;

/** Which instances the files configure otherwise: `startsecs is 10 there, and 1 in supervisord`. */
export function differing(
  inFiles: ReadonlyMap<InstanceName, InstanceConfig | undefined>,
  loaded: ReadonlyMap<InstanceName, InstanceConfig>,
): ReadonlyMap<InstanceName, string> {
  const found = new Map<InstanceName, string>();
  for (const [instance, written] of inFiles) {
    const has = loaded.get(instance);
    const key = COMPARED.find(
      (each) => written?.[each] !== undefined && has?.[each] !== undefined && written[each] !== has[each],
    );
    if (key) found.set(instance, `${key} is ${written?.[key]} there, and ${has?.[key]} in supervisord`);
  }
  return found;
}

/** What supervisord itself says wins; the files may be newer than what it has loaded. */
export function merged(inFiles: InstanceConfig | undefined, loaded: InstanceConfig | undefined): InstanceConfig {
  const config = { ...inFiles, ...loaded };
  // supervisord does not call them by name, but nothing else has these priorities unless it says so.
  const looksLikeListener = config.group_priority === -1 && config.priority === 999;
  return inFiles === undefined && looksLikeListener ? { ...config, is_listener: true } : config;
}
