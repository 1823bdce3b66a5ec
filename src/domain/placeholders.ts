import { referenceText, valueOf, type Environment } from "./environment.ts";
import { processOf, programOf, type HostName, type InstanceName } from "./ids.ts";
import { foldNames } from "./node-set.ts";
import type { Vars } from "./settings.ts";
import { escapeFor, quoteWord } from "./shell-quotes.ts";
import { parseTemplate, type TemplatePart } from "./template.ts";

/** The names that may stand in braces, as well as those of the plan's own `vars`. */
export const PLACEHOLDERS = [
  "host",
  "address",
  "program",
  "instance",
  "process",
  "number",
  "pid",
  "old_pid",
  "reason",
  "wave",
  "hosts",
  "hosts_list",
] as const;

export type PlaceholderName = (typeof PLACEHOLDERS)[number];

/** What placeholders stand for at one use; what has no value there is left out. */
export interface PlaceholderValues extends Readonly<Partial<Record<PlaceholderName, string>>> {
  readonly vars: Vars;
}

/** A template filled in, or the first placeholder or variable, as written, that has no value. */
export type Filled = { readonly text: string } | { readonly missing: string };

/** Where a value goes: into a shell's line, or into a URL or address. */
export type Quoting = "shell" | "url";

/** The pids of an instance's process, and of the one that it has replaced. Where there is none, its text is empty. */
export function pidValues({ pid, previousPid }: { readonly pid?: number; readonly previousPid?: number }) {
  return { pid: String(pid ?? ""), old_pid: String(previousPid ?? "") };
}

/** The values for one instance or, without one, for its host. */
export function placeholderValues(
  of: PlaceholderValues & { readonly host: HostName },
  instance?: InstanceName,
): PlaceholderValues {
  if (instance === undefined) return of;
  const process = processOf(instance);
  const number = numberOf(process);
  return { ...of, program: programOf(instance), instance, process, ...(number !== undefined && { number }) };
}

/** The values for a wave or one of its batches: its group, and its hosts as few node sets and one by one. */
export function waveValues(group: string, hosts: readonly HostName[]) {
  return { wave: group, hosts: foldNames(hosts).join(" "), hosts_list: hosts.join(" ") };
}

/** The digits that end a process's name, as written: `07` of `web_07`. */
export function numberOf(process: string): string | undefined {
  return /\d+$/.exec(process)?.[0];
}

/** The value that a name in braces stands for: `host`, `vars.zone`. */
export function placeholderValue(name: string, values: PlaceholderValues): string | undefined {
  if (name.startsWith("vars.")) return ownValue(values.vars, name.slice("vars.".length));
  return PLACEHOLDERS.includes(name as PlaceholderName) ? values[name as PlaceholderName] : undefined;
}

/**
 * Fills in a check or hook immediately before its use. Filled-in values are data and never code: a word for the shell,
 * encoded in a URL. Variables of the environment are data in a shell's line too, within the quotes that stand around
 * them; in a URL they are put in as they are, since one may hold the beginning of it.
 */
export function fill(template: string, values: PlaceholderValues, env: Environment, quoting: Quoting): Filled {
  let text = "";
  for (const part of parseTemplate(template)) {
    if (part.kind === "text") text += part.text;
    else if (part.kind === "malformed_reference") return { missing: "${" };
    else {
      const value = part.kind === "placeholder" ? placeholderValue(part.name, values) : valueOf(part.reference, env);
      if (value === undefined)
        return { missing: part.kind === "placeholder" ? `{${part.name}}` : `\${${part.reference.name}}` };
      text += quoting === "shell" ? forShell(value, part) : part.kind === "placeholder" ? forUrl(value, text) : value;
    }
  }
  return { text };
}

/**
 * A template as people can paste it: placeholders filled in, those without a value and variables of the environment as
 * written, since the environment may hold secrets.
 */
export function fillShown(template: string, values: PlaceholderValues, quoting: Quoting): string {
  let text = "";
  for (const part of parseTemplate(template)) {
    if (part.kind === "text") text += part.text;
    else if (part.kind === "malformed_reference") text += "${";
    else if (part.kind === "reference") text += referenceText(part.reference);
    else {
      const value = placeholderValue(part.name, values);
      if (value === undefined) text += `{${part.name}}`;
      else text += quoting === "shell" ? forShell(value, part) : forUrl(value, text);
    }
  }
  return text;
}

/** Of an environment with a longer value no program can be started on Linux (MAX_ARG_STRLEN); the names of many hosts may be. */
const LONGEST_VALUE = 100_000;

/** What a hook finds in its environment: `ORCHESTRATE_HOST`, `ORCHESTRATE_REASON`, `ORCHESTRATE_VARS_zone` and so on. */
export function hookEnvironment(values: PlaceholderValues): Record<string, string> {
  const own = PLACEHOLDERS.flatMap((name) => {
    const value = values[name];
    return value === undefined || value.length > LONGEST_VALUE ? [] : [[`ORCHESTRATE_${name.toUpperCase()}`, value]];
  });
  const vars = Object.entries(values.vars).map(([name, value]) => [`ORCHESTRATE_VARS_${name}`, value]);
  return Object.fromEntries([...own, ...vars]) as Record<string, string>;
}

function forShell(value: string, part: TemplatePart): string {
  if (part.within === "single" || part.within === "double") return escapeFor(part.within, value);
  // One word for each host: a loop or a list of arguments. No name of a host holds a blank.
  if (part.kind === "placeholder" && part.name === "hosts_list") return value.split(" ").map(quoteWord).join(" ");
  return quoteWord(value);
}

/**
 * A colon stays, for the sake of IPv6 addresses: it means nothing in a path. Where the host stands such an address gets
 * its brackets, so that one check serves hosts of both kinds.
 */
function forUrl(value: string, before: string): string {
  const wellFormed = value.replace(/\p{Surrogate}/gu, "\uFFFD");
  const encoded = encodeURIComponent(wellFormed).replaceAll("%3A", ":");
  return /:.*:/.test(encoded) && /^(https?:\/\/)?$/i.test(before) ? `[${encoded}]` : encoded;
}

function ownValue(vars: Vars, name: string): string | undefined {
  return Object.hasOwn(vars, name) ? vars[name] : undefined;
}
