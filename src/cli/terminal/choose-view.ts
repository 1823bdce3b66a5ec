import type { View } from "../../executor/ports.ts";
import { systemClock } from "../../executor/system-clock.ts";
import { isInCi } from "../../views/lines/ci.ts";
import type { Invocation } from "../../views/report/next-steps.ts";
import { createJsonView } from "../../views/lines/json.ts";
import { createPlainView } from "../../views/lines/plain.ts";
import type { OutputMode } from "../arguments/arguments.ts";

/** The view that `--output` names; `auto` is the tree at a terminal that can draw one, plain lines elsewhere. */
export async function chooseView(mode: OutputMode, called: Invocation): Promise<View> {
  const { stdout, env } = process;
  const drawn = stdout.isTTY && env["TERM"] !== "dumb" && !isInCi(env);
  if (mode === "json") return createJsonView(stdout);
  if (mode === "plain" || (mode === "auto" && !drawn))
    return createPlainView(stdout, { ...called, clock: systemClock, env });
  const { createTreeView } = await import("../../views/tree/tree.ts");
  return createTreeView(stdout, called);
}
