/** Writes docs/plan-reference.md from the plan's JSON schema: `tsx scripts/plan-reference.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { planSchema, resolved, type Schema } from "../src/planner/schema/plan-schema.ts";

export const REFERENCE_FILE = join(import.meta.dirname, "..", "docs", "plan-reference.md");

/** The part of the schema for one section of the reference: below one key, or below several. */
interface Section {
  readonly title: string;
  readonly part: Schema;
}

/** Sections that stand under several keys are described once. */
const SHARED: ReadonlyMap<string, string> = new Map([
  ["#/definitions/programs", "programs"],
  ["#/definitions/ssh", "ssh"],
  ["#/definitions/supervisor", "supervisor"],
  ["#/definitions/timings", "timings"],
  ["#/definitions/batches", "batches"],
  ["#/definitions/vars", "vars"],
  ["#/definitions/checks", "checks"],
  ["#/definitions/check", "checks[]"],
]);

/** The whole reference. */
export function planReference(): string {
  const sections = [...sectionsOf({ title: "The plan", part: planSchema as Schema }, "")];
  return `${INTRODUCTION}${sections.map(sectionText).join("\n")}`;
}

/** A section, then those of its keys that have keys of their own, in the order of the schema. */
function* sectionsOf(section: Section, path: string, seen = new Set<string>()): Generator<Section> {
  if (seen.has(section.title)) return;
  seen.add(section.title);
  yield section;
  for (const [key, written] of Object.entries(resolved(section.part).properties ?? {})) {
    const title = titleOf(`${path}${key}`, written);
    for (const [inner, suffix] of innerParts(written)) {
      yield* sectionsOf({ title: `${title}${suffix}`, part: inner }, `${title}${suffix}.`, seen);
    }
  }
}

/** The parts under a key that have keys: itself, the values of its names, its items. */
function innerParts(written: Schema): [Schema, string][] {
  const { properties, additionalProperties: others, items } = resolved(written);
  const parts: [Schema, string][] = [];
  if (properties) parts.push([written, ""]);
  if (typeof others === "object" && resolved(others).properties) parts.push([others, ".NAME"]);
  if (items && resolved(items).properties) parts.push([items, "[]"]);
  return parts;
}

function titleOf(path: string, written: Schema): string {
  if (written.$ref === "#/definitions/action") return "action";
  // All hooks have one long form; that of the first one, a host's, has all that there is.
  if (resolved(written).properties && resolved(written).type?.includes("string")) return "hooks.HOOK";
  return SHARED.get(written.$ref ?? "") ?? path;
}

function sectionText({ title, part }: Section): string {
  const { description, properties = {} } =
    title === "hooks.HOOK" ? { ...resolved(part), description: HOOK } : resolved(part);
  const keys = Object.entries(properties).map(([key, written]) => keyText(key, written, title));
  const heading = title === "The plan" ? "Keys of the plan" : `Keys of \`${title}\``;
  return `## ${heading}\n\n${inMarkdown(description ?? "")}\n\n${keys.join("\n")}`;
}

function keyText(key: string, written: Schema, section: string): string {
  const part = resolved(written);
  const facts = [kindOf(part)];
  if (part.default !== undefined) facts.push(`default \`${JSON.stringify(part.default).replaceAll('"', "")}\``);
  const example = part.examples?.at(-1);
  const lines = [`### \`${key}\``, "", facts.join(", "), "", inMarkdown(part.description ?? "")];
  const more = furtherSection(key, written, section);
  if (more !== undefined) lines.push("", more);
  if (example !== undefined) lines.push("", "```yaml", stringify({ [key]: example }, YAML_STYLE).trimEnd(), "```");
  return `${lines.join("\n")}\n`;
}

const YAML_STYLE = { nullStr: "", lineWidth: 100, flowCollectionPadding: true } as const;

const HOOK = "The long form of a hook. Hooks of the rollout and on_failure run on the controller only.";

/** The kind of value, in a user's words. */
function kindOf(part: Schema): string {
  const { type = [], enum: allowed, items, errorMessage = "", anyOf } = part;
  if (allowed) return allowed.map((value) => `\`${String(value)}\``).join(" or ");
  const types = [type].flat();
  if (anyOf && types.includes("string")) return "a duration or `ask`";
  if (types.includes("boolean")) return "`true` or `false`";
  if (types.includes("array") && types.includes("string") && types.includes("object"))
    return "a text, a list of texts and of maps with one key, or a map";
  if (types.includes("array") && types.includes("string") && items)
    return types.includes("integer") ? "a number, a percentage or a list of them" : "a text or a list of texts";
  if (types.includes("array")) return "a list";
  if (part.properties?.["signal"]) return "`restart` or `start` or `stop` or `update`, or a map with `signal`";
  if (types.includes("object")) return types.includes("string") ? "a text, or a map with `command` and `run`" : "a map";
  if (errorMessage.includes("duration")) return "a duration";
  if (types.includes("integer")) return types.includes("string") ? "a number or a percentage" : "a number";
  return "a text";
}

