import { parseQuantity } from "../../domain/quantity.ts";
import type { Findings } from "../text/findings.ts";
import type { HostBatches } from "./plan.ts";
import { defaultsOf } from "../schema/plan-schema.ts";
import type { PlacedSettings, RawBatches } from "../schema/raw-plan.ts";

/** How many hosts a wave restarts at once; later levels are nearer and win. */
export function readHostBatches(levels: readonly PlacedSettings[], findings: Findings): HostBatches {
  const defaults = defaultsOf("batches");
  const levelOf = (key: keyof RawBatches) =>
    levels.findLastIndex(({ section }) => section.batches?.[key] !== undefined);
  const [atHosts, atMode] = [levelOf("hosts"), levelOf("mode")];
  const hosts = levels[atHosts]?.section.batches?.hosts ?? defaults.hosts;
  const mode = levels[atMode]?.section.batches?.mode ?? defaults.mode;
  const written = typeof hosts === "object" ? hosts : [hosts];
  const sizes = written.flatMap((size) => (size === undefined ? [] : (parseQuantity(size) ?? [])));
  if (mode === "sliding" && sizes.length > 1) {
    // Reported at the nearer of the two, which made it a conflict.
    const path = [...(levels[Math.max(atHosts, atMode)]?.path ?? []), "batches", atHosts >= atMode ? "hosts" : "mode"];
    findings.atValue(path, {
      code: "sliding_list",
      message: "a growing list is for lockstep only, and the mode is sliding",
      suggestion: "use one number or percentage, or mode: lockstep",
    });
  }
  return { sizes: sizes.length > 0 ? sizes : [{ count: 1 }], mode };
}
