import { PLACEHOLDERS, type PlaceholderName } from "../../domain/placeholders.ts";
import type { Findings } from "../text/findings.ts";
import type { Path } from "../text/path.ts";
import { takesPlaceholders, WHERE_PLACEHOLDERS_WORK } from "./target-texts.ts";

/** Reports placeholders in texts that are used as they are written. Other braces are text there: a glob, for one. */
export function judgeStrayPlaceholders(value: unknown, findings: Findings, path: Path = []): void {
  if (typeof value === "string") {
    const name = takesPlaceholders(path) ? undefined : placeholderIn(value);
    if (name === undefined) return;
    findings.atValue(path, {
      code: "placeholder_not_here",
      message: `{${name}} has no value here`,
      suggestion: `placeholders work ${WHERE_PLACEHOLDERS_WORK}`,
    });
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    // Their texts have placeholders, and are judged where they are read.
    if (key === "checks" || key === "hooks" || (key === "revert" && path.length === 0)) continue;
    judgeStrayPlaceholders((value as Record<string | number, unknown>)[key], findings, [...path, key]);
  }
}

function placeholderIn(text: string): string | undefined {
  for (const [, name = ""] of text.matchAll(/(?<![${])\{([a-z_]+|vars\.\w+)\}(?!\})/g))
    if (name.startsWith("vars.") || PLACEHOLDERS.includes(name as PlaceholderName)) return name;
  return undefined;
}
