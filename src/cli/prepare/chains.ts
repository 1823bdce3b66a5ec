import type { Outcome, RecordedEvent } from "../../domain/events.ts";
import { keyOf, type RolloutId } from "../../domain/ids.ts";
import type { Rollout } from "../../domain/rollout.ts";
import { openAs, readResumedRollout, type ResumedRollout } from "../../planner/build/resumed.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import { headOfJournal, readJournal } from "../../state/read-journal.ts";
import type { KeptRollout } from "./journals.ts";

/** A rollout as its journal has it. */
export interface Read {
  readonly file: string;
  readonly rollout: Rollout;
  readonly events: readonly RecordedEvent[];
  readonly outcome: Outcome | undefined;
}

/** Its journal is damaged, so it is not known what it has done. */
export interface Unknown {
  readonly problem: string;
}

export type PlanName = Pick<Plan, "name" | "file">;

/** How a rollout that can be resumed has ended. `cut off`: its journal ends in the middle. */
export type Unended = "halted" | "interrupted" | "incomplete" | "cut off";

/** The last of all that resume each other. Only the heads of journals are read. */
export function lastOfChain(id: RolloutId, kept: readonly KeptRollout[]): RolloutId {
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

/** The newest rollout that reverts a chain, from its first rollout to this one, or resumes such a revert. Only heads are read. */
export function revertOf(last: RolloutId, kept: readonly KeptRollout[]): RolloutId | undefined {
  const byId = new Map(kept.map(({ id, file }) => [id, file]));
  const chain = new Set<RolloutId>();
  for (let id: RolloutId | undefined = last; id !== undefined;) {
    chain.add(id);
    const file = byId.get(id);
    id = file === undefined ? undefined : headOfJournal(file).resumes;
  }
  return kept.find(({ file }) => {
    const { reverts } = headOfJournal(file);
    return reverts !== undefined && chain.has(reverts);
  })?.id;
}

/** What was done by a rollout and all that it resumes. */
export function resumedFrom(read: Read, kept: readonly KeptRollout[]): ResumedRollout | Unknown {
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

export function readRollout(file: string): Read | Unknown | undefined {
  const { events, damage } = readJournal(file);
  if (damage !== undefined) return { problem: `${damage}: it is not known what that rollout has done` };
  const rollout = events.find((event) => event.type === "rollout.planned");
  const outcome = events.find((event) => event.type === "rollout.finished")?.outcome;
  return rollout && { file, rollout, events, outcome };
}

export function howItEnded(outcome: Outcome | undefined): Unended | undefined {
  if (outcome === undefined) return "cut off";
  return outcome === "succeeded" || outcome === "refused" ? undefined : outcome;
}

/** What of a chain is not healthy and was not left alone for a reason by the last of it. */
export function openIn(resumed: ResumedRollout, { skipped, proven }: Rollout): string[] {
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
