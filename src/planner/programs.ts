import picomatch from "picomatch";
import type { HostConfig } from "../domain/fleet.ts";
import { programOf, type InstanceName, type ProgramName } from "../domain/ids.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";

/** The instances of one Supervisor group that one selector names, in natural order. */
export interface Selected {
  readonly program: ProgramName;
  readonly instances: readonly ProcessSnapshot[];
}

/** Tells whether a selector of a plan (a group, `group:process`, or a glob over them) names an instance. */
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

/** Tells whether a selector names instances of a group, all of them or some. */
export function compileGroupSelector(text: string): (program: ProgramName) => boolean {
  const names = compileSelector(groupPartOf(text));
  return (program) => names(`${program}:` as InstanceName);
}

function groupPartOf(text: string): string {
  return text.split(":", 1)[0] ?? "";
}

/**
 * What a selector names among a host's instances, split by group; empty if it names nothing. In the order in which
 * Supervisor would start it, as far as that is known: by priority, the lowest first, and then as people count.
 */
export function select(
  selector: Selector,
  snapshots: readonly ProcessSnapshot[],
  configs: HostConfig["instances"] = NOTHING_KNOWN,
): Selected[] {
  const byProgram = new Map<ProgramName, ProcessSnapshot[]>();
  for (const snapshot of snapshots) {
    if (!selector(snapshot.instance)) continue;
    const program = programOf(snapshot.instance);
    const instances = byProgram.get(program);
    if (instances) instances.push(snapshot);
    else byProgram.set(program, [snapshot]);
  }
  const priorityOf = ({ instance }: ProcessSnapshot) => configs.get(instance)?.priority ?? DEFAULT_PRIORITY;
  const groupPriorityOf = ({ instances }: Selected) =>
    instances.map(({ instance }) => configs.get(instance)?.group_priority).find((known) => known !== undefined) ??
    DEFAULT_PRIORITY;
  return [...byProgram]
    .map(([program, instances]) => ({
      program,
      instances: instances.toSorted((a, b) => priorityOf(a) - priorityOf(b)),
    }))
    .toSorted((a, b) => groupPriorityOf(a) - groupPriorityOf(b));
}

const NOTHING_KNOWN: HostConfig["instances"] = new Map();

/** supervisor/options.py */
const DEFAULT_PRIORITY = 999;
