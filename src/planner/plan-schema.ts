import schema from "../../schemas/plan.schema.json" with { type: "json" };

/** What is read of the plan's JSON schema besides validating by it. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly pattern?: string;
  /** What to say of a value that does not fit. */
  readonly errorMessage?: string;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** The schema itself, for the validator. */
export const planSchema = schema;

const definitions: Readonly<Record<string, Schema>> = schema.definitions;

/** The keys of a part of the schema, through its reference. */
export function propertiesOf(part: Schema): Readonly<Record<string, Schema>> {
  return part.properties ?? definitions[part.$ref?.replace("#/definitions/", "") ?? ""]?.properties ?? {};
}

/**
 * The defaults of a section as a plan would write them. The schema is where they stand; ajv does not fill them in,
 * as that would put the defaults onto each group and host, where they would hide what the plan says.
 */
export function defaultsOf<Section>(section: "ssh" | "supervisor" | "timings" | "batches"): Section {
  const entries = Object.entries(definitions[section]?.properties ?? {});
  return Object.fromEntries(entries.flatMap(([key, part]) => (part.default === undefined ? [] : [[key, part.default]]))) as Section;
}
