import type { Outcome, RecordedEvent } from "../../domain/events.ts";
import { type RolloutId, keyOf } from "../../domain/ids.ts";
import type { Rollout } from "../../domain/rollout.ts";
import { openAs, readResumedRollout, type ResumedRollout } from "../../planner/build/resumed.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import { endOfJournal, headOfJournal, readJournal } from "../../state/read-journal.ts";
import { writerOf } from "../../state/writer.ts";
import type { Writer } from "../../domain/writer.ts";
import { keptRollouts, type KeptRollout } from "./journals.ts";

/** A rollout of a plan that has not finished. */
export interface Unfinished {
  readonly resumed: ResumedRollout;
  readonly id: RolloutId;
  /** `cut off`: its journal ends in the middle, because it was killed or is still running. */
  readonly how: "halted" | "interrupted" | "incomplete" | "cut off";
  /** Of one that is cut off: all that is known of the process that writes its journal. */
  readonly writer?: Writer;
}

/** How many journals are searched for an unfinished rollout; older ones do not matter. */
const MOST_JOURNALS = 20;

interface Read {
  readonly file: string;
  readonly rollout: Rollout;
  readonly events: readonly RecordedEvent[];
  readonly outcome: Outcome | undefined;
}

/** Its journal is damaged, so it is not known what it has done. */
export interface Unknown {
  readonly problem: string;
}

type PlanName = Pick<Plan, "name" | "file">;

/**
 * The newest rollout of a plan that is not finished, unless later ones have done all that it left. One that ended with
 * failures that its plan tolerates is finished; a resume is not as long as anything of its chain is open.
 */
export function newestUnfinished(plan: PlanName, stateDir: string | undefined): Unfinished | Unknown | undefined {
  const kept = keptRollouts(plan, stateDir);
  const newest = kept.slice(0, MOST_JOURNALS);
  const all = newest.flatMap(({ file }) => readRollout(file) ?? []);
  // Of all before one is chosen: within one second a rollout may sort after the one that resumes it, or before.
  const resumed = new Set(all.flatMap((read) => ("rollout" in read && read.rollout.resumes) || []));
  const done = new Set<string>();
  for (const read of all) {
    if ("problem" in read) return read;
    const { id, resumes } = read.rollout;
    const how = howItEnded(read.outcome);
    if (how && !resumed.has(id) && (how !== "incomplete" || resumes !== undefined)) {
      const resumed = resumedFrom(read, kept);
      if ("problem" in resumed) return resumed;
      const isOpen = openIn(resumed, read.rollout).some((instance) => !done.has(instance));
      if (isOpen || (how === "cut off" && mayBeDrained(resumed))) {
        const writer = how === "cut off" ? writerOf(read.file, read.rollout) : undefined;
        return { resumed, id, how, ...(writer && { writer }) };
      }
    }
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
  return newest.flatMap(({ id, file }) => {
    const last = endOfJournal(file);
    const how = howItEnded(last?.type === "rollout.finished" ? last.outcome : undefined);
    if (!how || resumed.has(id)) return [];
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
  const how = howItEnded(read.outcome);
  if (!how) return { problem: `rollout ${id} has finished (${read.outcome}): nothing to resume` };
  const resumed = resumedFrom(read, kept);
  if ("problem" in resumed) return resumed;
  if (how === "incomplete" && openIn(resumed, read.rollout).length === 0)
    return { problem: `rollout ${id} has finished: the hosts that it left out are no part of it. Run the plan again` };
  return { resumed, id: named.id, how };
}

/** The one that can be resumed of all that resume each other. Only the heads of journals are read. */
function lastOfChain(id: RolloutId, kept: readonly KeptRollout[]): RolloutId {
  const resumedBy = new Map<RolloutId, RolloutId>();
  for (const later of kept) {
    const { resumes } = headOfJournal(later.file);
    // The newest comes first.
    if (resumes !== undefined && !resumedBy.has(resumes)) resumedBy.set(resumes, later.id);
  }
  let last = id;
  for (let next = resumedBy.get(last); next !== undefined; next = resumedBy.get(last)) last = next;
  return last;
}

function whatOf(id: RolloutId, kept: readonly KeptRollout[]): string {
  const found = kept.find((rollout) => rollout.id === id);
  const read = found && readRollout(found.file);
  const isOver = read && "rollout" in read && !howItEnded(read.outcome);
  return isOver ? `, which has finished (${read.outcome}): nothing to resume` : `. Resume that one: --resume ${id}`;
}

/** What was done by a rollout and all that it resumes. */
function resumedFrom(read: Read, kept: readonly KeptRollout[]): ResumedRollout | Unknown {
  const byId = new Map(kept.map(({ id, file }) => [id, file]));
  const chain = [read];
  for (let earlier = read.rollout.resumes; earlier !== undefined;) {
    const file = byId.get(earlier);
    const before = file === undefined ? undefined : readRollout(file);
    if (!before) break;
    if ("problem" in before) return before;
    chain.unshift(before);
    earlier = before.rollout.resumes;
  }
  return readResumedRollout(chain.flatMap(({ events }) => events)) ?? { problem: "its journal is empty" };
}

function readRollout(file: string): Read | Unknown | undefined {
  const { events, damage } = readJournal(file);
  if (damage !== undefined) return { problem: `${damage}: it is not known what that rollout has done` };
  const rollout = events.find((event) => event.type === "rollout.planned");
  const outcome = events.find((event) => event.type === "rollout.finished")?.outcome;
  return rollout && { file, rollout, events, outcome };
}

/** How a rollout without an end stands: `cut off`, unless its process is seen to run. For completion, from its head alone. */
export function unfinishedText(file: string): "cut off" | "running" {
  return writerOf(file, headOfJournal(file))?.state === "running" ? "running" : "cut off";
}

function howItEnded(outcome: Outcome | undefined): Unfinished["how"] | undefined {
  if (outcome === undefined) return "cut off";
  return outcome === "succeeded" || outcome === "refused" ? undefined : outcome;
}

/** What of a chain is not healthy and was not left alone for a reason by the last of it. */
function openIn(resumed: ResumedRollout, { skipped, proven }: Rollout): string[] {
  const settled = new Set(skipped.map(({ host, instance }) => keyOf({ host, instance })));
  // What was healthy before may have failed since.
  for (const { host, instance } of proven) settled.delete(keyOf({ host, instance }));
  return [...resumed.planned].flatMap(([host, instances]) =>
    [...instances.keys()]
      .filter((instance) => openAs(resumed, host, instance) !== undefined)
      .map((instance) => keyOf({ host, instance }))
      .filter((instance) => !settled.has(instance)),
  );
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
