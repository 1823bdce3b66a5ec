import { expandEnvironment, faultsOfReferences, type Environment } from "../../domain/environment.ts";
import { isPlainMap } from "../text/compose.ts";
import type { Fault } from "../text/diagnostic.ts";
import type { PlanDocument } from "../text/document.ts";
import { didYouMean } from "./nearest.ts";
import { childPointer, type Path } from "../text/path.ts";
import { schemaAt } from "./plan-schema.ts";
import { pathInLevel } from "./raw-plan.ts";

/** A value whose references cannot be resolved. */
export interface ReferenceFault extends Fault {
  readonly pointer: string;
  readonly path: Path;
}

/** A plan with the values of environment variables filled in, and the places where one is missing. */
export interface Resolved {
  readonly document: PlanDocument;
  readonly faults: readonly ReferenceFault[];
}

/**
 * Fills environment variables into all values except the texts of checks and hooks: there references stay, so that no
 * secret gets into a journal. Those are only checked for variables that are not set.
 */
export function resolveReferences(document: PlanDocument, env: Environment): Resolved {
  const resolver = new Resolver(document, env);
  const data = resolver.resolve(document.data, [], "");
  return { document: data === document.data ? document : document.with(data), faults: resolver.faults };
}

class Resolver {
  readonly faults: ReferenceFault[] = [];
  private readonly document: PlanDocument;
  private readonly env: Environment;

  constructor(document: PlanDocument, env: Environment) {
    this.document = document;
    this.env = env;
  }

  /** The value itself where it has no references. */
  resolve(value: unknown, path: Path, pointer: string): unknown {
    if (typeof value === "string") return value.includes("${") ? this.resolveText(value, path, pointer) : value;
    if (typeof value !== "object" || value === null) return value;
    const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
    const from = value as Readonly<Record<string | number, unknown>>;
    let copy: Record<string | number, unknown> | undefined;
    for (const key of keys) {
      const resolved = this.resolve(from[key], [...path, key], childPointer(pointer, String(key)));
      if (resolved === from[key]) continue;
      copy ??= copyOf(value);
      copy[key] = resolved;
    }
    const origins = this.document.origins.get(value);
    if (copy && origins) this.document.origins.set(copy, origins);
    return copy ?? value;
  }

  private resolveText(text: string, path: Path, pointer: string): unknown {
    const [fault] = faultsOfReferences(text, this.env);
    if (fault !== undefined) {
      this.faults.push({ pointer, path, ...(fault === "malformed" ? MALFORMED : unset(fault.name, this.env)) });
      return text;
    }
    const expanded = staysReference(path) ? undefined : expandEnvironment(text, this.env);
    return expanded === undefined ? text : inKindOf(path, expanded);
  }
}

const MALFORMED: Fault = {
  code: "malformed_reference",
  message: 'has a "${" that starts no reference to a variable',
  suggestion: "write ${NAME} or ${NAME:-default}, and $${ for the text ${",
};

function unset(name: string, env: Environment): Fault {
  return {
    code: "variable_not_set",
    message: `the variable ${name} is not set`,
    suggestion: didYouMean(name, Object.keys(env)) ?? `set it, or give it a default: \${${name}:-…}`,
  };
}

/** Whether a value is a text of a check or hook; their other keys are resolved like all others. */
function staysReference(path: Path): boolean {
  const [section] = pathInLevel(path);
  if (section !== "checks" && section !== "hooks") return false;
  return !["from", "run", "status", "timeout"].includes(String(path.at(-1)));
}

/** The text of an environment variable as the number or truth value that belongs at this place. */
function inKindOf(path: Path, text: string): unknown {
  const kind = schemaAt(path)?.type;
  if (kind === "integer" && /^\d{1,15}$/.test(text)) return Number(text);
  if (kind === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

function copyOf(value: object): Record<string | number, unknown> {
  if (isPlainMap(value)) return Object.assign(Object.create(null), value) as Record<string, unknown>;
  return [...(value as unknown[])] as unknown as Record<number, unknown>;
}
