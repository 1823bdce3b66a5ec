import { Ajv, type CodeOptions } from "ajv";
import { planSchema } from "./plan-schema.ts";

/** ajv as the plan's schema needs it. @param code for the build, which compiles the schema ahead of time */
export function createAjv(code: CodeOptions = {}): Ajv {
  const ajv = new Ajv({
    strict: true,
    strictRequired: false,
    allErrors: true,
    verbose: true,
    allowUnionTypes: true,
    // Compiled code is parsed at each start: nothing twice, and no words that nobody reads.
    inlineRefs: false,
    messages: false,
    code,
  });
  // What to say when a value does not fit; editors know this keyword too.
  ajv.addKeyword({ keyword: "errorMessage", schemaType: "string" });
  // The same for a value that is no map. Editors do not know this one: they would say it of a key that is not known.
  ajv.addKeyword({ keyword: "kindMessage", schemaType: "string" });
  // Editors accept `null`, which takes an inherited value away. One that remains after that is a wrong value.
  ajv.addKeyword({ keyword: "takesAway", schemaType: "boolean", macro: () => ({ not: { const: null } }) });
  return ajv;
}

/** Validates a plan's data. In the bundle this module is replaced by what the build has compiled: scripts/build.ts. */
export const validatePlan = createAjv().compile(planSchema);
