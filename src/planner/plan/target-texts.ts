import { placeholderValue, type PlaceholderName } from "../../domain/placeholders.ts";
import type { HostName } from "../../domain/ids.ts";
import type { Vars } from "../../domain/settings.ts";
import type { HostTarget } from "../../domain/target.ts";
import { schemaAt } from "../schema/plan-schema.ts";
import type { RawGroup, RawHost, RawPlan } from "../schema/raw-plan.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import type { Path } from "../text/path.ts";
import type { GroupMembers } from "./groups.ts";
import { readTemplate, type Template } from "./templates.ts";
import { MissingVars, readVars } from "./vars.ts";

/** The settings on the way onto a host that may have placeholders. */
const TEXTS = [
  ["address"],
  ["ssh", "user"],
  ["supervisor", "command"],
  ["supervisor", "config"],
  ["supervisor", "server_url"],
] as const;

/** The same for a message. */
export const WHERE_PLACEHOLDERS_WORK = `in checks and hooks, and in ${TEXTS.map((key) => key.join(".")).join(", ")}`;

/** Whether a path is that of such a setting, on the plan, a group or a host. */
export function takesPlaceholders(path: Path): boolean {
  const place = path[0] === "hosts" || path[0] === "groups" ? path.slice(2) : path;
  return TEXTS.some((key) => key.join() === place.join());
}

/** A text with placeholders in braces; `{{host}}` is the text `{host}`. */
const PLACEHOLDER = /(?<!\$)(?:\{(\{[A-Za-z_]\w*(?:\.[\w-]*)?\})\}|\{([A-Za-z_]\w*(?:\.[\w-]*)?)\})/g;

/** Whether a text depends on the host for which it is filled in. */
export function hasPlaceholder(text: string): boolean {
  return [...text.matchAll(PLACEHOLDER)].some(([, , name]) => name !== undefined);
}

/** One level that sets the way onto a host, and its variables. */
interface Level {
  readonly section: RawPlan | RawGroup | RawHost;
  readonly path: Path;
  readonly vars: Vars;
}

/** Fills in the placeholders of hosts' addresses and settings. */
export class TargetTexts {
  private readonly plan: Level;
  private readonly groups: readonly (Level & { readonly name: string; readonly hosts: ReadonlySet<HostName> })[];
  private readonly missing = new MissingVars();
  /** By path, each checked once. */
  private readonly templates = new Map<string, Template>();
  private readonly reported = new Set<string>();
  private readonly document: PlanDocument;
  private readonly findings: Findings;

  constructor(raw: RawPlan, members: GroupMembers, document: PlanDocument, findings: Findings) {
    this.document = document;
    this.findings = findings;
    this.plan = this.level(raw, []);
    this.groups = [...members].map(([name, hosts]) => {
      return { name, hosts: new Set(hosts), ...this.level(raw.groups?.[name] ?? {}, ["groups", name]) };
    });
  }

  /** The target with its texts filled in. */
  filled(target: HostTarget, settings: RawHost, path: Path): HostTarget {
    const { user } = target.ssh;
    const { command, config, server_url } = target.supervisor;
    if (![target.address, user, command, config, server_url].some((text) => text?.includes("{"))) return target;
    const groups = this.groups.filter(({ hosts }) => hosts.has(target.name));
    const levels: readonly Level[] = [this.plan, ...groups.toReversed(), this.level(settings, path)];
    const vars = Object.assign({}, ...levels.map((level) => level.vars)) as Vars;
    const fill = (text: string, key: readonly string[], address: string) => {
      const at = levels.findLast(({ section }) => textAt(section, key) !== undefined);
      if (!at || !text.includes("{")) return text;
      return this.fill(text, [...at.path, ...key], target.name, { address, vars, levels });
    };
    const address = fill(target.address, ["address"], target.name);
    const more = (text: string | undefined, ...key: string[]) =>
      text === undefined ? {} : { [key.at(-1) ?? ""]: fill(text, key, address) };
    return {
      ...target,
      address,
      ssh: { ...target.ssh, ...more(user, "ssh", "user") },
      supervisor: {
        ...target.supervisor,
        ...more(command, "supervisor", "command"),
        ...more(config, "supervisor", "config"),
        ...more(server_url, "supervisor", "server_url"),
      },
    };
  }

