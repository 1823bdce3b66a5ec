import type { HostName } from "../../domain/ids.ts";
import { groupedBy } from "../../domain/folding.ts";
import { foldNames } from "../../domain/node-set.ts";
import type { Vars } from "../../domain/settings.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import { nearest } from "../schema/nearest.ts";
import type { Path } from "../text/path.ts";
import type { RawSettings } from "../schema/raw-plan.ts";
import type { Template } from "./templates.ts";

/** Reads the `vars` of a level. A number becomes the text that is written there: `1.10` and `007` stay as they are. */
export function readVars(section: RawSettings["vars"], path: Path, document: PlanDocument): Vars {
  return Object.fromEntries(
    Object.entries(section ?? {}).flatMap(([name, value]) => {
      if (value === undefined) return [];
      return [[name, typeof value === "string" ? value : (document.writtenAt([...path, name]) ?? String(value))]];
    }),
  );
}

/** The entry of `programs` for which something is missing; undefined where it is about the host, or no program has settings. */
type Entry = string | undefined;

/** Collects the variables that templates use on hosts for which they are not set. */
export class MissingVars {
  private readonly places = new Map<Template, Map<string, Map<Entry, Set<HostName>>>>();
  private readonly known = new Set<string>();

  /** Notes which variables these templates lack on these hosts. */
  note(templates: readonly Template[], vars: Vars, hosts: readonly HostName[], entry?: string): void {
    for (const name of Object.keys(vars)) this.known.add(name);
    for (const template of templates)
      for (const name of template.vars) {
        if (Object.hasOwn(vars, name)) continue;
        const byName = this.places.get(template) ?? new Map<string, Map<Entry, Set<HostName>>>();
        this.places.set(template, byName);
        const byEntry = byName.get(name) ?? new Map<Entry, Set<HostName>>();
        byName.set(name, byEntry);
        const missing = byEntry.get(entry) ?? new Set();
        byEntry.set(entry, missing);
        for (const host of hosts) missing.add(host);
      }
  }

  /** Reports each template and variable once, with the programs and hosts for which it has no value. */
  report(findings: Findings): void {
    for (const [{ path }, byName] of this.places)
      for (const [name, byEntry] of byName) {
        const near = nearest(name, this.known);
        findings.atValue(path, {
          code: "var_not_set",
          message: `{vars.${name}} has no value ${placesText(byEntry)}`,
          suggestion:
            near === undefined || near === name
              ? `add ${name} to the vars of the plan, of the wave's group, of the host or of the program`
              : `did you mean "{vars.${near}}"?`,
        });
      }
  }
}

/** `on a, b`, `for "web", "api" on a; for "web" on b`. */
function placesText(byEntry: ReadonlyMap<Entry, ReadonlySet<HostName>>): string {
  const places = [...byEntry].map(([entry, hosts]) => ({ entry, where: `on ${foldNames([...hosts]).join(", ")}` }));
  return groupedBy(places, ({ where }) => where)
    .map((alike) => {
      const entries = alike.flatMap(({ entry }) => (entry === undefined ? [] : [JSON.stringify(entry)]));
      return `${entries.length === 0 ? "" : `for ${entries.join(", ")} `}${alike[0]?.where ?? ""}`;
    })
    .join("; ");
}
