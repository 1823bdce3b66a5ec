import schema from "../../../schemas/plan.schema.json" with { type: "json" };
import type { Path } from "../text/path.ts";
import type { LimitKey, RawLock, RawQuantity, TimingKey } from "./raw-plan.ts";

/** The parts of the plan's JSON schema that are read, apart from validation. */
export interface Schema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** The message for a value that does not fit. */
  readonly errorMessage?: string;
  /** The message for a value that is not a map, if the keys of the map have messages of their own. */
  readonly kindMessage?: string;
  /** `null` takes an inherited value away; by itself it is no value. */
  readonly takesAway?: boolean;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly anyOf?: readonly Schema[];
  readonly propertyNames?: Schema;
  readonly items?: Schema;
}

/** The schema itself, for the validator. */
export const planSchema = schema;

/** A part of the schema with what it refers to; keys next to a reference override it. */
export function resolved(part: Schema): Schema {
  if (part.$ref === undefined) return withoutNull(part);
  const keys = part.$ref.replace("#/", "").split("/");
  const target = keys.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], schema);
  return { ...resolved(target as Schema), ...part };
}

/** A part without the `null` that takes an inherited value away, as if it were no value. */
function withoutNull(part: Schema): Schema {
  if (part.takesAway !== true) return part;
  const kinds = [part.type ?? []].flat().filter((kind) => kind !== "null");
  const [kind] = kinds;
  return {
    ...part,
    ...(part.enum && { enum: part.enum.filter((value) => value !== null) }),
    ...(kind !== undefined && { type: kinds.length === 1 ? kind : kinds }),
  };
}

/** The keys of a part of the schema. */
export function propertiesOf(part: Schema): Readonly<Record<string, Schema>> {
  return resolved(part).properties ?? {};
}

/** The part of the schema that is for the value at a path of a plan, if there is one. */
export function schemaAt(path: Path): Schema | undefined {
  return path.reduce<Schema | undefined>((part, key) => {
    if (part === undefined) return undefined;
    const { items, additionalProperties: others } = part;
    const own = typeof key === "number" ? items : propertiesOf(part)[key];
    const child = own ?? (typeof key === "string" && typeof others === "object" ? others : undefined);
    return child && resolved(child);
  }, schema as Schema);
}

/** The defaults that the schema gives, by section. */
export interface Defaults {
  readonly supervisor: { readonly command: string; readonly sudo: boolean };
  readonly timings: Readonly<Record<TimingKey, string>>;
  readonly batches: {
    readonly hosts: RawQuantity;
    readonly instances: RawQuantity;
    readonly mode: "lockstep" | "sliding";
  };
  readonly limits: Readonly<Record<LimitKey, RawQuantity>>;
  readonly lock: Required<{ readonly [Key in keyof RawLock]: NonNullable<RawLock[Key]> }>;
}

/**
 * The defaults of a section as a plan would write them. They stand in the schema; ajv does not fill them in, as
 * it would add them to each group and host, where they would hide the plan's own values.
 */
export function defaultsOf<Section extends keyof Defaults>(section: Section): Defaults[Section] {
  const entries = Object.entries(schemaAt([section])?.properties ?? {});
  return Object.fromEntries(
    entries.flatMap(([key, part]) => (part.default === undefined ? [] : [[key, part.default]])),
  ) as unknown as Defaults[Section];
}
