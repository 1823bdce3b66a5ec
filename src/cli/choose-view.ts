import type { View } from "../executor/ports.ts";
import { createJsonView } from "../views/json.ts";
import { createPlainView } from "../views/plain.ts";
import type { OutputMode } from "./arguments.ts";

/** The view that `--output` names; `auto` is the tree at a terminal that can draw one, plain lines elsewhere. */
export async function chooseView(mode: OutputMode, plan: string): Promise<View> {
  const drawn = process.stdout.isTTY && process.env["TERM"] !== "dumb";
  if (mode === "json") return createJsonView(process.stdout);
  if (mode === "plain" || (mode === "auto" && !drawn)) return createPlainView(process.stdout, { plan });
  const { createTreeView } = await import("../views/tree.ts");
  return createTreeView(process.stdout, { plan });
}
