import type { PlanDocument } from "./document.ts";
import type { Findings } from "./findings.ts";
import { didYouMean, nearest } from "./nearest.ts";
import { pointersOfReferences, REFERENCE_REFUSED, refusalOfKey, refusalOfValue } from "./not-built-yet.ts";
import { childPointer, lastKey, pathOfPointer, type Path } from "./path.ts";
import { propertiesOf, type Schema } from "./plan-schema.ts";
import { violationsOf } from "./validator.ts";

/**
 * What cannot be read on: the JSON pointer of a value, and the key that it stands for.
 * That is its own key, the one that was probably meant for a misspelt one, and none for a key that is not known.
 */
export type Refused = ReadonlyMap<string, string | undefined>;

/** Tells every difference from the schema, at most one for each value. */
export function judgeBySchema(document: PlanDocument, findings: Findings): Refused {
  const refused = new Map<string, string | undefined>();
  const path = (pointer: string) => pathOfPointer(pointer, document.data);
  for (const pointer of pointersOfReferences(document.data)) {
    findings.atValue(path(pointer), REFERENCE_REFUSED);
    refused.set(pointer, lastKey(pointer));
  }
  const violations = violationsOf(document.data);
  const meant = new Set<string>();
  for (const { keyword, instancePath, params, parentSchema } of violations) {
    if (keyword !== "additionalProperties") continue;
    const key = String(params["additionalProperty"]);
    const near = tellUnknownKey([...path(instancePath), key], parentSchema as Schema, findings);
    refused.set(childPointer(instancePath, key), near);
    if (near !== undefined) meant.add(childPointer(instancePath, near));
  }
  for (const { keyword, instancePath, params, parentSchema, data } of violations) {
    if (keyword === "required") {
      const missing = String(params["missingProperty"]);
      if (!meant.has(childPointer(instancePath, missing))) tellMissingKey(path(instancePath), missing, findings);
    } else if (keyword !== "additionalProperties" && !refused.has(instancePath)) {
      tellWrongValue(path(instancePath), data, parentSchema as Schema, findings);
      refused.set(instancePath, lastKey(instancePath));
    }
  }
  return refused;
}

/** The data again, where what was refused is undefined: known to stand there, and nothing known of it. */
export function withoutRefused(data: unknown, refused: Refused, pointer = ""): unknown {
  if (refused.has(pointer)) return undefined;
  if (refused.size === 0 || typeof data !== "object" || data === null) return data;
  if (Array.isArray(data)) return data.map((item, index) => withoutRefused(item, refused, childPointer(pointer, String(index))));
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(data)) {
    const child = childPointer(pointer, key);
    const standsFor = refused.get(child);
    if (standsFor !== undefined) copy[standsFor] ??= undefined;
    else if (!refused.has(child)) copy[key] = withoutRefused(value, refused, child);
  }
  return copy;
}

/** Returns the key that was probably meant, if one is near. */
function tellUnknownKey(path: Path, schema: Schema, findings: Findings): string | undefined {
  const refusal = refusalOfKey(path);
  if (refusal !== undefined) {
    findings.atKey(path, refusal);
    return undefined;
  }
  const key = String(path.at(-1));
  const known = propertiesOf(schema);
  const near = nearest(key, Object.keys(known));
  const likely = near ?? inSection(key, known);
  const suggestion = likely === undefined ? `known here: ${Object.keys(known).join(", ")}` : `did you mean ${JSON.stringify(likely)}?`;
  findings.atKey(path, "unknown key", suggestion);
  return near;
}

/** Finds a key that belongs one level deeper: `port` on a host is `ssh.port`. */
function inSection(key: string, known: Readonly<Record<string, Schema>>): string | undefined {
  const section = Object.keys(known).find((name) => Object.hasOwn(propertiesOf(known[name] ?? {}), key));
  return section && `${section}.${key}`;
}

function tellMissingKey(path: Path, key: string, findings: Findings): void {
  findings.atKey(path, path.length === 0 ? `the plan has no ${JSON.stringify(key)}` : `must have the key ${JSON.stringify(key)}`);
}

function tellWrongValue(path: Path, value: unknown, schema: Schema, findings: Findings): void {
  const refusal = refusalOfValue(path, value);
  if (refusal === undefined) findings.atValue(path, schema.errorMessage ?? "is not what belongs here", likelyMeant(value, schema));
  else findings.atValue(path, refusal);
}

/** What a value of the wrong kind or form was probably meant to be. */
function likelyMeant(value: unknown, schema: Schema): string | undefined {
  const fits = (text: string) => schema.pattern !== undefined && new RegExp(schema.pattern, "u").test(text);
  if (typeof value === "number") {
    if (fits(String(value))) return `did you mean "${value}", in quotes?`;
    return fits(`${value}s`) ? `did you mean "${value}s"?` : undefined;
  }
  if (typeof value !== "string") return undefined;
  if (schema.type === "boolean" && /^(yes|on|true)$/i.test(value)) return "did you mean true?";
  if (schema.type === "boolean" && /^(no|off|false)$/i.test(value)) return "did you mean false?";
  const number = schema.type === "integer" ? /^\d+$/.test(value) : schema.enum?.some((allowed) => typeof allowed === "number" && String(allowed) === value);
  if (number) return `did you mean ${value}, without quotes?`;
  const compact = value.replaceAll(" ", "").toLowerCase();
  // `1m 30s` and `mail: *`, but not two words.
  if ((/^\d/.test(value) || !/\w \w/.test(value)) && fits(compact)) return `did you mean ${JSON.stringify(compact)}?`;
  return didYouMean(value, (schema.enum ?? []).filter((allowed) => typeof allowed === "string"));
}
