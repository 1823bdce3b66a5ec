import { parseQuantity } from "../../domain/quantity.ts";
import type { Findings } from "../text/findings.ts";
import type { PlanLimits } from "./plan.ts";
import { defaultsOf } from "../schema/plan-schema.ts";
import type { LimitKey, RawPlan } from "../schema/raw-plan.ts";

/** Reads the limits, and reports a floor that would allow no restart at all. */
export function readLimits(section: RawPlan["limits"], findings: Findings): PlanLimits {
  const defaults = defaultsOf("limits");
  const read = (key: LimitKey) => parseQuantity(section?.[key] ?? defaults[key]) ?? { count: 0 };
  const min_healthy = read("min_healthy");
  // A lower percentage, or a number, may be too high as well: that shows once the fleet has answered.
  if ("percent" in min_healthy && min_healthy.percent >= 100) {
    findings.atValue(["limits", "min_healthy"], {
      code: "min_healthy_too_high",
      message: "allows no restart: an instance is not healthy while it restarts",
      suggestion: "75% allows a quarter to be down at a time",
    });
  }
  return { max_failures: read("max_failures"), max_unreachable: read("max_unreachable"), min_healthy };
}
