import { compareNaturally, type InstanceName } from "../domain/ids.ts";
import { PROCESS_STATES, type ProcessSnapshot, type ProcessState } from "../domain/process-state.ts";

/** supervisor/supervisorctl.py, `_show_statuses`: name and state padded to the longest, then the description. */
const STATUS_LINE = new RegExp(`^(\\S+)\\s+(${PROCESS_STATES.join("|")})(?:\\s+(.*))?$`);

/** supervisor/rpcinterface.py, `_interpretProcessInfo`: `pid 22578, uptime 1 day, 1:01:03`. */
const RUNNING_TEXT = /^pid (\d+), uptime (?:(\d+) days?, )?(\d+):(\d\d):(\d\d)/;

/**
 * Reads what `supervisorctl status` printed, in natural order of the instances.
 * Lines of another form are passed over: a shell profile may print its own before them.
 */
export function parseStatus(text: string): ProcessSnapshot[] {
  const snapshots = new Map<string, ProcessSnapshot>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, state, description = ""] = STATUS_LINE.exec(line) ?? [];
    if (name !== undefined && state !== undefined)
      snapshots.set(name, toSnapshot(name as InstanceName, state as ProcessState, description.trim()));
  }
  return [...snapshots.values()].sort((a, b) => compareNaturally(a.instance, b.instance));
}

function toSnapshot(instance: InstanceName, state: ProcessState, description: string): ProcessSnapshot {
  if (state !== "RUNNING") return description === "" ? { instance, state } : { instance, state, description };
  const [, pid, days = "0", hours = "0", minutes = "0", seconds = "0"] = RUNNING_TEXT.exec(description) ?? [];
  if (pid === undefined) return { instance, state, description };
  const uptime_s = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return { instance, state, pid: Number(pid), uptime_s };
}
