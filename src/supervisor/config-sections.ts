import type { InstanceConfig } from "../domain/fleet.ts";
import { processOf, programOf, type InstanceName } from "../domain/ids.ts";
import type { ConfigKey } from "./config-script.ts";

interface Section {
  readonly kind: "program" | "fcgi-program" | "eventlistener" | "group";
  readonly name: string;
  readonly values: Map<string, string>;
}

/** A program in a group: of its own, or one that `[group:x]` puts together. */
interface Member {
  readonly section: Section;
  readonly group: Section | undefined;
  /** What Supervisor fills in and is known here, too. */
  readonly names: ReadonlyMap<string, string>;
  /** What it calls its processes; undefined if that may be nearly anything. */
  readonly processes: { readonly pattern: RegExp; readonly isOne: boolean } | undefined;
}

interface Groups {
  readonly members: ReadonlyMap<string, readonly Member[]>;
  /** The groups of each section. */
  readonly named: ReadonlyMap<string, readonly string[]>;
}

const GROUP_PRIORITY = 999;

/** supervisor/options.py: listeners are started before all others, unless they say otherwise. */
const LISTENER_PRIORITY = -1;

/** Each makes matching more costly, and names are a host's to choose. */
const MOST_OPEN_PARTS = 3;
const LONGEST_NAME = 300;
const MOST_MEMBERS = 1000;

/** The sections of Supervisor's configuration that are about programs, from all its files together. */
export class ConfigSections {
  private readonly sections = new Map<string, Section>();
  private last: Section | undefined;
  private made: Groups | undefined;

  /** @param header what stands between the brackets; of a section that comes twice the later values win */
  open(header: string): void {
    const section = sectionOf(header);
    this.last = section && (this.sections.get(keyOf(section)) ?? section);
    if (this.last) this.sections.set(keyOf(this.last), this.last);
  }

  set(key: string, value: string): void {
    this.last?.values.set(key, value);
  }

  dropLast(): void {
    if (this.last) this.sections.delete(keyOf(this.last));
  }

  /** The Supervisor groups that a section is about. */
  groupsOf(header: string): readonly string[] {
    const section = sectionOf(header);
    if (!section) return [];
    return section.kind === "group" ? [section.name] : (this.groups().named.get(keyOf(section)) ?? []);
  }

  /** How an instance is configured; undefined if no section, or more than one, can be its own. */
  configOf(instance: InstanceName): InstanceConfig | undefined {
    const process = processOf(instance);
    if (process.length > LONGEST_NAME) return undefined;
    const members = this.groups().members.get(programOf(instance)) ?? [];
    const fitting = members.filter(({ processes }) => processes?.pattern.test(process));
    // `web_1` fits `web_%(process_num)d` as well as a name that is written so.
    const [only, ...more] = fitting.length > 1 ? fitting.filter(({ processes }) => processes?.isOne) : fitting;
    return only && more.length === 0 ? configOf(only) : undefined;
  }

  private groups(): Groups {
    if (this.made) return this.made;
    const members = new Map<string, Member[]>();
    const named = new Map<string, string[]>();
    const add = (name: string, section: Section, group?: Section) => {
      const names = new Map([
        ["program_name", section.name],
        ["group_name", name],
      ]);
      entryOf(members, name).push({ section, group, names, processes: processesOf(section, names) });
      entryOf(named, keyOf(section)).push(name);
    };
    const all = [...this.sections.values()];
    for (const group of all.filter(({ kind }) => kind === "group"))
      for (const name of (group.values.get("programs") ?? "").split(",", MOST_MEMBERS)) {
        const section = this.programNamed(name.trim());
        if (section) add(group.name, section, group);
      }
    for (const section of all) if (section.kind !== "group" && !named.has(keyOf(section))) add(section.name, section);
    return (this.made = { members, named });
  }

  private programNamed(name: string): Section | undefined {
    return this.sections.get(`program:${name}`) ?? this.sections.get(`fcgi-program:${name}`);
  }
}

