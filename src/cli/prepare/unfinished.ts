import type { Outcome } from "../../domain/events.ts";
import { type RolloutId, keyOf } from "../../domain/ids.ts";
import type { ResumedRollout } from "../../planner/build/resumed.ts";
import { endOfJournal, headOfJournal } from "../../state/read-journal.ts";
import { writerOf } from "../../state/writer.ts";
import type { Writer } from "../../domain/writer.ts";
import {
  howItEnded,
  lastOfChain,
  openIn,
  readRollout,
  resumedFrom,
  revertOf,
  type PlanName,
  type Read,
  type Unended,
  type Unknown,
} from "./chains.ts";
import { keptRollouts, type KeptRollout } from "./journals.ts";

/** A rollout of a plan that has not finished. */
export interface Unfinished {
  readonly resumed: ResumedRollout;
  readonly id: RolloutId;
  /** `cut off`: because it was killed or is still running. */
  readonly how: Unended;
  /** Of one that is cut off: all that is known of the process that writes its journal. */
  readonly writer?: Writer;
}

/** How many journals are searched for an unfinished rollout; older ones do not matter. */
const MOST_JOURNALS = 20;

/**
 * The newest rollout of a plan that is not finished, unless later ones have done all that it left. One that ended with
 * failures that its plan tolerates is finished; a resume or a revert is not as long as anything of its chain is open. A
 * revert settles what came before it: to resume that would roll out again what was reverted.
 */
export function newestUnfinished(plan: PlanName, stateDir: string | undefined): Unfinished | Unknown | undefined {
  const kept = keptRollouts(plan, stateDir);
  const newest = kept.slice(0, MOST_JOURNALS);
  const all = newest.flatMap(({ file }) => readRollout(file) ?? []);
  // Of all before one is chosen: within one second a rollout may sort after the one that resumes it, or before.
  const resumed = new Set(all.flatMap((read) => ("rollout" in read && read.rollout.resumes) || []));
  const reverted = new Set(all.flatMap((read) => ("rollout" in read && read.rollout.reverts) || []));
  const done = new Set<string>();
  for (const read of all) {
    if ("problem" in read) return read;
    const { id, resumes, reverts } = read.rollout;
    const how = howItEnded(read.outcome);
    const isOver = how === "incomplete" && resumes === undefined && reverts === undefined;
    if (how && !isOver && !resumed.has(id) && !reverted.has(id)) {
      const resumed = resumedFrom(read, kept);
      if ("problem" in resumed) return resumed;
      const isOpen = openIn(resumed, read.rollout).some((instance) => !done.has(instance));
      if (isOpen || (how === "cut off" && mayBeDrained(resumed))) {
        const writer = how === "cut off" ? writerOf(read.file, read.rollout) : undefined;
        return { resumed, id, how, ...(writer && { writer }) };
      }
    }
    if (reverts !== undefined && !resumed.has(id)) return undefined;
    for (const instance of doneIn(read)) done.add(instance);
  }
  return undefined;
}

/** The newest rollout of a plan, if it came to its end with failures: it is resumed only where it is named. */
export function newestIncomplete(plan: PlanName, stateDir: string | undefined): RolloutId | undefined {
  const kept = keptRollouts(plan, stateDir);
  const read = kept[0] && readRollout(kept[0].file);
  if (!read || "problem" in read || read.outcome !== "incomplete") return undefined;
  const resumed = resumedFrom(read, kept);
  return "problem" in resumed || openIn(resumed, read.rollout).length === 0 ? undefined : read.rollout.id;
}

/**
 * Those of a plan's newest rollouts that can be resumed, and how they ended. For completion, which must be
 * fast: of most journals only the head and the end are read.
 */
