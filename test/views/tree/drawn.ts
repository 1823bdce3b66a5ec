/** The tree as text, without a terminal. */
import type { RolloutEvent } from "../../../src/domain/events.ts";
import { COLOURLESS } from "../../../src/views/tree/palette.ts";
import type { Row } from "../../../src/views/tree/row.ts";
import { treeFrame, type ScreenSize } from "../../../src/views/tree/tree-frame.ts";
import { RolloutModel } from "../../../src/views/model/rollout-model.ts";

const MARKS = { waiting: "· ", running: "❯ ", done: "✓ ", failed: "✗ ", stopped: "■ ", note: "" };

export const SMALL_SCREEN: ScreenSize = { columns: 80, rows: 24 };

/** A tree with a clock that stands still until it is told. */
export class DrawnTree {
  private readonly model = new RolloutModel();
  private nowMs = 1_000_000;

  /** Events, and the milliseconds that pass between them. */
  play(script: Iterable<RolloutEvent | number>): this {
    for (const step of script) {
      if (typeof step === "number") this.nowMs += step;
      else this.model.apply(step, this.nowMs);
    }
    return this;
  }

  lines(size: ScreenSize = SMALL_SCREEN): string[] {
    return linesOf([treeFrame(this.model, "plans/prod.yaml", this.nowMs, size, COLOURLESS)], 0);
  }

  text(size?: ScreenSize): string {
    return `${this.lines(size).join("\n")}\n`;
  }
}

function linesOf(rows: readonly Row[], depth: number): string[] {
  return rows.flatMap(({ state, text, children = [] }) => [
    `${"  ".repeat(depth)}${MARKS[state]}${text}`,
    ...linesOf(children, depth + 1),
  ]);
}
