import type { Diagnostic, Fault } from "./diagnostic.ts";
import type { PlanDocument } from "./document.ts";
import { formatPath, type Path } from "./path.ts";

/** Collects the faults of one plan while it is read, so that all are reported at once. */
export class Findings {
  private readonly document: PlanDocument;
  private readonly found: Diagnostic[] = [];
  private readonly warned: Diagnostic[] = [];

  constructor(document: PlanDocument) {
    this.document = document;
  }

  /** Something about a value. */
  atValue(path: Path, fault: Fault): void {
    this.found.push({ ...this.document.rangeOfValue(path), path: formatPath(path), ...fault });
  }

  /** Something about a key that should not be there, or about all that is under it. */
  atKey(path: Path, fault: Fault): void {
    this.found.push({ ...this.document.rangeOfKey(path), path: formatPath(path), ...fault });
  }

  /** A key that must be in the map at `path`: reported at the `null` that took it away, if that is why it is missing. */
  atMissing(path: Path, key: string, fault: Fault): void {
    const at = [...path, key];
    if (!this.document.isTakenAway(at)) return this.atKey(path, fault);
    this.atValue(at, {
      ...fault,
      suggestion: fault.suggestion ?? "null takes away what was inherited: remove this line",
    });
  }

  /** Something about a value that may be intended: the plan is valid with it. */
  warnAtValue(path: Path, fault: Fault): void {
    this.warned.push({
      ...this.document.rangeOfValue(path),
      path: formatPath(path),
      ...fault,
      severity: "warning",
    });
  }

  /** Something about a key that may be intended. */
  warnAtKey(path: Path, fault: Fault): void {
    this.warned.push({ ...this.document.rangeOfKey(path), path: formatPath(path), ...fault, severity: "warning" });
  }

  /** Errors, in the order of discovery. */
  get all(): readonly Diagnostic[] {
    return this.found;
  }

  get warnings(): readonly Diagnostic[] {
    return this.warned;
  }
}
