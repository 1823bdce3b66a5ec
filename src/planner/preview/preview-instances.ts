import type { HostWork, InstanceBatch, PlannedInstance } from "../../domain/rollout.ts";
import { folded, foldedInOrder } from "../../domain/folding.ts";
import { atATime } from "./preview-words.ts";

/** How an instance is marked that is not simply restarted. */
const MARKS: readonly { readonly says: string; readonly holds: (instance: PlannedInstance) => boolean }[] = [
  { says: "start", holds: ({ action }) => action === "start" },
  { says: "again, as it failed", holds: ({ action, failed_as }) => action === "restart" && failed_as !== undefined },
  { says: "only checked, as it was already restarted", holds: ({ action }) => action === "gate" },
];

/** Instances of one program that a host restarts in one way: so many at a time, in this order. */
interface Run {
  readonly instances: PlannedInstance[];
  readonly atOnce: number;
  readonly settings: InstanceBatch["settings"];
  /** False once a smaller batch has ended it: the next batch starts a new run. */
  open: boolean;
}

/** A host's work in its order: `web:web_[00-03] 2 at a time, then mail:in`. Hosts with the same text do the same. */
export function instancesText({ batches }: HostWork): string {
  const runs: Run[] = [];
  for (const batch of batches) if (!continues(runs.at(-1), batch)) runs.push(runOf(batch));
  return runs.map(runText).join(", then ");
}

function runOf({ instances, at_once, settings }: InstanceBatch): Run {
  return { instances: [...instances], atOnce: at_once, settings, open: at_once === instances.length };
}

/** Adds a batch to the run before it, if the run's text is then still right. */
function continues(run: Run | undefined, { program, instances, at_once, settings }: InstanceBatch): boolean {
  const together = at_once === instances.length;
  if (JSON.stringify(run?.settings) !== JSON.stringify(settings)) return false;
  if (!run?.open || run.instances[0]?.program !== program || !together || at_once > run.atOnce) return false;
  run.instances.push(...instances);
  run.open = at_once === run.atOnce;
  return true;
}

function runText({ instances, atOnce }: Run): string {
  const names = foldedInOrder(instances.map(({ instance }) => instance));
  const how = instances.length === 1 ? "" : atOnce >= instances.length ? " together" : ` ${atATime(atOnce)}`;
  return `${names}${how}${MARKS.map((mark) => markText(mark, instances)).join("")}`;
}

/** Which of them have a mark, where any has. */
function markText({ says, holds }: (typeof MARKS)[number], instances: readonly PlannedInstance[]): string {
  const marked = instances.filter(holds).map(({ instance }) => instance);
  if (marked.length === 0) return "";
  const which = marked.length === instances.length ? "" : `: ${folded(marked)}`;
  return ` (${says}${which})`;
}
