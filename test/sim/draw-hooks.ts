import type { Hook, HookName, WaveHooks } from "../../src/domain/settings.ts";
import type { Plan } from "../../src/planner/plan/plan.ts";
import type { SeededRandom } from "./random.ts";

/** Together they take hosts out of service and put them back; alone they announce, or test what was done. */
const SETS: readonly (readonly (keyof WaveHooks)[])[] = [
  ["before_batch", "after_batch"],
  ["before_batch", "after_batch"],
  ["before_wave", "after_wave"],
  ["before_wave", "before_batch", "after_batch", "after_wave"],
  ["after_batch"],
  ["before_batch"],
  ["after_wave", "before_batch"],
];

/** Some waves have hooks around them and around their batches. */
export function withWaveHooks(random: SeededRandom, plan: Plan): Plan {
  return { ...plan, waves: plan.waves.map((wave) => (random.chance(0.4) ? { ...wave, ...drawn(random) } : wave)) };
}

function drawn(random: SeededRandom): { readonly hooks: WaveHooks } {
  const names = random.pick(SETS);
  const isPaired = (name: string) => names.includes(name.replace("before_", "after_") as keyof WaveHooks);
  const hookOf = (name: keyof WaveHooks): Hook => ({
    command: isPaired(name) ? name : "announce",
    run: "controller",
    timeout_ms: 60_000,
    ...drawTerms(random),
  });
  return { hooks: Object.fromEntries(names.map((name) => [name, hookOf(name)])) };
}

/** How long a hook may take, and what its failure does. */
export function drawTerms(random: SeededRandom, name?: HookName): Pick<Hook, "timeout_ms" | "on_error"> {
  return {
    ...(random.chance(0.3) && { timeout_ms: random.pick([5000, 1_200_000]) }),
    ...(random.chance(0.2) && name !== "before_rollout" && { on_error: "warn" as const }),
  };
}
