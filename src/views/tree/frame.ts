import type { Palette } from "./palette.ts";
import type { RolloutModel } from "../model/rollout-model.ts";

/** What all rows of one frame have in common. */
export interface Frame {
  readonly model: RolloutModel;
  readonly nowMs: number;
  readonly columns: number;
  readonly paint: Palette;
  /** False once the rollout has ended. */
  readonly live: boolean;
}
