import type { ErrorObject } from "ajv";
import { isPlainMap } from "../text/compose.ts";
import type { Fault } from "../text/diagnostic.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import { keyMeant } from "./key-suggestions.ts";
import { childPointer, lastKey, pathOfPointer, type Path } from "../text/path.ts";
import { planSchema, propertiesOf, resolved, type Schema } from "./plan-schema.ts";
import type { ReferenceFault } from "./references.ts";
import { valueMeant } from "./value-suggestions.ts";
import { validatePlan } from "./compiled-schema.ts";

/**
 * Values that are not read further: the JSON pointer of each, and the key that it stands for. That is its own key; for a
 * misspelt key, the one that was probably meant; for an unknown key, none.
 */
export type Refused = ReadonlyMap<string, string | undefined>;

/**
 * Reports every difference from the schema, at most one for each value.
 * @param faults values whose variables are not set
 */
export function judgeBySchema(document: PlanDocument, faults: readonly ReferenceFault[], findings: Findings): Refused {
  const refused = new Map<string, string | undefined>();
  for (const { pointer, path, code, message, suggestion } of faults) {
    findings.atValue(path, { code, message, suggestion });
    refused.set(pointer, lastKey(pointer));
  }
  const path = (pointer: string) => pathOfPointer(pointer, document.data);
  const violations = violationsOf(document.data).filter(
    ({ instancePath }) => !isKeyOfHost(path(instancePath), document, refused, findings),
  );
  const meant = reportUnknownKeys(violations, path, refused, findings);
  // Settings that stand next to a program's name, and not under it, read as further programs.
  const tooMany = violations.filter(({ keyword }) => keyword === "maxProperties").map((one) => `${one.instancePath}/`);
  for (const violation of violations) {
    const { keyword, instancePath, params, parentSchema, data } = violation;
    // Branches of a choice are skipped, as the choice itself is reported; a plan without hosts is reported elsewhere.
    if (keyword === "additionalProperties" || violation.propertyName !== undefined || isBranch(violation)) continue;
    // Inside of "takesAway", which is reported itself.
    if (keyword === "not") continue;
    if (tooMany.some((pointer) => instancePath.startsWith(pointer))) continue;
    if (keyword === "required") {
      const missing = String(params["missingProperty"]);
      if (!meant.has(childPointer(instancePath, missing)))
        findings.atMissing(path(instancePath), missing, missingKey(missing));
    } else if (keyword === "propertyNames") {
      const name = String(params["propertyName"]);
      const message = errorMessageOf((parentSchema as Schema).propertyNames ?? {});
      const fits = name.replace(/[^A-Za-z0-9_]/g, "_");
      const suggestion = fits === name || /^\d/.test(fits) ? undefined : `did you mean ${JSON.stringify(fits)}?`;
      findings.atKey([...path(instancePath), name], { code: "invalid_key", message, suggestion });
      refused.set(childPointer(instancePath, name), undefined);
    } else if (keyword === "minProperties" && document.keysTakenAwayAt(path(instancePath)).length > 0) {
      const key = document.keysTakenAwayAt(path(instancePath)).at(-1) ?? "";
      findings.atValue([...path(instancePath), key], nothingLeft(lastKey(instancePath)));
      refused.set(instancePath, lastKey(instancePath));
    } else if (!refused.has(instancePath)) {
      const misspelt = keyword === "oneOf" && [...meant].some((pointer) => pointer.startsWith(`${instancePath}/`));
      if (!misspelt) {
        const at = path(instancePath);
        findings.atValue(at, invalidValue(data, at, resolved(parentSchema as Schema)));
      }
      refused.set(instancePath, lastKey(instancePath));
    }
  }
  return refused;
}

