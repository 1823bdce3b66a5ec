/**
 * Writes docs/events.md from the events' JSON schema and the catalogue of failures: `tsx scripts/events-reference.ts`.
 * The schema itself is made from the types, so that none of the three can get stale.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT, HALTS, INSTANCE_FAILURES, REFUSALS } from "../src/domain/failures.ts";
import { EVENT_SCHEMA_FILE } from "./event-schema.ts";

export const EVENTS_FILE = join(import.meta.dirname, "..", "docs", "events.md");

interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly const?: string | number;
  readonly enum?: readonly string[];
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
}

type EventSchema = Schema & {
  readonly oneOf: readonly Schema[];
  readonly definitions: Readonly<Record<string, Schema>>;
};

type Catalogue = Readonly<Record<string, { readonly title: string; readonly remedy: string }>>;

/** The fields that every event has: described once. */
const COMMON = new Set(["v", "seq", "at", "rollout", "type"]);

/** What the introduction explains. */
const NAMES = new Set(["host", "program", "instance"]);

/** The whole page. */
export function eventsReference(): string {
  const schema = JSON.parse(readFileSync(EVENT_SCHEMA_FILE, "utf8")) as EventSchema;
  const common = Object.entries(schema.oneOf[0]?.properties ?? {}).filter(([key]) => COMMON.has(key));
  return [
    INTRODUCTION,
    ...common.filter(([key]) => key !== "type").map(([key, part]) => `- \`${key}\`: ${part.description ?? ""}`),
    "",
    "A `host` is called as the plan calls it, node sets expanded; a `program` is a Supervisor group, and an `instance` is",
    "`group:process` as Supervisor prints it, or `name` alone where both are called the same.",
    "",
    "## Types",
    ...schema.oneOf.flatMap((event) => ["", ...eventText(event)]),
    "",
    "## Parts",
    "",
    "What several events have, or what has parts of its own.",
    ...Object.entries(schema.definitions).flatMap(([name, part]) => ["", ...definitionText(name, part)]),
    "",
    CODES,
    "",
    "### Of an instance",
    "",
    "`instance.failed`, `rollout.asking`, and `rollout.halted` where that one was one too many. " +
      `Exit code ${EXIT.halted}.`,
    "",
    ...codesTable(INSTANCE_FAILURES),
    "",
    "### Of the rollout",
    "",
    `\`rollout.halted\`: it goes no further, though no instance has failed. Exit code ${EXIT.halted}.`,
    "",
    ...codesTable(HALTS),
    "",
    "### Before the first change",
    "",
    "`refusals` of `rollout.finished`, whose `outcome` is `refused`; `host.unreachable` has some of them too. " +
      `Exit code ${EXIT.refused}.`,
    "",
    ...codesTable(REFUSALS),
    "",
  ].join("\n");
}

function eventText({ description = "", properties = {}, required = [] }: Schema): string[] {
  const { type = {} } = properties;
  const names = type.enum ?? [String(type.const)];
  const own = Object.entries(properties).filter(([key]) => !COMMON.has(key));
  return [`### ${names.map((name) => `\`${name}\``).join(", ")}`, "", description, ...fieldLines(own, required)];
}

function definitionText(name: string, part: Schema): string[] {
  const lines = [`### ${name}`];
  if (part.description !== undefined) lines.push("", part.description);
  if (part.properties) return [...lines, ...fieldLines(Object.entries(part.properties), part.required ?? [])];
  return [...lines, "", ...(part.anyOf ? part.anyOf.map((one) => `- ${inlineText(one)}`) : [kindOf(part)])];
}

function fieldLines(fields: readonly (readonly [string, Schema])[], required: readonly string[]): string[] {
  if (fields.length === 0) return [];
  return ["", ...fields.map(([key, part]) => fieldLine(key, part, required.includes(key)))];
}

function fieldLine(key: string, part: Schema, isRequired: boolean): string {
  const facts = [kindOf(part), ...(isRequired ? [] : ["not always there"])];
  const isTold = part.description === undefined || NAMES.has(key);
  const description = isTold ? "" : `: ${part.description}`;
  return `- \`${key}\` (${facts.join(", ")})${description}`;
}

function kindOf(part: Schema): string {
  const reference = part.$ref ?? part.allOf?.[0]?.$ref;
  if (reference !== undefined) {
    const name = reference.replace("#/definitions/", "");
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (part.const !== undefined) return `\`${String(part.const)}\``;
  if (part.enum) return part.enum.map((value) => `\`${value}\``).join(" ");
  if (part.anyOf) return [...new Set(part.anyOf.map(kindOf))].join(" or ");
  if (part.items) return `list of ${kindOf(part.items)}`;
  if (part.additionalProperties) return `map of ${kindOf(part.additionalProperties)}`;
  return part.properties ? inlineText(part) : (part.type ?? "any");
}

function inlineText({ properties, ...rest }: Schema): string {
  if (!properties) return kindOf(rest);
  return `{ ${Object.entries(properties)
    .map(([key, part]) => `${key}: ${kindOf(part)}`)
    .join(", ")} }`;
}

function codesTable(catalogue: Catalogue): string[] {
  const rows = Object.entries(catalogue).map(
    ([code, { title, remedy }]) => `| \`${code}\` | ${title} | ${remedy.replaceAll("|", "\\|")} |`,
  );
  return ["| code | what it means | what to do |", "|---|---|---|", ...rows];
}

const INTRODUCTION = `# Events and codes

This file is generated from \`schemas/event.schema.json\` and \`src/domain/failures.ts\`.

\`orchestrate PLAN --output json\` prints one event per line, and nothing else, on stdout; a rollout's journal has the same
lines. Types and fields are only ever added: pass over those that you do not know. For example, all failures so far:

\`\`\`sh
orchestrate plans/prod.yaml --output json | jq -r 'select(.type == "instance.failed") | [.host, .instance, .code] | @tsv'
\`\`\`

With \`on_failure: revert\` one process may carry out two rollouts: the events of the one that has halted come first, up to its
\`rollout.finished\` (with \`revert: follows\`), then those of its revert, from \`rollout.reverting\` on. Each has its own
\`rollout\` and counts \`seq\` from 1, and each has its own journal. The exit code is that of the first.

Every event has
`;

const CODES = `## Codes

The report, the page, the events and the hook \`on_failure\` (in its \`{reason}\`, as words) use the same closed list. Codes
are part of the contract: they are never renamed.`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(EVENTS_FILE, eventsReference());
