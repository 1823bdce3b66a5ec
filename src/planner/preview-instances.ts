import type { HostWork, InstanceBatch, PlannedInstance } from "../domain/rollout.ts";
import { folded, foldedInOrder } from "./folding.ts";
import { atATime } from "./preview-words.ts";

const OTHER_THAN_RESTART = { start: "start", gate: "only judged, as it was restarted already" } as const;

/** Instances of one program that a host restarts in one way: so many at a time, in this order. */
interface Run {
  readonly instances: PlannedInstance[];
  readonly atOnce: number;
  /** False once a smaller batch has ended it: what follows is counted anew. */
  open: boolean;
}

/** A host's work in its order: `web:web_[00-03] 2 at a time, then mail:in`. Hosts with the same text do the same. */
export function instancesText({ batches }: HostWork): string {
  const runs: Run[] = [];
  for (const batch of batches) if (!continues(runs.at(-1), batch)) runs.push(runOf(batch));
  return runs.map(runText).join(", then ");
}

function runOf({ instances, at_once }: InstanceBatch): Run {
  return { instances: [...instances], atOnce: at_once, open: at_once === instances.length };
}

/** Takes a batch into the run before it, if the run's text then still says what is done. */
function continues(run: Run | undefined, { program, instances, at_once }: InstanceBatch): boolean {
  const together = at_once === instances.length;
  if (!run?.open || run.instances[0]?.program !== program || !together || at_once > run.atOnce) return false;
  run.instances.push(...instances);
  run.open = at_once === run.atOnce;
  return true;
}

function runText({ instances, atOnce }: Run): string {
  const names = foldedInOrder(instances.map(({ instance }) => instance));
  const how = instances.length === 1 ? "" : atOnce >= instances.length ? " together" : ` ${atATime(atOnce)}`;
  return `${names}${how}${markOf("start", instances)}${markOf("gate", instances)}`;
}

/** Which of them get something else than a restart, where that is so. */
function markOf(action: keyof typeof OTHER_THAN_RESTART, instances: readonly PlannedInstance[]): string {
  const marked = instances.filter((one) => one.action === action).map(({ instance }) => instance);
  if (marked.length === 0) return "";
  const which = marked.length === instances.length ? "" : `: ${folded(marked)}`;
  return ` (${OTHER_THAN_RESTART[action]}${which})`;
}
