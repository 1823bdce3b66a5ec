import picomatch from "picomatch";
import { programOf, type InstanceName, type ProgramName } from "./ids.ts";

/** True where a selector of a plan (a group, `group:process`, or a glob over them) names an instance. */
export type Selector = (instance: InstanceName) => boolean;

/**
 * A name that is written out wins over its reading as a glob: `*` and `[` are legal in Supervisor's names. Names are no
 * paths: a star matches a slash, which the environment can bring into a process name.
 */
export function compileSelector(text: string): Selector {
  const ofGroup = !text.includes(":");
  const matches = glob(text);
  return (instance) => {
    const program = programOf(instance);
    // Supervisor prints `cat` for `cat:cat`; a plan may write either.
    const name = ofGroup ? program : instance.includes(":") ? instance : `${instance}:${instance}`;
    return name === text || matches(name);
  };
}

function glob(text: string): (name: string) => boolean {
  return picomatch(text, { dot: true, nonegate: true, noextglob: true, posix: true, bash: true });
}

/** Whether two selectors may name the same instance, whatever there is. */
export function mayNameTheSame(a: string, b: string): boolean {
  return partsOf(a).every((part, index) => mayBeTheSame(part, partsOf(b)[index] ?? "*"));
}

/** Whether a selector names, for certain, whatever another one does. */
export function namesAllOf(a: string, b: string): boolean {
  return partsOf(a).every((part, index) => {
    const other = partsOf(b)[index] ?? "*";
    return part === "*" || part === other || (!isGlob(other) && glob(part)(other));
  });
}

function mayBeTheSame(a: string, b: string): boolean {
  if (a === b || (isGlob(a) && isGlob(b))) return true;
  return (isGlob(a) && glob(a)(b)) || (isGlob(b) && glob(b)(a));
}

/** What it says of the group, and of the process. */
function partsOf(text: string): [string, string] {
  const [group = "", process = "*"] = text.split(":", 2);
  return [group, process === "" ? "*" : process];
}

function isGlob(part: string): boolean {
  return /[*?[\]{}]/.test(part);
}

/** One of a plan's programs, and the instances that it names less those that a later exclusion takes away. */
export interface NamedSelector {
  readonly text: string;
  /** What it names, whatever exclusions say. */
  readonly matches: Selector;
  readonly names: Selector;
}

/** The text of an exclusion without its mark; undefined for any other selector. */
export function exclusionOf(text: string): string | undefined {
  return text.startsWith("!") ? text.slice(1) : undefined;
}

/** A plan's programs in their order. `!migrate` takes from what stands before it; what comes after may bring it back. */
export function compilePrograms(texts: readonly string[]): readonly NamedSelector[] {
  const selectors: NamedSelector[] = [];
  let exclusions: readonly Selector[] = [];
  for (const text of texts.toReversed()) {
    const excluded = exclusionOf(text);
    if (excluded !== undefined) {
      exclusions = [...exclusions, compileSelector(excluded)];
      continue;
    }
    const [matches, later] = [compileSelector(text), exclusions];
    const names: Selector = (instance) => matches(instance) && !later.some((excludes) => excludes(instance));
    selectors.unshift({ text, matches, names });
  }
  return selectors;
}

/** Likewise, all of them as one. */
export function compileSelection(texts: readonly string[]): Selector {
  const selectors = compilePrograms(texts);
  return (instance) => selectors.some(({ names }) => names(instance));
}

/** Whether a selector names an instance's group itself, rather than by a pattern that fits it. */
export function namesGroup(text: string, instance: InstanceName): boolean {
  return groupPartOf(text) === programOf(instance);
}

/** Whether a plan's programs, in their order, name instances of a group, all of them or some. */
export function selectsGroup(texts: readonly string[], program: ProgramName): boolean {
  return texts.reduce((isSelected, text) => {
    const excluded = exclusionOf(text);
    if (excluded === undefined) return isSelected || namesOfGroup(text, program);
    // An exclusion of some of its instances leaves others.
    return isSelected && !(partsOf(excluded)[1] === "*" && namesOfGroup(excluded, program));
  }, false);
}

function namesOfGroup(text: string, program: ProgramName): boolean {
  return compileSelector(groupPartOf(text))(`${program}:` as InstanceName);
}

/** The group of which a selector names all instances; undefined if it may name others too, or not all. */
export function wholeGroupOf(text: string): ProgramName | undefined {
  const [group, process] = partsOf(text);
  return process === "*" && !isGlob(group) ? (group as ProgramName) : undefined;
}

function groupPartOf(text: string): string {
  return text.split(":", 1)[0] ?? "";
}
