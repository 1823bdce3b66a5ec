import { LineCounter } from "yaml";
import { composeData, isPlainMap, type Offsets, type Origin, type Origins, type RangeOf } from "../text/compose.ts";
import type { Diagnostic, SourceRange } from "../text/diagnostic.ts";
import type { PlanDocument } from "../text/document.ts";
import { mergeData } from "../text/merge.ts";
import { formatPath } from "../text/path.ts";
import { parseYaml } from "../text/yaml-text.ts";

/** Where errors of the command line's settings are shown; their lines are the settings, in order. */
const FILE = "--set";

/** One part of a key: a name, a name in brackets and quotes, or an index. */
const PART = /(?:^|\.)([^.=[\]"\s]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]/y;

/**
 * Merges settings of the command line, each `KEY=VALUE` with a path as key and YAML as value, over a plan's document as
 * a plan over the one that it extends. Errors in them are at their own text.
 */
export function withSettings(
  document: PlanDocument,
  settings: readonly string[],
): { readonly document: PlanDocument; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  let data = document.data;
  for (const [index, text] of settings.entries()) {
    const read = readSetting(text, index, document.origins);
    if ("problem" in read) diagnostics.push(read.problem);
    else if (isPlainMap(data)) data = mergeData(data, read.data, document.origins);
  }
  const extending = settings.length === 0 ? document.extending : new Set([...document.extending, FILE]);
  return { document: document.with(data, extending), diagnostics };
}

type Setting = { readonly data: unknown } | { readonly problem: Diagnostic };

/** The data of a whole plan that has nothing but this key. */
function readSetting(text: string, index: number, origins: Origins): Setting {
  const rangeOf: RangeOf = ([start, end]) => rangeIn(text, index, start, end);
  const fault = (message: string, offsets: Offsets = [0, text.length], suggestion?: string): Setting => ({
    problem: {
      ...rangeOf(offsets),
      code: "invalid_setting",
      path: "",
      message,
      ...(suggestion !== undefined && { suggestion }),
    },
  });
  const parts = partsOf(text);
  const end = parts.at(-1)?.end ?? 0;
  const indexed = parts.find(({ isIndex }) => isIndex);
  const first = parts[0];
  if (!first || text[end] !== "=")
    return fault(
      "a setting is KEY=VALUE",
      undefined,
      'such as batches.hosts=50%, checks="[{tcp: 8080}]" or hosts["web-1.example.com"].address=10.0.0.1',
    );
  if (indexed)
    return fault(
      "a list is set as a whole",
      [indexed.start, indexed.end],
      "write all of its items: programs='[web, api]'",
    );
  if (first.key === "extends") return fault("extends cannot be set", [first.start, first.end]);
  const value = readValue(text, end + 1, rangeOf, origins);
  if ("problem" in value)
    return fault(
      value.problem,
      [end + 1, text.length],
      `the value is YAML: a text with special characters needs quotes within those of the shell, as in '${text.slice(0, end)}="..."'`,
    );
  let data = value.data;
  let isNull = value.isNull;
  for (const { key, start, end: keyEnd } of [...parts].reverse()) {
    const map = Object.assign(Object.create(null) as object, { [key]: data });
    const origin: Origin = { rangeOf, key: [start, keyEnd], value: [end + 1, text.length], ...(isNull && { isNull }) };
    origins.set(map, new Map([[key, origin]]));
    data = map;
    isNull = false;
  }
  return { data };
}

interface Part {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly isIndex: boolean;
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let start = 0;
  for (;;) {
    PART.lastIndex = start;
    const found = PART.exec(text);
    if (!found) return parts;
    const [whole, name, quoted, number] = found;
    const end = start + whole.length;
    const key = name ?? quoted?.replace(/\\(.)/g, "$1") ?? number ?? "";
    parts.push({ key, start: name === undefined ? start : end - name.length, end, isIndex: number !== undefined });
    start = end;
  }
}

function readValue(
  text: string,
  start: number,
  rangeOf: RangeOf,
  origins: Origins,
): { readonly data: unknown; readonly isNull: boolean } | { readonly problem: string } {
  const value = text.slice(start);
  if (value.trim() === "") return { problem: "it has no value; null takes the key away" };
  const parsed = parseYaml(value, new LineCounter());
  if ("tooDeepAt" in parsed) return { problem: "lists or maps are nested too deeply for a plan" };
  if (parsed.document.errors.length > 0 || parsed.secondAt !== undefined)
    return { problem: "the value is not understood" };
  const shifted: RangeOf = ([from, to]) => rangeOf([start + from, start + to]);
  const { data, problems } = composeData(parsed.document.contents, shifted, origins);
  const [problem] = problems;
  if (problem)
    return { problem: `${formatPath(problem.path)}${problem.path.length > 0 ? ": " : ""}${problem.message}` };
  return { data, isNull: data === null };
}

/** All of a setting is one line, whatever it holds. */
function rangeIn(text: string, index: number, start: number, end: number): SourceRange {
  const sourceLine = text.replace(/\s/g, " ");
  return { file: FILE, line: index + 1, column: start + 1, endLine: index + 1, endColumn: end + 1, sourceLine };
}
