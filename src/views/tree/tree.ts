import type { RecordedEvent } from "../../domain/events.ts";
import type { View } from "../../executor/ports.ts";
import type { Invocation } from "../report/next-steps.ts";
import { reportText } from "../report/report.ts";
import { paletteFor } from "./palette.ts";
import { Screen } from "./screen.ts";
import { treeFrame } from "./tree-frame.ts";
import { RolloutModel } from "../model/rollout-model.ts";
import { allWritten } from "../words/written.ts";

/** Elapsed times and countdowns move once a second, */
const TICK_MS = 1000;

/** a little after the rollout's own second: at the very moment of it, a timer's jitter would skip one and show another twice. */
const AFTER_TICK_MS = 20;

/**
 * The view for a person at a terminal: a tree of waves, batches, hosts and instances, drawn by listr2, and the report
 * after it. listr2 is imported only here, when it is needed: loading it takes long.
 */
export async function createTreeView(stdout: NodeJS.WriteStream, invocation: Invocation = {}): Promise<View> {
  const listr2 = await import("listr2");
  const model = new RolloutModel();
  const paint = paletteFor(stdout);
  const screen = new Screen(listr2, stdout, paint, {
    compose: (size) => treeFrame(model, invocation.plan ?? "rollout", performance.now(), size, paint),
    untilTickMs: () => TICK_MS + AFTER_TICK_MS - ((performance.now() - (model.startedAtMs ?? 0)) % TICK_MS),
  });
  return {
    show(event: RecordedEvent): void {
      model.apply(event, performance.now());
      screen.refresh();
    },
    async end(): Promise<void> {
      await screen.end();
      if (model.started) stdout.write(`\n${reportText(model, invocation, stdout.columns || undefined)}`);
      await allWritten(stdout);
    },
  };
}