function furtherSection(key: string, written: Schema, section: string): string | undefined {
  const title = titleOf(section === "The plan" ? key : `${section}.${key}`, written);
  const [inner] = innerParts(written);
  return inner && `See [\`${title}${inner[1]}\`](#${anchorOf(`Keys of ${title}${inner[1]}`)}).`;
}

/** As GitHub makes anchors of headings. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

/** Keeps `{vars.NAME}` and the like readable, and stars from making text slanted. */
function inMarkdown(description: string): string {
  return description.replace(/\$?\{[^}]*\}/g, "`$&`").replaceAll("*", "\\*");
}

const INTRODUCTION = `# The plan, key by key

This file is generated from \`schemas/plan.schema.json\`; the descriptions are those that an editor shows.

A plan is YAML 1.2 with merge keys (\`<<: *name\`). Durations are \`500ms\`, \`5s\`, \`1m30s\`, \`2h\`. A quantity is a
whole number or a percentage. Percentages of batches round down but are at least 1, those of \`min_healthy\` round up, and
those of failures and unreachable hosts round down. [Errors in a plan](plan-errors.md) explains each message and its code.

**Hosts** are named one by one or as node sets, \`web-[01-08]\` and \`rack-[1,3,5-7]\`. Groups select them by names, node
sets, globs, \`@group\` and \`!exclusion\`, in the order as written.

**Programs** are names, globs and \`!exclusion\` as well: an exclusion takes from what stands before it. On a host they come
in the order of the list, and each must be there: hosts with other programs are a group with its own \`programs\`, in
place of the plan's. An instance has the settings of the first that names it. A setting comes from the program, else
the host, else the group, else the plan.

**Extending.** Maps are merged key by key; lists and single values are replaced. A key with nothing after it, or an empty
map, changes nothing. \`null\` (or \`~\`) takes an inherited key away: a setting, a hook, a list of checks, a group, a host,
also one host of an inherited node set. On a group, host or program it also means no hook, or no checks, whatever the plan has. Other files of
the plan may still name a host or group that was taken away. Hosts and groups of the extended plan come first. An error
names the file in which its value stands, or the \`null\` because of which it is missing. A glob or node set that matches no host
is a warning, and a group without hosts makes no wave; the name of a host that is not there is an error.

**The environment.** \`\${NAME}\` and \`\${NAME:-default}\` stand for environment variables in all values, not in keys;
an empty variable takes the default too. \`$\${\` is the text \`\${\`. In checks and hooks, references are resolved only when
the check or hook runs, so that no secret gets into a journal. Their values are data there: one word, or a part of the
quotes around them, never code.

**Placeholders** work in checks and hooks and, as far as they are about a host (\`{host}\`, \`{address}\`, \`{vars.NAME}\`), in
\`address\`, \`ssh.user\`, \`supervisor.command\`, \`supervisor.config\` and \`supervisor.server_url\`; elsewhere they are an error. A
host has one way onto it in all waves, so there the variables are those of the plan, of all its groups and its own.

In checks and hooks: \`{host}\` \`{address}\` \`{program}\` \`{instance}\` \`{process}\` \`{number}\` (the
digits at the end of the process's name) and \`{vars.NAME}\`; in \`on_failure\` also \`{reason}\`. \`{pid}\` is the current
process: in before_restart the one to be restarted, in checks and after_healthy the new one. There \`{old_pid}\` is the
process that it replaced. Both are empty where there is no process. Placeholders are quoted for the shell, so quotes
around them are an error: end the quotes before them. Within \`"$( )"\` they stand outside of the quotes around it.
In http and tcp checks they are URL-encoded. \`{{host}}\` is the text
\`{host}\`; braces around anything but one name (\`{a,b}\`, \`{}\`, \`{{.State}}\`, JSON) are text. before_host and
after_host are about a whole host and have \`{host}\`, \`{address}\` and \`{vars.NAME}\`; before_wave, before_batch,
after_batch and after_wave are about several and have \`{wave}\` (the name of its group), \`{hosts}\` (as few node sets as stand for
them), \`{hosts_list}\` (their names, one word each) and \`{vars.NAME}\` of the plan and the group; before_rollout and after_rollout
have none. Hooks find the same values in their environment, as ORCHESTRATE_HOST, ORCHESTRATE_OLD_PID,
ORCHESTRATE_VARS_NAME and so on.

`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(REFERENCE_FILE, planReference());
