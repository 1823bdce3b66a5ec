/** The variables of the process, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** `${NAME}` or `${NAME:-default}` in a plan's text. */
export interface Reference {
  readonly name: string;
  readonly fallback?: string;
}

/** A `$${` (the text `${`), a reference, or a `${` that is neither. A default has no braces in it. */
export const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_]\w*)(?::-([^{}]*))?\})?/g;

/** What a match of REFERENCE is. */
export function readReference([written, name, fallback]: readonly (string | undefined)[]):
  Reference | "literal" | "malformed" {
  if (written === "$${") return "literal";
  if (name === undefined) return "malformed";
  return fallback === undefined ? { name } : { name, fallback };
}

/** The value of a reference; as in a shell, its default holds for an empty variable too. Undefined if there is none. */
export function valueOf({ name, fallback }: Reference, env: Environment): string | undefined {
  // `||` is meant: an empty variable has a default's place, and is empty without one.
  const set = Object.hasOwn(env, name) ? env[name] : undefined;
  return fallback === undefined ? set : set || fallback;
}

/** A reference as a plan has it. */
export function referenceText({ name, fallback }: Reference): string {
  return fallback === undefined ? `\${${name}}` : `\${${name}:-${fallback}}`;
}

/** Puts the variables' values into a text; undefined when one is missing. */
export function expandEnvironment(text: string, env: Environment): string | undefined {
  const missing = new Set<Reference | "malformed">();
  const expanded = text.replaceAll(REFERENCE, (...match) => {
    const reference = readReference(match as string[]);
    if (reference === "literal") return "${";
    const value = reference === "malformed" ? undefined : valueOf(reference, env);
    if (value === undefined) missing.add(reference);
    return value ?? "";
  });
  return missing.size === 0 ? expanded : undefined;
}

/** The faults of a text's references, in order: one that is malformed, or a variable that is not set. */
export function faultsOfReferences(text: string, env: Environment): ("malformed" | Reference)[] {
  return [...text.matchAll(REFERENCE)].flatMap((match) => {
    const reference = readReference(match);
    if (reference === "literal") return [];
    return reference === "malformed" || valueOf(reference, env) === undefined ? [reference] : [];
  });
}
