import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { EVENT_SCHEMA_FILE } from "../../scripts/event-schema.ts";

interface EventSchema {
  readonly properties: { readonly type: { readonly const?: string; readonly enum?: readonly string[] } };
}

const schema = JSON.parse(readFileSync(EVENT_SCHEMA_FILE, "utf8")) as { oneOf: EventSchema[]; definitions: object };

const ajv = new Ajv({ strict: true, strictRequired: false, validateFormats: false });

/** Readers pass over fields that they do not know; what we write ourselves has none that are not described. */
const { oneOf, definitions } = closed(schema) as typeof schema;

const validators = new Map(
  oneOf.flatMap((event) => {
    const { const: only, enum: several = [] } = event.properties.type;
    const validate = ajv.compile({ ...event, definitions });
    return (only === undefined ? several : [only]).map((type) => [type, validate] as const);
  }),
);

/** What is wrong with events, by the published schema. */
export function problemsOf(events: readonly unknown[]): unknown[] {
  return events.flatMap((event): unknown[] => {
    const validate = validators.get((event as { type: string }).type);
    if (!validate) return [{ event, errors: ["there is no such type"] }];
    return validate(event) ? [] : [{ event, errors: validate.errors }];
  });
}

function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed);
  if (typeof part !== "object" || part === null) return part;
  const copy = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, closed(value)]));
  return "properties" in part && !("additionalProperties" in part) ? { ...copy, additionalProperties: false } : copy;
}