function configOf({ section, group, names }: Member): InstanceConfig {
  const isListener = section.kind === "eventlistener";
  const ofGroup = isListener ? LISTENER_PRIORITY : GROUP_PRIORITY;
  return knownConfig({
    section: section.name,
    is_listener: isListener,
    group_priority: valueOf(group ?? section, "priority", toInteger, ofGroup),
    priority: valueOf(section, "priority", toInteger, 999),
    autostart: valueOf(section, "autostart", toBoolean, true),
    autorestart: valueOf(section, "autorestart", toAutorestart, "unexpected"),
    exitcodes: valueOf(section, "exitcodes", toIntegers, [0]),
    startsecs: valueOf(section, "startsecs", toInteger, 1),
    startretries: valueOf(section, "startretries", toInteger, 3),
    stopwaitsecs: valueOf(section, "stopwaitsecs", toInteger, 10),
    stopasgroup: valueOf(section, "stopasgroup", toBoolean, false),
    redirect_stderr: valueOf(section, "redirect_stderr", toBoolean, false),
    stdout_logfile: valueOf(section, "stdout_logfile", (text) => filledIn(text, names), "AUTO"),
    stderr_logfile: valueOf(section, "stderr_logfile", (text) => filledIn(text, names), "AUTO"),
  });
}

/** What a section says, or the default; undefined for what cannot be known, such as `%(ENV_SECONDS)s`. */
function valueOf<T>(
  { values }: Section,
  key: ConfigKey,
  read: (text: string) => T | undefined,
  byDefault: T,
): T | undefined {
  const text = values.get(key);
  return text === undefined ? byDefault : read(text);
}

function processesOf({ values }: Section, names: Member["names"]): Member["processes"] {
  const template = values.get("process_name") ?? "%(program_name)s";
  const parts = template.split(/(%\(\w+\)[-+ #0]*\d*[a-z]|%%)/).map((part) => patternOf(part, names));
  const open = parts.filter(({ isOpen }) => isOpen).length;
  if (open > MOST_OPEN_PARTS) return undefined;
  return { pattern: new RegExp(`^${parts.map(({ pattern }) => pattern).join("")}$`, "s"), isOne: open === 0 };
}

/** A piece of a process_name: where something cannot be known, it may be anything. */
function patternOf(part: string, names: Member["names"]) {
  const name = /^%\((\w+)\)/.exec(part)?.[1];
  if (name === undefined) return { pattern: escaped(part === "%%" ? "%" : part), isOpen: false };
  if (name === "process_num") return { pattern: String.raw`\d+`, isOpen: true };
  const known = names.get(name);
  return known === undefined ? { pattern: ".*", isOpen: true } : { pattern: escaped(known), isOpen: false };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

function sectionOf(header: string): Section | undefined {
  const [, kind, name] = /^(program|fcgi-program|eventlistener|group):(.*)$/.exec(header) ?? [];
  return name === undefined ? undefined : { kind: kind as Section["kind"], name: name.trim(), values: new Map() };
}

function entryOf<V>(map: Map<string, V[]>, key: string): V[] {
  const entry = map.get(key) ?? [];
  map.set(key, entry);
  return entry;
}

function keyOf({ kind, name }: Section): string {
  return `${kind}:${name}`;
}

/** A text without anything left to be filled in, or undefined. */
function filledIn(text: string, names: Member["names"]): string | undefined {
  const filled = text.replace(/%\((\w+)\)s/g, (whole, name: string) => names.get(name) ?? whole);
  return /%\(/.test(filled) ? undefined : filled.replaceAll("%%", "%");
}

function toInteger(text: string): number | undefined {
  return /^[+-]?\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function toIntegers(text: string): readonly number[] | undefined {
  const integers = text === "" ? [] : text.split(",").map((part) => toInteger(part.trim()));
  return integers.includes(undefined) ? undefined : integers.flatMap((integer) => integer ?? []);
}

function toBoolean(text: string): boolean | undefined {
  if (/^(yes|true|on|1)$/i.test(text)) return true;
  return /^(no|false|off|0)$/i.test(text) ? false : undefined;
}

function toAutorestart(text: string): InstanceConfig["autorestart"] {
  return /^unexpected$/i.test(text) ? "unexpected" : toBoolean(text);
}

/** A configuration without what could not be read. */
export function knownConfig(config: {
  readonly [Key in keyof InstanceConfig]: InstanceConfig[Key] | undefined;
}): InstanceConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}