export function resumableIn(
  plan: PlanName,
  stateDir: string | undefined,
  most: number,
): { readonly id: RolloutId; readonly how: Unfinished["how"] | "running" }[] {
  const kept = keptRollouts(plan, stateDir);
  const newest = kept.slice(0, most);
  const resumed = new Set(newest.map(({ file }) => headOfJournal(file).resumes));
  const hasReverts = newest.some(({ file }) => headOfJournal(file).reverts !== undefined);
  return newest.flatMap(({ id, file }) => {
    const last = endOfJournal(file);
    const how = howItEnded(last?.type === "rollout.finished" ? last.outcome : undefined);
    if (!how || resumed.has(id) || (hasReverts && revertOf(id, newest) !== undefined)) return [];
    const isOpen = how !== "incomplete" || !("problem" in unfinishedCalled(id, plan, stateDir));
    return isOpen ? [{ id, how: how === "cut off" ? unfinishedText(file) : how }] : [];
  });
}

/** The unfinished rollout of this id, or why it cannot be resumed. */
export function unfinishedCalled(id: string, plan: PlanName, stateDir: string | undefined): Unfinished | Unknown {
  const kept = keptRollouts(plan, stateDir);
  const named = kept.find((rollout) => rollout.id === id);
  const read = named && readRollout(named.file);
  if (!named || !read)
    return {
      problem: `no rollout of this plan, at its path, has the ID ${id}; \`orchestrate history\` lists all`,
    };
  if ("problem" in read) return read;
  const last = lastOfChain(named.id, kept);
  if (last !== named.id) return { problem: `rollout ${id} was already resumed as ${last}${whatOf(last, kept)}` };
  const revert = revertOf(named.id, kept);
  if (revert !== undefined) return { problem: `rollout ${id} ${revertedAs(revert, kept)}` };
  const how = howItEnded(read.outcome);
  if (!how) return { problem: `rollout ${id} has finished (${read.outcome}): nothing to resume` };
  const resumed = resumedFrom(read, kept);
  if ("problem" in resumed) return resumed;
  if (how === "incomplete" && openIn(resumed, read.rollout).length === 0)
    return { problem: `rollout ${id} has finished: the hosts that it left out are no part of it. Run the plan again` };
  return { resumed, id: named.id, how };
}

function whatOf(id: RolloutId, kept: readonly KeptRollout[]): string {
  const ended = endIfOver(id, kept);
  return ended === undefined
    ? `. Resume that one: --resume ${id}`
    : `, which has finished (${ended}): nothing to resume`;
}

/** What has become of a rollout that was reverted. */
export function revertedAs(revert: RolloutId, kept: readonly KeptRollout[]): string {
  const ended = endIfOver(revert, kept);
  return ended === undefined
    ? `is being reverted as ${revert}, which has not finished. Resume that one: --resume ${revert}`
    : `was already reverted as ${revert} (${ended}). To roll out again, run the plan`;
}

/** How a rollout ended, if there is nothing of it to resume. */
function endIfOver(id: RolloutId, kept: readonly KeptRollout[]): Outcome | undefined {
  const found = kept.find((rollout) => rollout.id === id);
  const read = found && readRollout(found.file);
  return read && "rollout" in read && !howItEnded(read.outcome) ? read.outcome : undefined;
}

/** How a rollout without an end stands: `cut off`, unless its process is seen to run. For completion, from its head alone. */
export function unfinishedText(file: string): "cut off" | "running" {
  return writerOf(file, headOfJournal(file))?.state === "running" ? "running" : "cut off";
}

/** A rollout that was killed has not reported what it left out of service. */
function mayBeDrained({ leftDrained }: ResumedRollout): boolean {
  return Object.values(leftDrained).flat().length > 0;
}

/** What a rollout has made healthy, or left alone for a reason. */
function doneIn({ rollout, events }: Read): Set<string> {
  const done = new Set(rollout.skipped.map(({ host, instance }) => keyOf({ host, instance })));
  for (const event of events)
    if (event.type === "instance.healthy") done.add(keyOf(event));
    else if (event.type === "instance.restarting") done.delete(keyOf(event));
    else if (event.type === "instance.failed")
      for (const instance of [event.instance, ...(event.also ?? [])])
        done.delete(keyOf({ host: event.host, instance }));
  return done;
}
