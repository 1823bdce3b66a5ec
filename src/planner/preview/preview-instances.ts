import { counted } from "../../domain/counted.ts";
import { printable } from "../../domain/printable.ts";
import type { HostWork, InstanceBatch, PlannedInstance } from "../../domain/rollout.ts";
import { folded, foldedInOrder, groupedBy } from "../../domain/folding.ts";
import { atATime } from "./preview-words.ts";

/** How an instance is marked that is not simply restarted. */
const MARKS: readonly { readonly says: string; readonly holds: (instance: PlannedInstance) => boolean }[] = [
  { says: "start", holds: ({ action }) => action === "start" },
  { says: "again, as it failed", holds: ({ action, failed_as }) => action === "restart" && failed_as !== undefined },
  { says: "stop", holds: ({ action }) => action === "stop" },
  {
    says: "only checked, as it was already restarted",
    holds: ({ action, signal }) => action === "gate" && signal === undefined,
  },
  {
    says: "only checked, as its signal may have arrived",
    holds: ({ action, signal }) => action === "gate" && signal !== undefined,
  },
];

/** Instances of one program that a host restarts in one way: so many at a time, in this order. */
interface Run {
  readonly instances: PlannedInstance[];
  readonly atOnce: number;
  readonly settings: InstanceBatch["settings"];
  readonly isUpdate: boolean;
  /** False once a smaller batch has ended it: the next batch starts a new run. */
  open: boolean;
}

/** A host's work in its order: `web:web_[00-03] 2 at a time, then mail:in`. Hosts with the same text do the same. */
export function instancesText({ batches }: HostWork): string {
  const runs: Run[] = [];
  for (const batch of batches) if (!continues(runs.at(-1), batch)) runs.push(runOf(batch));
  return runs.map(runText).join(", then ");
}

function runOf({ instances, at_once, settings, is_update }: InstanceBatch): Run {
  const isUpdate = is_update === true;
  const open = at_once === instances.length && !isUpdate;
  return { instances: [...instances], atOnce: at_once, settings, isUpdate, open };
}

/** Adds a batch to the run before it, if the run's text is then still right. */
function continues(run: Run | undefined, { program, instances, at_once, settings, is_update }: InstanceBatch): boolean {
  if (is_update) return false;
  const together = at_once === instances.length;
  if (JSON.stringify(run?.settings) !== JSON.stringify(settings)) return false;
  if (!run?.open || run.instances[0]?.program !== program || !together || at_once > run.atOnce) return false;
  run.instances.push(...instances);
  run.open = at_once === run.atOnce;
  return true;
}

function runText({ instances, atOnce, isUpdate }: Run): string {
  if (isUpdate) return updateText(instances);
  const names = foldedInOrder(instances.map(({ instance }) => instance));
  const how = instances.length === 1 ? "" : atOnce >= instances.length ? " together" : ` ${atATime(atOnce)}`;
  return `${names}${how}${MARKS.map((mark) => markText(mark, instances)).join("")}${signalText(instances)}`;
}

/** `update web: 4 -> 8 instances, all 4 down together (new: web:web_[04-07])`. */
function updateText(instances: readonly PlannedInstance[]): string {
  const before = instances.filter(({ is_new }) => !is_new);
  const after = instances.filter(({ action }) => action === "update");
  const how = before.length === 0 ? "" : `, all ${before.length} down together`;
  const named = (what: string, some: readonly PlannedInstance[]) =>
    some.length === 0 ? "" : ` (${what}: ${folded(some.map(({ instance }) => instance))})`;
  const added = instances.filter(({ is_new }) => is_new);
  const removed = instances.filter(({ action }) => action === "remove");
  const program = printable(instances[0]?.program ?? "");
  return `update ${program}: ${before.length} -> ${counted(after.length, "instance")}${how}${named("new", added)}${named("removed", removed)}`;
}

/** `(signal HUP)`: of all of them, or of some. */
function signalText(instances: readonly PlannedInstance[]): string {
  const signalled = instances.filter(({ action }) => action === "signal");
  return groupedBy(signalled, ({ signal = "" }) => signal)
    .map((alike) => markText({ says: `signal ${alike[0]?.signal}`, holds: (one) => alike.includes(one) }, instances))
    .join("");
}

/** Which of them have a mark, where any has. */
function markText({ says, holds }: (typeof MARKS)[number], instances: readonly PlannedInstance[]): string {
  const marked = instances.filter(holds).map(({ instance }) => instance);
  if (marked.length === 0) return "";
  const which = marked.length === instances.length ? "" : `: ${folded(marked)}`;
  return ` (${says}${which})`;
}
