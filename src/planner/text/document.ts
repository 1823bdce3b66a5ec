import { LineCounter } from "yaml";
import { composeData, type CompositionProblem, type Origin, type Origins, type RangeOf } from "./compose.ts";
import { sortDiagnostics, type Diagnostic, type SourceRange } from "./diagnostic.ts";
import { formatPath, type Path } from "./path.ts";
import { explainYamlError } from "./yaml-errors.ts";
import { parseYaml, type YamlText } from "./yaml-text.ts";

/** A plan as plain data that knows where in which file each key and value stands. */
export class PlanDocument {
  readonly data: unknown;
  readonly origins: Origins;
  /** The whole plan's. */
  readonly root: Origin;
  /** Those of its files that extend others. */
  readonly extending: ReadonlySet<string>;

  constructor(data: unknown, origins: Origins, root: Origin, extending: ReadonlySet<string> = new Set()) {
    this.data = data;
    this.origins = origins;
    this.root = root;
    this.extending = extending;
  }

  /** Other data made of this, with its origins in the same map. */
  with(data: unknown, extending = this.extending): PlanDocument {
    return new PlanDocument(data, this.origins, this.root, extending);
  }

  /** The range of a value, or of its key where it is empty. A missing value is at the nearest one around it. */
  rangeOfValue(path: Path): SourceRange {
    const { origin } = this.find(path);
    return origin.rangeOf(origin.value);
  }

  /** The range of the key, or of the list's item, that the path ends in. */
  rangeOfKey(path: Path): SourceRange {
    const { origin } = this.find(path);
    return origin.rangeOf(origin.key);
  }

  /** A number as it is written, where that is not how JavaScript writes it. */
  writtenAt(path: Path): string | undefined {
    return this.find(path).origin.written;
  }

  /** The keys of the map at a path in the order as written, which JavaScript does not keep for keys such as `10`. */
  keysAt(path: Path): string[] {
    return this.placesAt(path).flatMap(([key, { isTakenAway }]) => (isTakenAway ? [] : [String(key)]));
  }

  /** The keys that `null` has taken out of the map at a path. */
  keysTakenAwayAt(path: Path): string[] {
    return this.placesAt(path).flatMap(([key, { isTakenAway }]) => (isTakenAway ? [String(key)] : []));
  }

  /** Whether `null` has taken away the key that the path ends in. */
  isTakenAway(path: Path): boolean {
    const { origin, missing } = this.find(path);
    return !missing && origin.isTakenAway === true;
  }

  /** Whether `null` is written as the value at a path, and takes nothing away. */
  isNull(path: Path): boolean {
    const { origin, missing } = this.find(path);
    return !missing && origin.isNull === true && !origin.isTakenAway;
  }

  private placesAt(path: Path): [string | number, Origin][] {
    const { value, missing } = this.find(path);
    return isCollection(value) && !missing ? [...(this.origins.get(value) ?? [])] : [];
  }

  /** The value at a path, or the last one on the way there. */
  private find(path: Path): { origin: Origin; value: unknown; missing: boolean } {
    let found = { origin: this.root, value: this.data, missing: false };
    for (const part of path) {
      const origin = isCollection(found.value) ? this.origins.get(found.value)?.get(part) : undefined;
      if (!origin) return { ...found, missing: true };
      found = { origin, value: (found.value as Record<string | number, unknown>)[part], missing: false };
    }
    return found;
  }
}

/** Reads a plan's YAML. There is no document if the text cannot be read. */
export function readDocument(
  file: string,
  text: string,
  origins: Origins,
): { readonly document?: PlanDocument; readonly diagnostics: Diagnostic[] } {
  const lines = new LineCounter();
  const rangeOf: RangeOf = ([start, end]) => {
    const { line, col: column } = lines.linePos(Math.min(start, text.length));
    // A block ends with its last line; the blank lines and comments below it are no part of it.
    const { line: endLine, col: endColumn } = lines.linePos(start + text.slice(start, end).trimEnd().length);
    return { file, line, column, endLine, endColumn, sourceLine: lineAt(text, lines, line) };
  };
  const parsed = parseYaml(text, lines);
  if ("tooDeepAt" in parsed) {
    return {
      diagnostics: [
        {
          ...rangeOf([parsed.tooDeepAt, parsed.tooDeepAt + 1]),
          code: "yaml_too_deep",
          path: "",
          message: "lists or maps are nested too deeply for a plan",
        },
      ],
    };
  }
  const { contents } = parsed.document;
  const faults = faultsOfSyntax(parsed, text, rangeOf);
  if (faults.length === 0 && contents === null) {
    return {
      diagnostics: [
        {
          file,
          code: "empty_plan",
          path: "",
          message: "the plan is empty",
          suggestion: "a plan names at least `programs` and `hosts`",
        },
      ],
    };
  }
  const composition = composeData(contents, rangeOf, origins);
  const problems = composition.problems.map((problem) => diagnose(problem, rangeOf));
  if (faults.length > 0 || composition.problems.some(({ fatal }) => fatal))
    return { diagnostics: withoutStumbles([...faults, ...problems]) };
  const [start = 0, end = 0] = contents?.range ?? [];
  // A fault of the whole plan, such as a missing key, is shown at its first line.
  const firstLineEnd = start + text.slice(start).search(/$/m);
  return {
    document: new PlanDocument(composition.data, origins, { rangeOf, key: [start, firstLineEnd], value: [start, end] }),
    diagnostics: problems,
  };
}

function faultsOfSyntax({ document, secondAt }: YamlText, text: string, rangeOf: RangeOf): Diagnostic[] {
  const faults: Diagnostic[] = [...document.errors, ...document.warnings].map((error) => {
    const { offsets, ...fault } = explainYamlError(error, document, text);
    return { ...rangeOf(offsets), path: "", ...fault };
  });
  if (secondAt !== undefined) {
    faults.push({
      ...rangeOf([secondAt, secondAt + "---".length]),
      code: "yaml_documents",
      path: "",
      message: "a plan is one YAML document, and a second one starts here",
      suggestion: "remove the line `---`, or split the file in two",
    });
  }
  const { version } = document.directives.yaml;
  if (version !== "1.2") {
    faults.push({
      ...rangeOf([0, text.search(/$/m)]),
      code: "yaml_version",
      path: "",
      message: `a plan is YAML 1.2, not ${version}`,
      suggestion: "remove the %YAML line",
    });
  }
  return faults;
}

function diagnose(problem: CompositionProblem, rangeOf: RangeOf): Diagnostic {
  const { code, offsets, earlier, path, message, suggestion } = problem;
  return {
    ...rangeOf(offsets),
    code,
    path: formatPath(path),
    message: earlier === undefined ? message : `${message}, first on line ${rangeOf(earlier).line}`,
    suggestion,
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

/** One mistake often causes several errors: on one line, or the same error on all lines after it. */
function withoutStumbles(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<unknown>();
  return sortDiagnostics(diagnostics).filter(({ line, message, suggestion }) => {
    const said = `${message} ${suggestion ?? ""}`;
    if (seen.has(line) || seen.has(said)) return false;
    seen.add(line).add(said);
    return true;
  });
}