/** Reports a setting of a host that is indented like a host; true for all that is wrong with it. */
function isKeyOfHost(path: Path, document: PlanDocument, refused: Map<string, string | undefined>, findings: Findings) {
  const [section, key] = path;
  if (section !== "hosts" || typeof key !== "string" || !Object.hasOwn(HOST_KEYS, key)) return false;
  const hosts = document.keysAt(["hosts"]);
  const host = hosts.slice(0, hosts.indexOf(key)).findLast((name) => !Object.hasOwn(HOST_KEYS, name));
  if (host === undefined) return false;
  const pointer = childPointer("/hosts", key);
  if (!refused.has(pointer))
    findings.atKey(["hosts", key], {
      code: "invalid_host_name",
      message: "a setting of a host is indented like a host",
      suggestion: `indent it further, to be under ${JSON.stringify(host)}`,
    });
  refused.set(pointer, undefined);
  return true;
}

const HOST_KEYS = propertiesOf(planSchema.definitions.host);

/** Everything in which a plan's data differs from the schema; each error has the part of the schema that failed. */
export function violationsOf(data: unknown): readonly ErrorObject[] {
  return validatePlan(data) ? [] : (validatePlan.errors ?? []);
}

/** Reports keys that the schema does not have. Returns the pointers of the keys that were probably meant. */
function reportUnknownKeys(
  violations: readonly ErrorObject[],
  pathOf: (pointer: string) => Path,
  refused: Map<string, string | undefined>,
  findings: Findings,
): ReadonlySet<string> {
  const meant = new Set<string>();
  for (const { keyword, instancePath, params, parentSchema } of violations) {
    if (keyword !== "additionalProperties") continue;
    const key = String(params["additionalProperty"]);
    const path = [...pathOf(instancePath), key];
    const near = reportUnknownKey(path, parentSchema as Schema, findings);
    refused.set(childPointer(instancePath, key), near);
    if (near !== undefined) meant.add(childPointer(instancePath, near));
  }
  return meant;
}

/** Whether an error is about one of several forms of a value, or about the plan's own choice (hosts or extends). */
function isBranch({ keyword, instancePath, schemaPath }: ErrorObject): boolean {
  return /\/(?:oneOf|anyOf)\/\d+\//.test(schemaPath) || (keyword === "anyOf" && instancePath === "");
}

/** The data with undefined in place of refused values: the keys are there, but nothing is known about them. */
export function withoutRefused(data: unknown, refused: Refused, pointer = ""): unknown {
  if (refused.has(pointer)) return undefined;
  if (refused.size === 0 || typeof data !== "object" || data === null) return data;
  if (Array.isArray(data))
    return data.map((item, index) => withoutRefused(item, refused, childPointer(pointer, String(index))));
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(data)) {
    const child = childPointer(pointer, key);
    const standsFor = refused.get(child);
    if (standsFor !== undefined) copy[standsFor] ??= undefined;
    else if (!refused.has(child)) copy[key] = withoutRefused(value, refused, child);
  }
  return copy;
}

/** Returns the key that was probably meant, if it is one of the same map. */
function reportUnknownKey(path: Path, schema: Schema, findings: Findings): string | undefined {
  const { key, suggestion } = keyMeant(path, propertiesOf(schema));
  findings.atKey(path, { code: "unknown_key", message: "unknown key", suggestion });
  return key;
}

/** A key that must be there and is not. */
export function missingKey(key: string): Fault {
  return { code: "missing_key", message: `must have the key ${JSON.stringify(key)}` };
}

/** Of a map that needs something, and of which `null` has taken everything away. */
export function nothingLeft(of: string): Fault {
  return {
    code: "nothing_left",
    message: `null takes the last of the ${of} away`,
    suggestion: "leave one, or add others",
  };
}

function invalidValue(value: unknown, path: Path, schema: Schema): Fault {
  const message = isPlainMap(value) ? (schema.kindMessage ?? errorMessageOf(schema)) : errorMessageOf(schema);
  return { code: "invalid_value", message, suggestion: valueMeant(value, path, schema) };
}

function errorMessageOf({ errorMessage, kindMessage }: Schema): string {
  return errorMessage ?? kindMessage ?? "is not valid here";
}
