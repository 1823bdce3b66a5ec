import type { ErrorObject } from "ajv";
import { validatePlan } from "./compiled-schema.ts";

/** Everything in which a plan's data differs from the schema; each error carries the part of the schema that failed. */
export function violationsOf(data: unknown): readonly ErrorObject[] {
  return validatePlan(data) ? [] : (validatePlan.errors ?? []);
}
