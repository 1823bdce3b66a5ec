import type { Diagnostic, Place } from "./diagnostic.ts";
import type { PlanDocument } from "./document.ts";
import { formatPath, type Path } from "./path.ts";

/** Collects what is wrong with one plan while it is read, so that all of it can be reported at once. */
export class Findings {
  readonly #document: PlanDocument;
  readonly #found: Diagnostic[] = [];
  readonly #warnings: Diagnostic[] = [];

  constructor(document: PlanDocument) {
    this.#document = document;
  }

  /** Something about a value. */
  atValue(path: Path, message: string, suggestion?: string): void {
    this.#add(this.#document.placeOfValue(path), path, message, suggestion);
  }

  /** Something about a key that should not be there, or about all that is under it. */
  atKey(path: Path, message: string, suggestion?: string): void {
    this.#add(this.#document.placeOfKey(path), path, message, suggestion);
  }

  /** Something about a value that may be meant as it is: the plan is valid with it. */
  warnAtValue(path: Path, message: string): void {
    this.#warnings.push({
      ...this.#document.placeOfValue(path),
      path: formatPath(path),
      message,
      severity: "warning",
    });
  }

  /** Errors, in the order of discovery. */
  get all(): readonly Diagnostic[] {
    return this.#found;
  }

  get warnings(): readonly Diagnostic[] {
    return this.#warnings;
  }

  #add(place: Place, path: Path, message: string, suggestion: string | undefined): void {
    this.#found.push({ ...place, path: formatPath(path), message, ...(suggestion !== undefined && { suggestion }) });
  }
}
