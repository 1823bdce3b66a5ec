import type { Outcome, RecordedEvent } from "../domain/events.ts";
import type { HostName, InstanceName, RolloutId } from "../domain/ids.ts";
import { worksOf, type Rollout } from "../domain/rollout.ts";
import { readPast, type Past } from "../planner/past.ts";
import type { Plan } from "../planner/plan.ts";
import { readJournal } from "../state/read-journal.ts";
import { keptRollouts } from "./journals.ts";

/** A rollout of a plan that has not come to its end. */
export interface Unfinished {
  readonly past: Past;
  readonly id: RolloutId;
  /** `cut off`: its journal ends in the middle, because it was killed or is still running. */
  readonly how: "halted" | "interrupted" | "incomplete" | "cut off";
}

/** Journals that are read in search of one that is not finished: what is older is of no interest. */
const MOST_JOURNALS = 20;

interface Read {
  readonly rollout: Rollout;
  readonly events: readonly RecordedEvent[];
  readonly outcome: Outcome | undefined;
}

/** Its journal is damaged, so that nobody can say what it has done. */
interface Unknown {
  readonly problem: string;
}

/** The newest rollout of a plan that is not finished, unless later ones have done all that it left. */
export function newestUnfinished(plan: Plan, stateDir: string | undefined): Unfinished | Unknown | undefined {
  const newest = keptRollouts(plan, stateDir).slice(0, MOST_JOURNALS);
  const all = newest.flatMap(({ file }) => readRollout(file) ?? []);
  // Of all before one is chosen: within one second a rollout may sort after the one that resumes it, or before.
  const resumed = new Set(all.flatMap((read) => ("rollout" in read && read.rollout.resumes) || []));
  const done = new Set<string>();
  for (const read of all) {
    if ("problem" in read) return read;
    const how = howItEnded(read.outcome);
    if (how && !resumed.has(read.rollout.id) && instancesIn(read.rollout).some((instance) => !done.has(instance)))
      return unfinishedOf(read, how, plan, stateDir);
    for (const instance of doneIn(read)) done.add(instance);
  }
  return undefined;
}

/** The newest rollout of a plan, if it came to its end with failures: only who names it goes on with it. */
export function newestIncomplete(plan: Plan, stateDir: string | undefined): RolloutId | undefined {
  const [newest] = keptRollouts(plan, stateDir);
  const read = newest && readRollout(newest.file);
  return read && "rollout" in read && read.outcome === "incomplete" ? read.rollout.id : undefined;
}

/** The unfinished rollout of this id, or why it cannot be gone on with. */
export function unfinishedCalled(
  id: string,
  plan: Plan,
  stateDir: string | undefined,
): Unfinished | Unknown | undefined {
  const all = keptRollouts(plan, stateDir);
  const kept = all.find((rollout) => rollout.id === id);
  const read = kept && readRollout(kept.file);
  if (read && "problem" in read) return read;
  if (!read)
    return {
      problem: `no rollout of this plan, at its path, is called ${id}; \`orchestrate history\` lists what there is`,
    };
  // Who names it wants its failures tried again; who does not, finds it ended.
  const how = read.outcome === "incomplete" ? read.outcome : howItEnded(read.outcome);
  if (!how) return { problem: `rollout ${id} came to its end (${read.outcome}): there is nothing to go on with` };
  const later = all.find(({ file }) => {
    const other = readRollout(file);
    return other && "rollout" in other && other.rollout.resumes === id;
  });
  if (later) return { problem: `rollout ${id} was gone on with by ${later.id} already: resume that` };
  return unfinishedOf(read, how, plan, stateDir);
}

function unfinishedOf(
  read: Read,
  how: Unfinished["how"],
  plan: Plan,
  stateDir: string | undefined,
): Unfinished | Unknown | undefined {
  const byId = new Map(keptRollouts(plan, stateDir).map(({ id, file }) => [id, file]));
  const chain = [read];
  for (let earlier = read.rollout.resumes; earlier !== undefined;) {
    const file = byId.get(earlier);
    const before = file === undefined ? undefined : readRollout(file);
    if (!before) break;
    if ("problem" in before) return before;
    chain.unshift(before);
    earlier = before.rollout.resumes;
  }
  const past = readPast(chain.flatMap(({ events }) => events));
  return past && { past, id: read.rollout.id, how };
}

function readRollout(file: string): Read | Unknown | undefined {
  const { events, damage } = readJournal(file);
  if (damage !== undefined) return { problem: `${damage}: what that rollout has done cannot be told` };
  const rollout = events.find((event) => event.type === "rollout.planned");
  const outcome = events.find((event) => event.type === "rollout.finished")?.outcome;
  return rollout && { rollout, events, outcome };
}

function howItEnded(outcome: Outcome | undefined): Unfinished["how"] | undefined {
  if (outcome === undefined) return "cut off";
  return outcome === "halted" || outcome === "interrupted" ? outcome : undefined;
}

function instancesIn(rollout: Rollout): string[] {
  return [...worksOf(rollout)].flatMap(({ host, batches }) =>
    batches.flatMap(({ instances }) => instances.map(({ instance }) => keyOf(host, instance))),
  );
}

/** What a rollout has made healthy, or found so. */
function doneIn({ rollout, events }: Read): string[] {
  const healthy = events.flatMap((event) =>
    event.type === "instance.healthy" ? [keyOf(event.host, event.instance)] : [],
  );
  return [...healthy, ...rollout.skipped.map(({ host, instance }) => keyOf(host, instance))];
}

function keyOf(host: HostName, instance: InstanceName): string {
  return `${host} ${instance}`;
}
