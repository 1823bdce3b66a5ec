import schema from "../../schemas/plan.schema.json" with { type: "json" };
import type { TimingKey } from "./raw-plan.ts";

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

/** The defaults that the schema gives, by section. */
export interface Defaults {
  readonly ssh: { readonly connect_timeout: string };
  readonly supervisor: { readonly command: string; readonly sudo: boolean };
  readonly timings: Readonly<Record<TimingKey, string>>;
  readonly batches: { readonly hosts: number | string; readonly instances: number | string };
}

/**
 * The defaults of a section as a plan would write them. The schema is where they stand; ajv does not fill them in,
 * as that would put the defaults onto each group and host, where they would hide what the plan says.
 */
export function defaultsOf<Section extends keyof Defaults>(section: Section): Defaults[Section] {
  const entries = Object.entries(definitions[section]?.properties ?? {});
  return Object.fromEntries(entries.flatMap(([key, part]) => (part.default === undefined ? [] : [[key, part.default]]))) as unknown as Defaults[Section];
}
