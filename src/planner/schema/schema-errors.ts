import type { ErrorObject } from "ajv";
import { isPlainMap } from "../text/compose.ts";
import type { Fault } from "../text/diagnostic.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Findings } from "../text/findings.ts";
import { didYouMean, nearest } from "./nearest.ts";
import { childPointer, lastKey, pathOfPointer, type Path } from "../text/path.ts";
import { propertiesOf, resolved, type Schema } from "./plan-schema.ts";
import type { ReferenceFault } from "./references.ts";
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
  const violations = violationsOf(document.data);
  const path = (pointer: string) => pathOfPointer(pointer, document.data);
  const meant = reportUnknownKeys(violations, path, refused, findings);
  // Settings that stand beside a program's name, and not under it, read as further programs.
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
      findings.atKey([...path(instancePath), name], { code: "invalid_key", message });
      refused.set(childPointer(instancePath, name), undefined);
    } else if (keyword === "minProperties" && document.keysTakenAwayAt(path(instancePath)).length > 0) {
      const key = document.keysTakenAwayAt(path(instancePath)).at(-1) ?? "";
      findings.atValue([...path(instancePath), key], nothingLeft(lastKey(instancePath)));
      refused.set(instancePath, lastKey(instancePath));
    } else if (!refused.has(instancePath)) {
      const misspelt = keyword === "oneOf" && [...meant].some((pointer) => pointer.startsWith(`${instancePath}/`));
      if (!misspelt) findings.atValue(path(instancePath), invalidValue(data, resolved(parentSchema as Schema)));
      refused.set(instancePath, lastKey(instancePath));
    }
  }
  return refused;
}

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

/** Returns the key that was probably meant, if one is similar. */
function reportUnknownKey(path: Path, schema: Schema, findings: Findings): string | undefined {
  const key = String(path.at(-1));
  const known = propertiesOf(schema);
  const near = nearest(key, Object.keys(known));
  const likely = near ?? inSection(key, known);
  const suggestion =
    likely === undefined ? `known here: ${Object.keys(known).join(", ")}` : `did you mean ${JSON.stringify(likely)}?`;
  findings.atKey(path, { code: "unknown_key", message: "unknown key", suggestion });
  return near;
}

/** Finds a key that belongs one level deeper: `port` on a host is `ssh.port`. */
function inSection(key: string, known: Readonly<Record<string, Schema>>): string | undefined {
  const section = Object.keys(known).find((name) => Object.hasOwn(propertiesOf(known[name] ?? {}), key));
  return section && `${section}.${key}`;
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

function invalidValue(value: unknown, schema: Schema): Fault {
  const message = isPlainMap(value) ? (schema.kindMessage ?? errorMessageOf(schema)) : errorMessageOf(schema);
  return { code: "invalid_value", message, suggestion: likelyMeant(value, schema) };
}

function errorMessageOf({ errorMessage, kindMessage }: Schema): string {
  return errorMessage ?? kindMessage ?? "is not valid here";
}

/** What a value of the wrong kind or form was probably meant to be. */
function likelyMeant(value: unknown, { anyOf = [], ...own }: Schema): string | undefined {
  const schema = anyOf.reduce<Schema>((all, branch) => ({ ...all, ...resolved(branch) }), own);
  const outOfBounds = boundOf(value, schema);
  if (outOfBounds !== undefined) return outOfBounds;
  const fits = (text: string) => schema.pattern !== undefined && new RegExp(schema.pattern, "u").test(text);
  if (typeof value === "number") {
    if (fits(String(value))) return `did you mean "${value}", in quotes?`;
    return fits(`${value}s`) ? `did you mean "${value}s"?` : undefined;
  }
  if (typeof value !== "string") return undefined;
  if (schema.type === "boolean" && /^(yes|on|true)$/i.test(value)) return "did you mean true?";
  if (schema.type === "boolean" && /^(no|off|false)$/i.test(value)) return "did you mean false?";
  const number =
    schema.type === "integer"
      ? /^\d+$/.test(value)
      : schema.enum?.some((allowed) => typeof allowed === "number" && String(allowed) === value);
  if (number) return `did you mean ${value}, without quotes?`;
  const compact = value.replaceAll(" ", "").toLowerCase();
  // `1m 30s` and `mail: *`, but not two words.
  if ((/^\d/.test(value) || !/\w \w/.test(value)) && fits(compact)) return `did you mean ${JSON.stringify(compact)}?`;
  return didYouMean(
    value,
    (schema.enum ?? []).filter((allowed) => typeof allowed === "string"),
  );
}

/** Of a quantity that is too small or too large, how far it may go. */
function boundOf(value: unknown, { pattern, minimum }: Schema): string | undefined {
  const percent = typeof value === "string" ? /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1] : undefined;
  if (percent !== undefined && pattern?.includes("100") && Number(percent) > 100) return "a percentage is 100% at most";
  const tooSmall =
    typeof value === "number" ? minimum !== undefined && value < minimum : percent !== undefined && Number(percent) < 1;
  return tooSmall && pattern?.includes("%") ? `${minimum}${percent === undefined ? "" : "%"} is the least` : undefined;
}
