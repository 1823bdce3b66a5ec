import { Ajv, type ErrorObject } from "ajv";
import { planSchema } from "./plan-schema.ts";

/** Everything in which a plan's data differs from the schema; each error carries the part of the schema that failed. */
export function violationsOf(data: unknown): readonly ErrorObject[] {
  validate ??= compile();
  return validate(data) ? [] : (validate.errors ?? []);
}

let validate: ReturnType<typeof compile> | undefined;

function compile() {
  const ajv = new Ajv({ strict: true, allErrors: true, verbose: true, allowUnionTypes: true });
  // What to say when a value does not fit; editors know this keyword too.
  ajv.addKeyword({ keyword: "errorMessage", schemaType: "string" });
  return ajv.compile(planSchema);
}
