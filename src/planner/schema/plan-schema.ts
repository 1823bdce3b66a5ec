import schema from "../../../schemas/plan.schema.json" with { type: "json" };
import type { Path } from "../text/path.ts";
import type { LimitKey, RawLock, RawQuantity, TimingKey } from "./raw-plan.ts";

/** What is read of the plan's JSON schema besides validating by it. */
export interface Schema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** What to say of a value that does not fit. */
  readonly errorMessage?: string;
  /** Likewise where a map is wanted, whose keys have messages of their own. */
  readonly kindMessage?: string;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly anyOf?: readonly Schema[];
  readonly propertyNames?: Schema;
  readonly items?: Schema;
}

/** The schema itself, for the validator. */
export const planSchema = schema;

/** A part of the schema with what it refers to; what stands beside a reference is nearer. */
export function resolved(part: Schema): Schema {
  if (part.$ref === undefined) return part;
  const keys = part.$ref.replace("#/", "").split("/");
  const target = keys.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], schema);
  return { ...resolved(target as Schema), ...part };
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
 * The defaults of a section as a plan would write them. The schema is where they stand; ajv does not fill them in,
 * as that would put the defaults onto each group and host, where they would hide what the plan says.
 */
export function defaultsOf<Section extends keyof Defaults>(section: Section): Defaults[Section] {
  const entries = Object.entries(schemaAt([section])?.properties ?? {});
  return Object.fromEntries(
    entries.flatMap(([key, part]) => (part.default === undefined ? [] : [[key, part.default]])),
  ) as unknown as Defaults[Section];
}
