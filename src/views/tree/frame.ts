import type { Palette } from "./palette.ts";
import type { TreeModel } from "../model/tree-model.ts";

/** What all rows of one frame have in common. */
export interface Frame {
  readonly model: TreeModel;
  readonly nowMs: number;
  readonly columns: number;
  readonly paint: Palette;
  /** False once the rollout has ended. */
  readonly live: boolean;
}
