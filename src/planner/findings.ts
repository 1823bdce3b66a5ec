import type { Diagnostic, Place } from "./diagnostic.ts";
import type { PlanDocument } from "./document.ts";
import { formatPath, type Path } from "./path.ts";

/** Collects what is wrong with one plan while it is read, so that all of it can be told at once. */
export class Findings {
  readonly #document: PlanDocument;
  readonly #found: Diagnostic[] = [];

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

  /** In the order of discovery. */
  get all(): readonly Diagnostic[] {
    return this.#found;
  }

  #add(place: Place, path: Path, message: string, suggestion: string | undefined): void {
    this.#found.push({ ...place, path: formatPath(path), message, ...(suggestion !== undefined && { suggestion }) });
  }
}
