import type { InstanceConfig } from "../domain/fleet.ts";
import { compareNaturally, type InstanceName } from "../domain/ids.ts";
import { PROCESS_STATES, type ProcessSnapshot, type ProcessState } from "../domain/process-state.ts";

/** supervisor/supervisorctl.py, `_show_statuses`: name and state padded to the longest, then the description. */
const STATUS_LINE = new RegExp(`^(\\S+)\\s+(${PROCESS_STATES.join("|")})(?:\\s+(.*))?$`);

/** supervisor/rpcinterface.py, `_interpretProcessInfo`: `pid 22578, uptime 1 day, 1:01:03`. */
const RUNNING_TEXT = /^pid (\d+), uptime (?:(\d+) days?, )?(\d+):(\d\d):(\d\d)/;

/** What `supervisorctl status` printed. */
export interface StatusText {
  /** In natural order of the instances. */
  readonly snapshots: readonly ProcessSnapshot[];
  /** Lines of another form: an error, or what a shell profile prints of its own. */
  readonly others: readonly string[];
}

/** Reads what `supervisorctl status` printed, whatever else is printed with it. */
export function parseStatus(text: string): StatusText {
  const snapshots = new Map<string, ProcessSnapshot>();
  const others: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, name, state, description = ""] = STATUS_LINE.exec(line) ?? [];
    if (name !== undefined && state !== undefined)
      snapshots.set(name, toSnapshot(name as InstanceName, state as ProcessState, description.trim()));
    else if (line.trim() !== "") others.push(line.trim());
  }
  return { snapshots: inNaturalOrder(snapshots.values()), others };
}

export function inNaturalOrder(snapshots: Iterable<ProcessSnapshot>): ProcessSnapshot[] {
  return [...snapshots].sort((a, b) => compareNaturally(a.instance, b.instance));
}

function toSnapshot(instance: InstanceName, state: ProcessState, description: string): ProcessSnapshot {
  if (state !== "RUNNING") return description === "" ? { instance, state } : { instance, state, description };
  const [, pid, days = "0", hours = "0", minutes = "0", seconds = "0"] = RUNNING_TEXT.exec(description) ?? [];
  if (pid === undefined) return { instance, state, description };
  const uptime_s = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return { instance, state, pid: Number(pid), uptime_s };
}

/** supervisor/supervisorctl.py, `_formatConfigInfo`; the two priorities are the group's and the process's. */
const AVAIL_LINE = /^(\S+)\s+in use\s+(auto|manual)\s+(-?\d{1,9}):(-?\d{1,9})$/;

/** What `supervisorctl avail` tells of all that is in use; undefined if that is nothing. */
export function parseAvail(text: string): ReadonlyMap<InstanceName, InstanceConfig> | undefined {
  const configs = new Map<InstanceName, InstanceConfig>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, autostart, group, process] = AVAIL_LINE.exec(line.trimEnd()) ?? [];
    if (name !== undefined)
      configs.set(name as InstanceName, {
        autostart: autostart === "auto",
        group_priority: Number(group),
        priority: Number(process),
      });
  }
  return configs.size > 0 ? configs : undefined;
}

/** The end of what supervisorctl said, as one line. */
export function lastWords(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(-3)
    .join("; ");
}

/** supervisord's own process id, as `supervisorctl pid` prints it. */
export function parsePid(text: string): number | undefined {
  const pid = /^[1-9]\d*$/.exec(text.trim())?.[0];
  return pid === undefined ? undefined : Number(pid);
}

/** What `supervisorctl tail` printed, or why it could not. */
export function tailText(text: string): string {
  if (!/^error: .*ExpatError/m.test(text)) return text;
  return "(supervisorctl cannot read its log: it holds colours or other control characters, which only a look by XML-RPC can: see supervisor.server_url)";
}

/** Whether `supervisorctl tail` met with a supervisord that cannot decode what it has cut off. */
export function isCutCharacter(text: string): boolean {
  return /^error: .*ProtocolError.* 500 /m.test(text);
}