  /** Reports the variables that have no value on some hosts. */
  report(): void {
    this.missing.report(this.findings);
  }

  private level(section: RawPlan | RawGroup | RawHost, path: Path): Level {
    for (const key of TEXTS) {
      const text = textAt(section, key);
      if (text?.includes("{")) this.template(text, [...path, ...key]);
    }
    return { section, path, vars: readVars(section.vars, [...path, "vars"], this.document) };
  }

  private template(text: string, path: Path): Template {
    const key = JSON.stringify(path);
    const known = this.templates.get(key);
    if (known) return known;
    const setting = path.filter((part) => part === "address" || part === "ssh" || part === "supervisor").join(".");
    const names: readonly PlaceholderName[] = path.at(-1) === "address" ? ["host"] : ["host", "address"];
    const use = { where: setting === "address" ? "address" : `${setting}.${path.at(-1)}`, known: names, vars: true };
    const template = readTemplate(text, path, { ...use, quoting: "url" }, this.findings);
    this.templates.set(key, template);
    return template;
  }

  private fill(
    text: string,
    path: Path,
    host: HostName,
    { address, vars, levels }: { address: string; vars: Vars; levels: readonly Level[] },
  ): string {
    const template = this.template(text, path);
    this.missing.note([template], vars, [host]);
    for (const name of template.vars) this.judgeAgreement(name, path, host, levels);
    const missing: string[] = [];
    const filled = text.replaceAll(PLACEHOLDER, (written: string, escaped?: string, name?: string) => {
      if (escaped !== undefined) return escaped;
      const value = placeholderValue(name ?? "", { host, address, vars });
      if (value === undefined) missing.push(written);
      return value ?? written;
    });
    const schema = schemaAt(path);
    if (missing.length === 0 && schema?.pattern !== undefined && !new RegExp(schema.pattern, "u").test(filled))
      this.once(path, `is ${JSON.stringify(filled)} on ${host}, and ${schema.errorMessage ?? "is not valid"}`, {
        code: "invalid_value",
      });
    return filled;
  }

  /** A host has one way onto it, in whatever wave: two of its groups may not give it different ones. */
  private judgeAgreement(name: string, path: Path, host: HostName, levels: readonly Level[]): void {
    if (Object.hasOwn(levels.at(-1)?.vars ?? {}, name)) return;
    const [first, ...others] = this.groups.filter(({ hosts, vars }) => hosts.has(host) && Object.hasOwn(vars, name));
    const other = others.find(({ vars }) => vars[name] !== first?.vars[name]);
    if (!first || !other) return;
    const groups = `${JSON.stringify(first.name)} and ${JSON.stringify(other.name)}`;
    this.once(path, `{vars.${name}} has two values on ${host}, those of the groups ${groups}`, {
      code: "groups_disagree",
      suggestion: `set ${name} in the vars of the host`,
    });
  }

  /** Reports one fault of a kind at each text: the other hosts would say the same. */
  private once(path: Path, message: string, fault: { code: "invalid_value" | "groups_disagree"; suggestion?: string }) {
    const key = JSON.stringify([path, fault.code]);
    if (this.reported.has(key)) return;
    this.reported.add(key);
    this.findings.atValue(path, { ...fault, message });
  }
}

function textAt(section: object, key: readonly string[]): string | undefined {
  const value = key.reduce<unknown>(
    (part, name) => (typeof part === "object" && part !== null ? (part as Record<string, unknown>)[name] : undefined),
    section,
  );
  return typeof value === "string" ? value : undefined;
}
