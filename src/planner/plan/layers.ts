import { realpathSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { expandEnvironment, type Environment } from "../../domain/environment.ts";
import { isPlainMap, type Origins } from "../text/compose.ts";
import type { Diagnostic, Fault } from "../text/diagnostic.ts";
import { readDocument, type PlanDocument } from "../text/document.ts";
import { mergeData, withoutKeys } from "../text/merge.ts";
import { formatPath, type Path } from "../text/path.ts";
import { readPlanFile } from "./plan-file.ts";
import { schemaAt } from "../schema/plan-schema.ts";

/** A plan's file together with those that it extends. */
export interface Layers {
  /** Undefined if the plan's own text cannot be read. */
  readonly document?: PlanDocument | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** False if a file is missing or in error: then a key that is not in the data may still be in that file. */
  readonly complete: boolean;
  /** The real paths of the files that it extends, directly or by way of others. */
  readonly bases: ReadonlySet<string>;
}

/** Reads a plan's text and, under it, the files that it extends. */
export function readLayers(file: string, text: string, env: Environment): Layers {
  const reader = new LayerReader(env);
  const document = reader.read(file, text);
  const { diagnostics, complete, bases, extending } = reader;
  return { document: document?.with(document.data, extending), diagnostics, complete, bases };
}

class LayerReader {
  readonly diagnostics: Diagnostic[] = [];
  readonly extending = new Set<string>();
  complete = true;
  private readonly env: Environment;
  private readonly origins: Origins = new WeakMap();
  /** By real path: a file that several others extend is read once. */
  private readonly known = new Map<string, PlanDocument | undefined>();
  /** The files that are being read, each because the one before it extends it. */
  private readonly trail: { readonly file: string; readonly path: string }[] = [];

  constructor(env: Environment) {
    this.env = env;
  }

  get bases(): ReadonlySet<string> {
    return new Set(this.known.keys());
  }

  /** The file's data over that of the files it extends. */
  read(file: string, text: string): PlanDocument | undefined {
    const { document, diagnostics } = readDocument(file, text, this.origins);
    this.diagnostics.push(...diagnostics);
    if (!document) this.complete = false;
    if (!document || !isPlainMap(document.data)) return document;
    const isBase = this.trail.length > 0;
    this.trail.push({ file, path: realPath(file) });
    const bases = this.basesOf(document, file, isBase).flatMap(
      ([base, path]) => this.readBase(base, path, document) ?? [],
    );
    this.trail.pop();
    if (bases.length > 0) this.extending.add(file);
    const layers = [...bases.map(({ data }) => data), document.data];
    return document.with(layers.reduce((base, over) => mergeData(base, over, this.origins)));
  }

  /** The files that a document extends, each with the path of the value that names it. */
  private basesOf(document: PlanDocument, file: string, isBase: boolean): [string, Path][] {
    const value = (document.data as Readonly<Record<string, unknown>>)["extends"];
    const values = Array.isArray(value) ? (value as unknown[]) : value === undefined ? [] : [value];
    return values.flatMap((item, index): [string, Path][] => {
      const path: Path = Array.isArray(value) ? ["extends", index] : ["extends"];
      const base = typeof item === "string" ? expandEnvironment(item, this.env) : undefined;
      if (base !== undefined && base !== "") return [[isAbsolute(base) ? base : join(dirname(file), base), path]];
      this.complete = false;
      // In a plan's own file, the schema reports this later; a base has lost its `extends` by then.
      if (isBase)
        this.report(
          document,
          path,
          typeof item === "string"
            ? { code: "variable_not_set", message: `${JSON.stringify(item)} has a variable that is not set` }
            : { code: "invalid_value", message: schemaAt(["extends"])?.errorMessage ?? "" },
        );
      return [];
    });
  }

  private readBase(file: string, path: Path, document: PlanDocument): PlanDocument | undefined {
    const identity = realPath(file);
    const start = this.trail.findIndex((layer) => layer.path === identity);
    if (start !== -1) {
      const circle = [...this.trail.slice(start).map((layer) => layer.file), file].join(" → ");
      this.report(document, path, {
        code: "extends_circle",
        message: `the plans extend each other in a circle: ${circle}`,
      });
      this.complete = false;
      return undefined;
    }
    if (!this.known.has(identity)) this.known.set(identity, this.load(file, path, document));
    return this.known.get(identity);
  }

  private load(file: string, path: Path, document: PlanDocument): PlanDocument | undefined {
    const read = readPlanFile(file);
    if ("text" in read) {
      const base = this.read(file, read.text);
      if (!base || !isPlainMap(base.data)) {
        if (base) this.report(base, [], { code: "invalid_value", message: schemaAt([])?.kindMessage ?? "" });
        this.complete = false;
        return undefined;
      }
      return base.with(withoutKeys(base.data, OF_ONE_FILE, this.origins));
    }
    this.complete = false;
    const { line, code, message, suggestion } = read.diagnostic;
    // A file that is there but not UTF-8 is reported at its own place.
    if (line !== undefined) this.diagnostics.push(read.diagnostic);
    else this.report(document, path, { code, message: `${JSON.stringify(file)}: ${message}`, suggestion });
    return undefined;
  }

  private report(document: PlanDocument, path: Path, fault: Fault): void {
    this.diagnostics.push({ ...document.rangeOfValue(path), path: formatPath(path), ...fault });
  }
}

/** Keys that are about the file in which they stand, and not inherited. */
const OF_ONE_FILE = ["extends", "abstract"] as const;

/** The one path of a file, however it is named; its name where there is no such file. */
export function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
