import { randomBytes } from "node:crypto";
import type { RolloutId } from "../../domain/ids.ts";

/** Ids sort by the time at which the rollout began; the end keeps two of one second apart. */
export function newRolloutId(now: Date): RolloutId {
  const time = now
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(/[-:]/g, "");
  return `${time}-${randomBytes(2).toString("hex")}` as RolloutId;
}
