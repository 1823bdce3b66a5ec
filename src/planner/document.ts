import { LineCounter, parseDocument } from "yaml";
import { composeData, type Origin, type Origins } from "./compose.ts";
import { sortDiagnostics, type Diagnostic, type Place } from "./diagnostic.ts";
import { explainYamlError } from "./yaml-errors.ts";

/** The way from the plan down to a value: keys of maps, indexes of lists. */
export type Path = readonly (string | number)[];

/** A plan as plain data, which remembers where in its text each key and value stands. */
export interface PlanDocument {
  readonly data: unknown;
  /** The place of a value; an empty one has none, then its key's. What is missing is at the nearest thing around it. */
  placeOfValue(path: Path): Place;
  /** The place of the key, or of the list's item, that the path ends in. */
  placeOfKey(path: Path): Place;
  /** The keys of the map at a path in the order as written, which JavaScript does not keep for keys such as `10`. */
  keysAt(path: Path): string[];
}

/** Reads YAML 1.2 with merge keys. There is no document when its text cannot be made sense of. */
export function readDocument(file: string, text: string): { readonly document?: PlanDocument; readonly diagnostics: Diagnostic[] } {
  const lines = new LineCounter();
  const yaml = parseDocument(text, {
    version: "1.2",
    merge: true,
    stringKeys: true,
    // Told by composeData instead: in linear time, and with the name of the key.
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line, column: col, sourceLine: lineAt(text, lines, line) };
  };
  const errors: Diagnostic[] = [...yaml.errors, ...yaml.warnings].map((error) => ({
    ...placeAt(error.pos[0]),
    path: "",
    ...explainYamlError(error, text),
  }));
  if (yaml.errors.length === 0 && yaml.contents === null) {
    return { diagnostics: [{ file, path: "", message: "the plan is empty", suggestion: EMPTY_REMEDY }] };
  }
  if (yaml.directives.yaml.version !== "1.2") {
    errors.push({ ...placeAt(0), path: "", message: `a plan is YAML 1.2, not ${yaml.directives.yaml.version}`, suggestion: "take the %YAML line out" });
  }
  const { data, origins, problems } = composeData(yaml.contents);
  const told: Diagnostic[] = problems.map(({ offset, earlier, path, message, suggestion }) => ({
    ...placeAt(offset),
    path: formatPath(path),
    message: earlier === undefined ? message : `${message}, first in line ${placeAt(earlier).line}`,
    ...(suggestion !== undefined && { suggestion }),
  }));
  if (yaml.errors.length > 0 || problems.some(({ fatal }) => fatal)) return { diagnostics: firstOfEachLine([...errors, ...told]) };
  const root: Origin = { key: yaml.contents?.range?.[0] ?? 0, value: yaml.contents?.range?.[0] ?? 0 };
  return { document: documentOf(data, origins, root, placeAt), diagnostics: [...errors, ...told] };
}

/** Writes a path as the contract does: `batches.hosts`, `rollout[0].group`, `hosts["web-[1-8].example.com"].ssh`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

const EMPTY_REMEDY = "a plan names at least `programs` and `hosts`";

function documentOf(data: unknown, origins: Origins, root: Origin, placeAt: (offset: number) => Place): PlanDocument {
  const find = (path: Path): { origin: Origin; value: unknown } => {
    let found = { origin: root, value: data };
    for (const part of path) {
      const origin = isCollection(found.value) ? origins.get(found.value)?.get(part) : undefined;
      if (!origin) break;
      found = { origin, value: (found.value as Record<string | number, unknown>)[part] };
    }
    return found;
  };
  return {
    data,
    placeOfValue: (path) => placeAt(find(path).origin.value),
    placeOfKey: (path) => placeAt(find(path).origin.key),
    keysAt: (path) => {
      const { value } = find(path);
      return isCollection(value) ? [...(origins.get(value)?.keys() ?? [])].map(String) : [];
    },
  };
}

function isCollection(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function lineAt(text: string, lines: LineCounter, line: number): string {
  const start = lines.lineStarts[line - 1] ?? 0;
  const end = lines.lineStarts[line] ?? text.length + 1;
  return text.slice(start, end - 1).replace(/\r$/, "");
}

/** One slip makes the YAML parser stumble several times on the spot. */
function firstOfEachLine(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<number>();
  return sortDiagnostics(diagnostics).filter(({ line = 0 }) => {
    if (seen.has(line)) return false;
    seen.add(line);
    return true;
  });
}
