import type { HostConfig } from "../../domain/fleet.ts";
import { programOf, type ProgramName } from "../../domain/ids.ts";
import type { ProcessSnapshot } from "../../domain/process-state.ts";
import type { Selector } from "../../domain/selector.ts";

/** The instances of one Supervisor group that one selector names, in natural order. */
export interface Selected {
  readonly program: ProgramName;
  readonly instances: readonly ProcessSnapshot[];
}

/**
 * The instances of a host that a selector names, split by group; empty if it names none. In the order in which
 * Supervisor would start them, as far as that is known: by priority, the lowest first, then in natural order.
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
