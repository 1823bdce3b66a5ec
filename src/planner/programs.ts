import picomatch from "picomatch";
import { programOf, type InstanceName, type ProgramName } from "../domain/ids.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";

/** The instances of one Supervisor group that one selector names, in natural order. */
export interface Selected {
  readonly program: ProgramName;
  readonly instances: readonly ProcessSnapshot[];
}

/** Tells whether a selector of a plan (a group, `group:process`, or a glob over them) names an instance. */
export type Selector = (instance: InstanceName) => boolean;

/** A name that is written out wins over its reading as a glob: `*` and `[` are legal in Supervisor's names. */
export function compileSelector(text: string): Selector {
  const ofGroup = !text.includes(":");
  const matches = picomatch(text, { dot: true, nonegate: true, noextglob: true });
  return (instance) => {
    const program = programOf(instance);
    // Supervisor prints `cat` for `cat:cat`; a plan may write either.
    const name = ofGroup ? program : instance.includes(":") ? instance : `${instance}:${instance}`;
    return name === text || matches(name);
  };
}

/** What a selector names among a host's instances, split by group; empty if it names nothing. */
export function select(selector: Selector, snapshots: readonly ProcessSnapshot[]): Selected[] {
  const byProgram = new Map<ProgramName, ProcessSnapshot[]>();
  for (const snapshot of snapshots) {
    if (!selector(snapshot.instance)) continue;
    const program = programOf(snapshot.instance);
    const instances = byProgram.get(program);
    if (instances) instances.push(snapshot);
    else byProgram.set(program, [snapshot]);
  }
  return [...byProgram].map(([program, instances]) => ({ program, instances }));
}
