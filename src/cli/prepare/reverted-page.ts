import type { Rollout } from "../../domain/rollout.ts";
import { readJournal } from "../../state/read-journal.ts";
import { createPage, type Page } from "../../views/page/page.ts";
import { keptRollout } from "./journals.ts";

/** The page of the rollout that a revert reverts, from its journal: a part of that of the revert. */
export function revertedPage(
  { reverts }: Pick<Rollout, "reverts"> = {},
  stateDir: string | undefined,
): Page | undefined {
  const kept = reverts === undefined ? undefined : keptRollout(reverts, stateDir);
  if (!kept) return undefined;
  const page = createPage();
  for (const event of readJournal(kept.file).events) page.apply(event);
  return page;
}
