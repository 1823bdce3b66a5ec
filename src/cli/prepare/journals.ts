import { randomBytes } from "node:crypto";
import type { RolloutId } from "../../domain/ids.ts";
import type { Recorder } from "../../executor/recorder.ts";
import type { Plan } from "../../planner/plan/plan.ts";
import { createJournal, type OpenedJournal } from "../../state/journal.ts";
import { journalsIn, planDirsIn } from "../../state/read-journal.ts";
import { journalFile, planDir, stateDir } from "../../state/state-dir.ts";

/** A rollout whose journal was found. */
export interface KeptRollout {
  readonly id: RolloutId;
  readonly file: string;
}

/** Ids sort by the time at which the rollout began; the end keeps two of one second apart. */
export function newRolloutId(now: Date): RolloutId {
  const time = now
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(/[-:]/g, "");
  return `${time}-${randomBytes(2).toString("hex")}` as RolloutId;
}

function openJournal(plan: Plan, id: RolloutId, givenDir: string | undefined): OpenedJournal {
  return createJournal(journalFile(planDir(stateDir(givenDir, process.env), plan), id));
}

/** From now on the events of a rollout are kept. Returns why they cannot be, if so. */
export async function keepInJournal(
  { recorder, id }: { readonly recorder: Recorder; readonly id: RolloutId },
  plan: Plan,
  stateDir: string | undefined,
): Promise<string | undefined> {
  const opened = openJournal(plan, id, stateDir);
  if ("problem" in opened) return opened.problem;
  recorder.keepIn(opened.journal);
  // A file can be made on a full disk, too.
  return recorder.durable();
}

/** The rollouts of a plan, or of all plans; the newest first. */
export function keptRollouts(
  plan: Pick<Plan, "name" | "file"> | undefined,
  givenDir: string | undefined,
): KeptRollout[] {
  const state = stateDir(givenDir, process.env);
  const dirs = plan ? [planDir(state, plan)] : planDirsIn(state);
  return dirs.flatMap(journalsIn).sort((a, b) => (a.id < b.id ? 1 : -1));
}

/** The rollout of an id, of whatever plan; undefined where there is no journal of that name. */
export function keptRollout(id: string, givenDir: string | undefined): KeptRollout | undefined {
  return keptRollouts(undefined, givenDir).find((rollout) => rollout.id === id);
}
