import { PLACEHOLDERS, type PlaceholderName } from "../../domain/placeholders.ts";
import type { QuoteState } from "../../domain/shell-quotes.ts";
import { parseTemplate, type TemplatePart } from "../../domain/template.ts";
import type { Fault } from "../text/diagnostic.ts";
import type { Path } from "../text/path.ts";
import type { Findings } from "../text/findings.ts";
import { nearest } from "../schema/nearest.ts";

/** A check's or hook's text, where it stands, and what it needs. */
export interface Template {
  readonly path: Path;
  /** The names of the `vars` in it. */
  readonly vars: readonly string[];
}

/** The placeholders that a template may have, by where it is used. */
export interface Use {
  /** Continues "has no value in": `before_host, which is about a whole host`. */
  readonly where: string;
  readonly known: readonly PlaceholderName[];
  readonly vars: boolean;
  readonly quoting: "shell" | "url";
}

/** Those of a wave or a batch. */
export const OF_WAVE = ["wave", "hosts", "hosts_list"] as const;

/** All that have a value for an instance while it is restarted. */
export const OF_INSTANCE: readonly PlaceholderName[] = PLACEHOLDERS.filter(
  (name) => name !== "reason" && !(OF_WAVE as readonly PlaceholderName[]).includes(name),
);

/** Checks a template, and returns which `vars` it needs. */
export function readTemplate(text: string, path: Path, use: Use, findings: Findings): Template {
  const vars = new Set<string>();
  const reported = new Set<string>();
  for (const part of parseTemplate(text)) {
    const fault = faultOf(part, use);
    if (part.kind === "placeholder" && !fault && part.name.startsWith("vars."))
      vars.add(part.name.slice("vars.".length));
    if (!fault || reported.has(fault.message)) continue;
    reported.add(fault.message);
    findings.atValue(path, fault);
  }
  return { path, vars: [...vars] };
}

function faultOf(part: TemplatePart, use: Use): Fault | undefined {
  // A malformed reference is reported together with unset variables.
  if (part.kind === "text" || part.kind === "malformed_reference") return undefined;
  if (part.kind === "placeholder")
    return faultOfName(part.name, use) ?? (use.quoting === "shell" ? faultOfPlace(part.name, part.within) : undefined);
  const { within } = part;
  if (use.quoting === "url" || (within !== "escaped" && within !== "ansi")) return undefined;
  return {
    code: "placeholder_after_backslash",
    message: `\${${part.reference.name}} stands after a backslash`,
    suggestion: "write $${ for the text ${",
  };
}

function faultOfName(name: string, use: Use): Fault | undefined {
  const word = /^vars\.(.+)$/.exec(name)?.[1];
  if (word === undefined ? use.known.includes(name as PlaceholderName) : use.vars) return undefined;
  if (word !== undefined || PLACEHOLDERS.includes(name as PlaceholderName)) {
    return {
      code: "placeholder_not_here",
      message: `{${name}} has no value in ${use.where}`,
      suggestion: knownIn(use),
    };
  }
  const near = use.known.find((known) => known === OTHER_NAMES[name]) ?? nearest(name, use.known);
  const own = name.replace(/^vars\.|\..*$/g, "") || "NAME";
  const remedy = `write {vars.${own}} for a variable of your own, {{${name}}} for the text itself`;
  return {
    code: "unknown_placeholder",
    message: `there is no placeholder {${name}}`,
    suggestion: near === undefined ? remedy : `did you mean "{${near}}"?`,
  };
}

/** What other tools call our placeholders. */
const OTHER_NAMES: Readonly<Record<string, PlaceholderName>> = {
  hostname: "host",
  host_name: "host",
  inventory_hostname: "host",
  ansible_host: "address",
  ip: "address",
  name: "process",
  program_name: "process",
  process_name: "process",
  process_num: "number",
  group: "program",
  group_name: "program",
};

function knownIn({ known, vars }: Use): string {
  const names = [...known, ...(vars ? ["vars.NAME"] : [])];
  return names.length === 0 ? "it takes no placeholders" : `known here: ${names.map((name) => `{${name}}`).join(" ")}`;
}

/** Values are quoted already: quotes around them would end where theirs start. */
function faultOfPlace(name: string, within: QuoteState): Fault | undefined {
  switch (within) {
    case "bare":
      return undefined;
    case "single":
    case "double":
    case "ansi":
      return {
        code: "placeholder_in_quotes",
        message: `{${name}} stands in quotes, and is quoted already`,
        suggestion: `end the quotes before it: 'some text '{${name}}' more text'`,
      };
    case "escaped":
      return {
        code: "placeholder_after_backslash",
        message: `{${name}} stands after a backslash`,
        suggestion: `write {{${name}}} for the text itself`,
      };
    case "comment":
      return {
        code: "placeholder_in_comment",
        message: `{${name}} stands in a comment of the shell`,
        suggestion: "remove it",
      };
  }
}
