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
  const matches = picomatch(text, { dot: true, nonegate: true, noextglob: true, posix: true, bash: true });
  return (instance) => {
    const program = programOf(instance);
    // Supervisor prints `cat` for `cat:cat`; a plan may write either.
    const name = ofGroup ? program : instance.includes(":") ? instance : `${instance}:${instance}`;
    return name === text || matches(name);
  };
}

/** Whether a selector names an instance's group itself, rather than by a pattern that fits it. */
export function namesGroup(text: string, instance: InstanceName): boolean {
  return groupPartOf(text) === programOf(instance);
}

/** True where a selector names instances of a group, all of them or some. */
export function compileGroupSelector(text: string): (program: ProgramName) => boolean {
  const names = compileSelector(groupPartOf(text));
  return (program) => names(`${program}:` as InstanceName);
}

function groupPartOf(text: string): string {
  return text.split(":", 1)[0] ?? "";
}
