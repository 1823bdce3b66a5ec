import type { InstanceConfig } from "../domain/fleet.ts";
import type { InstanceName } from "../domain/ids.ts";

/** supervisor/supervisorctl.py, `_formatConfigInfo`; the two priorities are the group's and the process's. */
const AVAIL_LINE = /^(.*\S)\s+(in use|avail)\s+(auto|manual)\s+(-?\d{1,9}):(-?\d{1,9})$/;

/**
 * The processes of `supervisorctl avail`; undefined if there are none.
 * @param all those too whose group is configured and not in use
 */
export function parseAvail(text: string, { all = false } = {}): ReadonlyMap<InstanceName, InstanceConfig> | undefined {
  const configs = new Map<InstanceName, InstanceConfig>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, use, autostart, group, process] = AVAIL_LINE.exec(line.trimEnd()) ?? [];
    if (name !== undefined && (all || use === "in use"))
      configs.set(name as InstanceName, {
        autostart: autostart === "auto",
        group_priority: Number(group),
        priority: Number(process),
      });
  }
  return configs.size > 0 ? configs : undefined;
}

/** supervisord's own process id, as `supervisorctl pid` prints it. */
export function parsePid(text: string): number | undefined {
  const pid = /^[1-9]\d*$/.exec(text.trim())?.[0];
  return pid === undefined ? undefined : Number(pid);
}
