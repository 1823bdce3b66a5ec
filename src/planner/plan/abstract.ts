import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Environment } from "../../domain/environment.ts";
import { isPlainMap } from "../text/compose.ts";
import type { Diagnostic } from "../text/diagnostic.ts";
import type { PlanErrorCode } from "../text/plan-errors.ts";
import { readLayers, realPath } from "./layers.ts";

/** What a base leaves open, for the plans that extend it to fill in. */
export const LEFT_OPEN: ReadonlySet<PlanErrorCode> = new Set<PlanErrorCode>([
  "missing_key",
  "unknown_host",
  "unknown_group",
  "no_host_matches",
  "exclusion_matches_nothing",
  "empty_group",
  "host_in_no_wave",
  "no_waves",
  "var_not_set",
]);

/** Why a base is not run, with the plans that can be. */
export function abstractFault(file: string, env: Environment): Diagnostic {
  const plans = extendedBy(file, env);
  const document = readLayers(file, textOf(file) ?? "", env).document;
  return {
    file,
    ...document?.rangeOfKey(["abstract"]),
    code: "abstract_plan",
    path: "abstract",
    message: "the plan is a base for others, and is not run",
    suggestion:
      plans.length === 0
        ? "no plan next to it extends it: write one with extends, or remove abstract"
        : `run a plan that extends it: ${plans.join(", ")}`,
  };
}

/** The plans in the folder of a base that extend it, directly or by way of others, and can be run. */
function extendedBy(file: string, env: Environment): string[] {
  const folder = dirname(file);
  const base = realPath(file);
  const names = listed(folder).filter((name) => /\.(ya?ml|json)$/.test(name));
  return names
    .map((name) => join(folder, name))
    .filter((plan) => {
      const text = textOf(plan);
      if (text === undefined || !text.includes("extends")) return false;
      const { document, bases } = readLayers(plan, text, env);
      const isAbstract = isPlainMap(document?.data) && document.data["abstract"] === true;
      return bases.has(base) && !isAbstract;
    });
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
