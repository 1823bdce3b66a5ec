import type { HostName, RolloutId } from "../domain/ids.ts";
import type { LockOwner } from "../executor/ports.ts";

/** What a holder writes down about itself: one line of JSON. */
export function recordOf(owner: LockOwner): string {
  return JSON.stringify(owner);
}

/** The owner that has the lock, out of the records of all who had it: each as `PID JSON`. The newest, as only one can. */
export function newestOwner(records: string): LockOwner | undefined {
  const owners = records.split("\n").flatMap((line) => ownerOf(line) ?? []);
  return owners.sort((a, b) => (a.since < b.since ? 1 : -1))[0];
}

/** Anybody on the host can write a record, so what it holds is looked at. */
function ownerOf(line: string): LockOwner | undefined {
  const [, json] = /^\d+ (\{.*\})$/.exec(line) ?? [];
  if (json === undefined) return undefined;
  try {
    const { rollout, who, since, reason, host } = JSON.parse(json) as Readonly<Record<string, unknown>>;
    if (typeof rollout !== "string" || typeof who !== "string" || typeof since !== "string") return undefined;
    return {
      rollout: rollout as RolloutId,
      who,
      since,
      ...(typeof reason === "string" && { reason }),
      ...(typeof host === "string" && { host: host as HostName }),
    };
  } catch {
    return undefined;
  }
}

/** A group's name as a part of a file's, which neither a shell nor a folder gives a meaning to. */
export function fileName(group: string): string {
  const hexadecimal = (character: string) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return encodeURIComponent(group).replace(/[!'()*~]/g, hexadecimal);
}
