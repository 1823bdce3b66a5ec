import type { View } from "../executor/ports.ts";
import { systemClock } from "../executor/system-clock.ts";
import { isInCi } from "../views/ci.ts";
import type { Called } from "../views/how-to-go-on.ts";
import { createJsonView } from "../views/json.ts";
import { createPlainView } from "../views/plain.ts";
import type { OutputMode } from "./arguments.ts";

/** The view that `--output` names; `auto` is the tree at a terminal that can draw one, plain lines elsewhere. */
export async function chooseView(mode: OutputMode, called: Called): Promise<View> {
  const { stdout, env } = process;
  const drawn = stdout.isTTY && env["TERM"] !== "dumb" && !isInCi(env);
  if (mode === "json") return createJsonView(stdout);
  if (mode === "plain" || (mode === "auto" && !drawn))
    return createPlainView(stdout, { ...called, clock: systemClock, env });
  const { createTreeView } = await import("../views/tree.ts");
  return createTreeView(stdout, called);
}
