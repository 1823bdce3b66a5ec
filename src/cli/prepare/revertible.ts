import type { RolloutId } from "../../domain/ids.ts";
import { hostsToRevert, touchedIn } from "../../planner/build/reverting.ts";
import type { ResumedRollout } from "../../planner/build/resumed.ts";
import { headOfJournal } from "../../state/read-journal.ts";
import { writerOf } from "../../state/writer.ts";
import { sinceText } from "../../views/words/writer-text.ts";
import { lastOfChain, readRollout, resumedFrom, revertOf, type PlanName, type Read, type Unknown } from "./chains.ts";
import { keptRollouts, type KeptRollout } from "./journals.ts";
import { revertedAs } from "./unfinished.ts";

/** A rollout that can be reverted, with all that it resumes and that resumed it. */
export interface Revertible {
  readonly id: RolloutId;
  readonly chain: ResumedRollout;
}

/** The newest rollout of a plan that has restarted something, or why it cannot be reverted. */
export function newestRevertible(plan: PlanName, stateDir: string | undefined): Revertible | Unknown {
  const kept = keptRollouts(plan, stateDir);
  for (const { id, file } of kept) {
    const { reverts } = headOfJournal(file);
    if (reverts !== undefined)
      return { problem: `the newest rollout of this plan, ${reverts}, ${revertedAs(id, kept)}` };
    const found = revertible(id, kept);
    if ("problem" in found || touchedIn(found.chain).size > 0) return found;
  }
  return { problem: "no rollout of this plan, at its path, has restarted anything: there is nothing to revert" };
}

/** The rollout of this id, or why it cannot be reverted. */
export function revertibleCalled(id: string, plan: PlanName, stateDir: string | undefined): Revertible | Unknown {
  const kept = keptRollouts(plan, stateDir);
  const named = kept.find((rollout) => rollout.id === id);
  if (!named)
    return { problem: `no rollout of this plan, at its path, has the ID ${id}; \`orchestrate history\` lists all` };
  const { reverts } = headOfJournal(named.file);
  if (reverts !== undefined)
    return {
      problem: `rollout ${id} is itself a revert, of ${reverts}: it cannot be reverted. To roll out again, run the plan`,
    };
  const found = revertible(named.id, kept);
  if ("problem" in found || hostsToRevert(found.chain).size > 0) return found;
  return { problem: `rollout ${id} has restarted nothing: there is nothing to revert` };
}

/** Those of a plan's newest rollouts that may be reverted. For completion: only the heads of journals are read. */
export function revertibleIn(plan: PlanName, stateDir: string | undefined, most: number): KeptRollout[] {
  const newest = keptRollouts(plan, stateDir).slice(0, most);
  const isReverted = (id: RolloutId) => revertOf(lastOfChain(id, newest), newest) !== undefined;
  return newest.filter(({ id, file }) => headOfJournal(file).reverts === undefined && !isReverted(id));
}

function revertible(id: RolloutId, kept: readonly KeptRollout[]): Revertible | Unknown {
  const last = lastOfChain(id, kept);
  const revert = revertOf(last, kept);
  if (revert !== undefined) return { problem: `rollout ${id} ${revertedAs(revert, kept)}` };
  const file = kept.find((rollout) => rollout.id === last)?.file;
  const read = file === undefined ? undefined : readRollout(file);
  if (!read) return { problem: `the journal of rollout ${last} is empty: it is not known what it has done` };
  if ("problem" in read) return read;
  const running = runningText(last, read);
  if (running !== undefined) return { problem: running };
  const chain = resumedFrom(read, kept);
  return "problem" in chain ? chain : { id, chain };
}

/** Until it has ended nobody knows what there is to revert. */
function runningText(id: RolloutId, { file, rollout, outcome }: Read): string | undefined {
  const writer = outcome === undefined ? writerOf(file, rollout) : undefined;
  if (writer?.state !== "running") return undefined;
  return `rollout ${id} is still running (${sinceText(id, writer)}): interrupt it first, then revert it`;
}
