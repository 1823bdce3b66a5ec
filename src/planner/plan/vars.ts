import type { HostName } from "../../domain/ids.ts";
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

/** Collects the variables that templates use on hosts for which they are not set. */
export class MissingVars {
  private readonly hosts = new Map<Template, Map<string, Set<HostName>>>();
  private readonly known = new Set<string>();

  /** Notes which variables these templates lack on these hosts. */
  note(templates: readonly Template[], vars: Vars, hosts: readonly HostName[]): void {
    for (const name of Object.keys(vars)) this.known.add(name);
    for (const template of templates)
      for (const name of template.vars) {
        if (Object.hasOwn(vars, name)) continue;
        const byName = this.hosts.get(template) ?? new Map<string, Set<HostName>>();
        const missing = byName.get(name) ?? new Set();
        for (const host of hosts) missing.add(host);
        this.hosts.set(template, byName.set(name, missing));
      }
  }

  /** Reports each template and variable once, with the hosts on which it has no value. */
  report(findings: Findings): void {
    for (const [{ path }, byName] of this.hosts)
      for (const [name, hosts] of byName) {
        const near = nearest(name, this.known);
        findings.atValue(path, {
          code: "var_not_set",
          message: `{vars.${name}} has no value on ${foldNames([...hosts]).join(", ")}`,
          suggestion:
            near === undefined || near === name
              ? `add ${name} to the vars of the plan, of the wave's group, of the host or of the program`
              : `did you mean "{vars.${near}}"?`,
        });
      }
  }
}
