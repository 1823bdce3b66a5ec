import { LineCounter } from "yaml";
import { composeData, type CompositionProblem, type Origin, type Origins, type PlaceAt } from "./compose.ts";
import { sortDiagnostics, type Diagnostic, type Place } from "./diagnostic.ts";
import { formatPath, type Path } from "./path.ts";
import { explainYamlError } from "./yaml-errors.ts";
import { parseYaml, type YamlText } from "./yaml-text.ts";

/** A plan as plain data, which remembers where in which text each key and value stands. */
export class PlanDocument {
  readonly data: unknown;
  readonly origins: Origins;
  /** The whole plan's. */
  readonly root: Origin;

  constructor(data: unknown, origins: Origins, root: Origin) {
    this.data = data;
    this.origins = origins;
    this.root = root;
  }

  /** Other data made of this, with its origins in the same map. */
  with(data: unknown): PlanDocument {
    return new PlanDocument(data, this.origins, this.root);
  }

  /** The place of a value; an empty one has none, then its key's. What is missing is at the nearest thing around it. */
  placeOfValue(path: Path): Place {
    const { origin } = this.#find(path);
    return origin.placeAt(origin.value);
  }

  /** The place of the key, or of the list's item, that the path ends in. */
  placeOfKey(path: Path): Place {
    const { origin } = this.#find(path);
    return origin.placeAt(origin.key);
  }

  /** A number as it is written, where that is not how JavaScript writes it. */
  writtenAt(path: Path): string | undefined {
    return this.#find(path).origin.written;
  }

  /** The keys of the map at a path in the order as written, which JavaScript does not keep for keys such as `10`. */
  keysAt(path: Path): string[] {
    const { value, missing } = this.#find(path);
    return isCollection(value) && !missing ? [...(this.origins.get(value)?.keys() ?? [])].map(String) : [];
  }

  /** The value at a path, or the last one on the way there. */
  #find(path: Path): { origin: Origin; value: unknown; missing: boolean } {
    let found = { origin: this.root, value: this.data, missing: false };
    for (const part of path) {
      const origin = isCollection(found.value) ? this.origins.get(found.value)?.get(part) : undefined;
      if (!origin) return { ...found, missing: true };
      found = { origin, value: (found.value as Record<string | number, unknown>)[part], missing: false };
    }
    return found;
  }
}

/** Reads a plan's YAML. There is no document when nothing can be made of the text. */
export function readDocument(
  file: string,
  text: string,
  origins: Origins,
): { readonly document?: PlanDocument; readonly diagnostics: Diagnostic[] } {
  const lines = new LineCounter();
  const placeAt: PlaceAt = (offset) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line, column: col, sourceLine: lineAt(text, lines, line) };
  };
  const parsed = parseYaml(text, lines);
  if ("tooDeepAt" in parsed) {
    return {
      diagnostics: [
        { ...placeAt(parsed.tooDeepAt), path: "", message: "lists or maps are nested too deeply for a plan" },
      ],
    };
  }
  const { contents } = parsed.document;
  const faults = faultsOfSyntax(parsed, text, placeAt);
  if (faults.length === 0 && contents === null) {
    return {
      diagnostics: [
        { file, path: "", message: "the plan is empty", suggestion: "a plan names at least `programs` and `hosts`" },
      ],
    };
  }
  const composition = composeData(contents, placeAt, origins);
  const problems = composition.problems.map((problem) => diagnose(problem, placeAt));
  if (faults.length > 0 || composition.problems.some(({ fatal }) => fatal))
    return { diagnostics: withoutStumbles([...faults, ...problems]) };
  const offset = contents?.range[0] ?? 0;
  return {
    document: new PlanDocument(composition.data, origins, { placeAt, key: offset, value: offset }),
    diagnostics: problems,
  };
}

function faultsOfSyntax({ document, secondAt }: YamlText, text: string, placeAt: PlaceAt): Diagnostic[] {
  const faults: Diagnostic[] = [...document.errors, ...document.warnings].map((error) => {
    const { offset, ...said } = explainYamlError(error, document, text);
    return { ...placeAt(offset), path: "", ...said };
  });
  if (secondAt !== undefined) {
    const message = "a plan is one YAML document, and here a second one begins";
    faults.push({
      ...placeAt(secondAt),
      path: "",
      message,
      suggestion: "take out the line `---`, or make two files of it",
    });
  }
  const { version } = document.directives.yaml;
  if (version !== "1.2") {
    faults.push({
      ...placeAt(0),
      path: "",
      message: `a plan is YAML 1.2, not ${version}`,
      suggestion: "take the %YAML line out",
    });
  }
  return faults;
}

function diagnose({ offset, earlier, path, message, suggestion }: CompositionProblem, placeAt: PlaceAt): Diagnostic {
  return {
    ...placeAt(offset),
    path: formatPath(path),
    message: earlier === undefined ? message : `${message}, first in line ${placeAt(earlier).line}`,
    ...(suggestion !== undefined && { suggestion }),
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

/** One slip makes a YAML parser stumble several times: at one line, or in the same way from there on. */
function withoutStumbles(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<unknown>();
  return sortDiagnostics(diagnostics).filter(({ line, message, suggestion }) => {
    const said = `${message} ${suggestion ?? ""}`;
    if (seen.has(line) || seen.has(said)) return false;
    seen.add(line).add(said);
    return true;
  });
}
