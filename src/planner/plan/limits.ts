import { parseQuantity, type Quantity } from "../../domain/quantity.ts";
import type { Findings } from "../text/findings.ts";
import type { PlanLimits } from "./plan.ts";
import { defaultsOf } from "../schema/plan-schema.ts";
import type { Path } from "../text/path.ts";
import type { LimitKey, RawPlan, RawProgram } from "../schema/raw-plan.ts";

/** Reads the limits of a plan. */
export function readLimits(section: RawPlan["limits"], findings: Findings): PlanLimits {
  const defaults = defaultsOf("limits");
  const read = (key: LimitKey) => parseQuantity(section?.[key] ?? defaults[key]) ?? { count: 0 };
  const min_healthy = readMinHealthy(section, ["limits"], findings) ?? read("min_healthy");
  return { max_failures: read("max_failures"), max_unreachable: read("max_unreachable"), min_healthy };
}

/** A floor; undefined where the section has none. Reports one that would allow no restart at all. */
export function readMinHealthy(section: RawProgram["limits"], path: Path, findings: Findings): Quantity | undefined {
  const min_healthy = section?.min_healthy === undefined ? undefined : parseQuantity(section.min_healthy);
  // A lower percentage, or a number, may be too high as well: that shows once the fleet has answered.
  if (min_healthy && "percent" in min_healthy && min_healthy.percent >= 100) {
    findings.atValue([...path, "min_healthy"], {
      code: "min_healthy_too_high",
      message: "allows no restart: an instance is not healthy while it restarts",
      suggestion: "75% allows a quarter to be down at a time",
    });
  }
  return min_healthy;
}
