import { basename, dirname } from "node:path";
import { endOfJournal } from "../../state/read-journal.ts";
import { keptRollouts } from "../prepare/journals.ts";
import { revertibleIn } from "../prepare/revertible.ts";
import { resumableIn, unfinishedText } from "../prepare/unfinished.ts";

/** A word that may stand at a place, and what it means. */
export interface Described {
  readonly text: string;
  readonly says?: string;
}

/** For older ones, `orchestrate history`. */
const MOST_ROLLOUTS = 30;

/** The newest rollouts of all plans. */
export function rolloutsOf(stateDir: string | undefined): Described[] {
  return keptRollouts(undefined, stateDir)
    .slice(0, MOST_ROLLOUTS)
    .map(({ id, file }) => ({ text: id, says: `${planOf(file)}, ${outcomeOf(file)}` }));
}

/** The newest rollouts of a plan that can be resumed. */
export function unfinishedIn(
  plan: { readonly name: string; readonly file: string },
  stateDir: string | undefined,
): Described[] {
  return resumableIn(plan, stateDir, MOST_ROLLOUTS).map(({ id, how }) => ({ text: id, says: how }));
}

/** The newest rollouts of a plan that can be reverted. */
export function revertedIn(
  plan: { readonly name: string; readonly file: string },
  stateDir: string | undefined,
): Described[] {
  return revertibleIn(plan, stateDir, MOST_ROLLOUTS).map(({ id, file }) => ({ text: id, says: outcomeOf(file) }));
}

function planOf(journal: string): string {
  return basename(dirname(journal)).replace(/-[0-9a-f]{12}$/, "");
}

/** From the journal's last event and its head alone: there is no time to read thousands while the tab key is pressed. */
function outcomeOf(journal: string): string {
  const last = endOfJournal(journal);
  return last?.type === "rollout.finished" ? last.outcome : unfinishedText(journal);
}
