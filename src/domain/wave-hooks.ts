import type { HostName } from "./ids.ts";
import type { Wave, WavePlace } from "./rollout.ts";
import type { WaveHooks } from "./settings.ts";

/** In the order in which they run. */
export const WAVE_HOOKS = ["before_wave", "before_batch", "after_batch", "after_wave"] as const;

/**
 * The hosts that a hook of a wave, or of its `batch` (from 1), is about. One that comes after is also about those that were
 * taken out of service by a rollout which this one resumes.
 */
export function hostsOfHook(hook: keyof WaveHooks, wave: Wave, batch = 0): HostName[] {
  const isOfWave = hook === "before_wave" || hook === "after_wave";
  const batches = isOfWave ? wave.batches : wave.batches.slice(batch - 1, batch);
  const left = isOfWave ? wave.left_drained : batches[0]?.left_drained;
  const hosts = batches.flatMap((one) => one.hosts.map(({ host }) => host));
  return [...new Set([...hosts, ...(hook.startsWith("after_") ? (left ?? []) : [])])];
}

/** `wave 1 (web)`, `wave 1 (web) batch 2`. */
export function placeText({ wave, group, batch }: WavePlace): string {
  return `wave ${wave} (${group})${batch === undefined ? "" : ` batch ${batch}`}`;
}
