import { beganAt } from "../../domain/ids.ts";
import { printable } from "../../domain/printable.ts";
import type { Selection } from "../../domain/rollout.ts";
import type { RolloutModel } from "../model/rollout-model.ts";
import { titled } from "./report-sections.ts";

/** How the operator called the rollout: what the commands that go on from it repeat. */
export interface Invocation {
  /** The plan as the operator named it. Default: its absolute path. */
  readonly plan?: string;
  /** All that came after `orchestrate`. */
  readonly words?: readonly string[];
  /** Where the journal is, if that was said. */
  readonly stateDir?: string;
  /** The moment since when nothing was to be restarted again, if one was given. */
  readonly startedBefore?: string;
}

/** Before the command, by how the rollout ended. */
const FIRST = {
  refused: "fix that, then ",
  halted: "fix the cause, then ",
  incomplete: "fix the causes, then ",
  interrupted: "",
} as const;

/** What the operator does next: each command on a line of its own, as a shell takes it. */
export function nextSteps(model: RolloutModel, called: Invocation): string[] {
  const outcome = model.finished?.outcome;
  if (outcome === "succeeded") return [];
  const first = outcome === undefined ? "" : FIRST[outcome];
  return titled("how to continue", linesFor(model, called, first));
}

function linesFor(model: RolloutModel, called: Invocation, first: string): string[] {
  const { id, started, planned, finished, instances, drains } = model;
  const plan = called.plan ?? planned?.plan_file;
  if (plan === undefined) return [`  ${first}run the same plan again`];
  const selected = selectionWords(planned?.selection);
  const { healthy, failed, indeterminate, under_restart } = instances.counts;
  // What a hook may have drained, only a resume puts back in any case.
  const isDrained = drains.instances.size + drains.hosts.size > 0;
  const wasTouched = isDrained || healthy + failed + indeterminate + under_restart > 0;
  const isResume = planned?.resumes !== undefined;
  // What a resume that has started goes on with, is gone on with by it: that cannot be resumed any more.
  if (!started || (planned && !wasTouched && !isResume))
    return [`  ${first}run it again:`, commandLine(called.words ?? [plan, ...selected])];
  const kept = called.stateDir === undefined ? [] : ["--state-dir", called.stateDir];
  const isIncomplete = finished?.outcome === "incomplete";
  const isAllWell = failed + indeterminate === 0;
  const isForRest = isIncomplete && (planned?.left_open ?? []).length > 0;
  const rest = restOf(model, called, isForRest).map((words) => commandLine([plan, ...words, ...kept]));
  // Hosts that the first of a chain left out are no part of it, and of a resume neither.
  if (isIncomplete && isAllWell && !isForRest && rest.length > 0)
    return [`  ${first}run it again for the rest:`, ...rest];
  const resume = ["--resume", ...(id === undefined ? [] : [id])];
  const fromStart = fromStartOf(model, called).map((words) => commandLine([plan, ...words, ...kept]));
  return [
    isForRest ? `  ${isAllWell ? "" : first}resume the rest:` : `  ${first}resume from here:`,
    // The journal knows what its own rollout selected; of a resume that is how far it was narrowed, unless that is done.
    commandLine([plan, ...resume, ...(isResume && !isForRest ? selected : []), ...kept]),
    ...(fromStart.length === 0 ? [] : [FROM_START, ...fromStart]),
    ...(rest.length === 0 ? [] : [WITHOUT_JOURNAL, ...rest]),
  ];
}

/** What restarts all again that the first of the chain was about, unless that was only what had been started by then. */
function fromStartOf({ planned }: RolloutModel, { startedBefore }: Invocation): string[][] {
  const selection = planned?.resumes === undefined ? planned?.selection : planned.began_as?.selection;
  return selection && startedBefore === undefined ? [selectionWords(selection)] : [];
}

/**
 * What continues without the journal, if there is a command that reaches just as far as the rollout did.
 * @param isWhole whether it is to reach as far as the first of the chain instead
 */
function restOf({ id, planned }: RolloutModel, called: Invocation, isWhole: boolean): string[][] {
  const began = called.startedBefore ?? beganAt(planned?.began_as?.id ?? id ?? "");
  if (began === undefined) return [];
  const own = isWhole ? undefined : planned?.selection;
  const whole = planned?.began_as?.selection;
  // A journal of an older version does not say how it began; and of two limits a command has no way to name what is in both.
  if (planned?.resumes !== undefined && (!whole || (own?.limit.length && whole.limit.length))) return [];
  const { limit = [], exclude = [], programs = [] } = own ?? {};
  const selection = {
    limit: [...limit, ...(whole?.limit ?? [])],
    exclude: [...exclude, ...(whole?.exclude ?? [])],
    programs: [...programs, ...(whole?.programs ?? [])],
  };
  return [["--started-before", began, ...selectionWords(selection)]];
}

/** A selection as options. Journals of older versions have none. */
export function selectionWords({ limit, exclude, programs }: Partial<Selection> = {}): string[] {
  const words = (option: string, patterns: readonly string[] = []) => patterns.flatMap((pattern) => [option, pattern]);
  return [...words("--limit", limit), ...words("--exclude", exclude), ...words("--program", programs)];
}

const FROM_START = "  if another release was deployed meanwhile, run it again from the start:";

const WITHOUT_JOURNAL =
  "  without its journal, restart only what has not been restarted since it started (what failed and runs, and what is STOPPED or drained, stays as it is):";

function commandLine(words: readonly string[]): string {
  return `    ${shellCommand(words)}`;
}

/** A call of orchestrate as a shell takes it back. */
export function shellCommand(words: readonly string[]): string {
  return ["orchestrate", ...words.map(quoted)].join(" ");
}

function quoted(word: string): string {
  return /^[\w./@:+,=-]+$/.test(word) ? word : `'${printable(word).replaceAll("'", `'\\''`)}'`;
}
