import { isPlainMap, type Origin } from "../text/compose.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import type { Path } from "../text/path.ts";
import { schemaAt } from "../schema/plan-schema.ts";
import { pathInLevel } from "../schema/raw-plan.ts";

/**
 * Takes the keys out of a plan whose `null` has nothing inherited to take away. On a group, host or program, `null` means no hook,
 * or no checks, whatever the plan has; elsewhere it gets a warning, as it may be a misspelt name. In a plan that inherits
 * nothing it stays, and is a wrong value.
 */
export function settleNulls(document: PlanDocument, findings: Findings): PlanDocument {
  const inherits = inheritsKeys(document);
  const settle = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) return mapped(value, path, settle, document);
    if (!isPlainMap(value)) return value;
    const places = new Map<string | number, Origin>(document.origins.get(value));
    const taken: string[] = [];
    for (const [key, origin] of places) {
      const at = [...path, key];
      const isOfLevel = takesFromPlan(at);
      if (!origin.isNull || origin.isTakenAway || !(isOfLevel || schemaAt(at)?.takesAway)) continue;
      if (!isOfLevel && !inherits) continue;
      if (!isOfLevel)
        findings.warnAtValue(at, {
          code: "null_without_effect",
          message: "null takes nothing away: nothing is inherited",
        });
      taken.push(String(key));
      places.set(key, { ...origin, isTakenAway: true });
    }
    const copy = mapped(value, path, settle, document) as Record<string, unknown>;
    if (taken.length === 0) return copy;
    const data = Object.assign(Object.create(null), copy) as Record<string, unknown>;
    for (const key of taken) Reflect.deleteProperty(data, key);
    document.origins.set(data, places);
    return data;
  };
  const data = settle(document.data, []);
  return data === document.data ? document : document.with(data);
}

/** Whether a plan extends others, or has its hosts from an inventory. */
export function inheritsKeys({ data, extending }: PlanDocument): boolean {
  return extending.size > 0 || (isPlainMap(data) && isPlainMap(data["hosts_from"]));
}

/** Whether a path is that of a hook or the checks of a group, a host or a program, or of a hook of reverts. */
function takesFromPlan(path: Path): boolean {
  if (path[0] === "revert") return path.length === 2;
  const [key, ...more] = pathInLevel(path);
  if (1 + more.length === path.length) return false;
  return (key === "checks" && more.length === 0) || (key === "hooks" && more.length === 1);
}

/** The same list or map with its values changed; itself if none is. */
function mapped(
  value: readonly unknown[] | Readonly<Record<string, unknown>>,
  path: Path,
  change: (value: unknown, path: Path) => unknown,
  { origins }: PlanDocument,
): unknown {
  const from = value as Readonly<Record<string | number, unknown>>;
  let copy: Record<string | number, unknown> | undefined;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    const changed = change(from[key], [...path, key]);
    if (changed === from[key]) continue;
    copy ??= (Array.isArray(value) ? [...(value as unknown[])] : Object.assign(Object.create(null), value)) as Record<
      string | number,
      unknown
    >;
    copy[key] = changed;
  }
  const places = origins.get(value);
  if (copy && places) origins.set(copy, places);
  return copy ?? value;
}
