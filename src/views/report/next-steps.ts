import { actionWord } from "../../domain/action.ts";
import { beganAt, type RolloutId } from "../../domain/ids.ts";
import { printable } from "../../domain/printable.ts";
import { restartsOnly, updatesOnly, type Selection } from "../../domain/rollout.ts";
import type { RolloutModel } from "../model/rollout-model.ts";
import { capitalized } from "../words/capitalized.ts";
import { isRunning, titled } from "./report-sections.ts";

/** How the operator ran orchestrate: commands that continue the rollout repeat it. */
export interface Invocation {
  /** The plan as the operator named it. Default: its absolute path. */
  readonly plan?: string;
  /** All arguments of `orchestrate`. */
  readonly words?: readonly string[];
  /** The directory of the journal, if one was given. */
  readonly stateDir?: string;
  /** `--started-before`, if it was given. */
  readonly startedBefore?: string;
  /** Of a rollout of the past that was to be reverted: by which one it was, if by any. */
  readonly reverted?: { readonly as: RolloutId | undefined };
}

/** What the operator does before the next command, by the outcome. */
const FIRST = {
  refused: "fix that, then",
  halted: "fix the cause, then",
  incomplete: "fix the causes, then",
  interrupted: "",
} as const;

/** The commands that the operator may run next, each on a line of its own, quoted for a shell. */
export function nextSteps(model: RolloutModel, invocation: Invocation): string[] {
  const outcome = model.finished?.outcome;
  if (outcome === "succeeded") return [];
  if (isRunning(model)) return titled("still running", runningLines(model));
  if (model.finished?.revert === "follows" && invocation.reverted?.as !== undefined)
    return titled("what followed", [
      "  It was reverted. To see the other half:",
      commandLine([
        "report",
        invocation.reverted.as,
        ...(invocation.stateDir === undefined ? [] : ["--state-dir", invocation.stateDir]),
      ]),
    ]);
  if (model.finished?.revert === "follows" && !invocation.reverted)
    return titled("what follows", ["  What it has restarted is reverted now, by another rollout."]);
  const first = outcome === undefined ? "" : FIRST[outcome];
  return titled("how to continue", linesFor(model, invocation, first));
}

function runningLines({ writer }: RolloutModel): string[] {
  return [
    "  This is what has happened so far. There is nothing to repair or to resume.",
    ...(writer
      ? [`  To stop it after the restarts in progress, on ${printable(writer.machine)}:`, `    kill ${writer.pid}`]
      : []),
  ];
}

function linesFor(model: RolloutModel, invocation: Invocation, first: string): string[] {
  const { id, started, planned, finished, instances, drains } = model;
  const plan = invocation.plan ?? planned?.plan_file;
  if (plan === undefined) return [`  ${sentence(first, "run the same plan again")}.`];
  const selected = selectionWords(planned?.selection);
  const set = (planned?.set ?? []).flatMap((setting) => ["--set", setting]);
  const { healthy, failed, indeterminate, under_restart } = instances.counts;
  // Only a resume is certain to put back what a hook may have drained.
  const wasTouched = !drains.isEmpty || healthy + failed + indeterminate + under_restart > 0;
  const isRevert = planned?.reverts !== undefined;
  const isResume = planned?.resumes !== undefined || isRevert;
  // A resume that has started takes the place of the rollout before it, which can no longer be resumed.
  if (!started || (planned && !wasTouched && !isResume))
    return [`  ${sentence(first, "run it again")}:`, commandLine(invocation.words ?? [plan, ...selected, ...set])];
  // What was set is part of the plan, whichever way it continues.
  const kept = [...set, ...(invocation.stateDir === undefined ? [] : ["--state-dir", invocation.stateDir])];
  const isIncomplete = finished?.outcome === "incomplete";
  const isAllWell = failed + indeterminate === 0;
  const isForRest = isIncomplete && (planned?.left_open ?? []).length > 0;
  const resume = ["--resume", ...(id === undefined ? [] : [id])];
  if (isRevert)
    return [
      `  ${sentence(isAllWell ? "" : first, "resume the revert")}:`,
      commandLine([plan, ...resume, ...(isForRest ? [] : limitWords(planned.selection)), ...kept]),
    ];
  const rest = restOf(model, invocation, isForRest).map((words) => commandLine([plan, ...words, ...kept]));
  // Hosts that the first rollout of a chain left out are not part of it, so a resume does not reach them.
  if (isIncomplete && isAllWell && !isForRest && rest.length > 0)
    return [`  ${sentence(first, "run it again for the rest")}:`, ...rest];
  const fromStart = fromStartOf(model, invocation).map((words) => commandLine([plan, ...words, ...kept]));
  return [
    `  ${isForRest ? sentence(isAllWell ? "" : first, "resume the rest") : sentence(first, "resume")}:`,
    // The journal has the selection of its rollout. The selection of a resume narrows it, unless that part is done.
    commandLine([plan, ...resume, ...(isResume && !isForRest ? selected : []), ...kept]),
    ...(planned?.revert || planned?.on_failure === "revert"
      ? [GO_BACK, commandLine([plan, "--revert", ...(id === undefined ? [] : [id]), ...kept])]
      : []),
    ...(fromStart.length === 0 ? [] : [FROM_START, ...fromStart]),
    ...(rest.length === 0 ? [] : [WITHOUT_JOURNAL, ...rest]),
  ];
}

/**
 * The options that restart everything again from the first rollout of the chain; none where it was limited by start time,
 * and after updates.
 */
function fromStartOf({ planned }: RolloutModel, { startedBefore }: Invocation): string[][] {
  // What was updated is up to date: the same command would find nothing to do.
  if (planned && updatesOnly(planned)) return [];
  const selection = planned?.resumes === undefined ? planned?.selection : planned.began_as?.selection;
  return selection && startedBefore === undefined ? [selectionWords(selection)] : [];
}

/**
 * The options that continue without the journal, if there are any that select exactly what the rollout selected.
 * @param isWhole whether to select what the first rollout of the chain selected instead
 */
function restOf({ id, planned }: RolloutModel, invocation: Invocation, isWhole: boolean): string[][] {
  const began = invocation.startedBefore ?? beganAt(planned?.began_as?.id ?? id ?? "");
  if (began === undefined || (planned && !restartsOnly(planned))) return [];
  const own = isWhole ? undefined : planned?.selection;
  const whole = planned?.began_as?.selection;
  // A journal of an older version does not say how it began, and no command can name the hosts that two limits have in common.
  if (planned?.resumes !== undefined && (!whole || (own?.limit.length && whole.limit.length))) return [];
  const { limit = [], exclude = [], programs = [] } = own ?? {};
  const action = own?.action ?? whole?.action;
  const selection = {
    limit: [...limit, ...(whole?.limit ?? [])],
    exclude: [...exclude, ...(whole?.exclude ?? [])],
    programs: [...programs, ...(whole?.programs ?? [])],
    ...(action !== undefined && { action }),
  };
  return [["--started-before", began, ...selectionWords(selection)]];
}

/** The options of a selection. Journals of older versions have none. */
export function selectionWords({ limit, exclude, programs, action }: Partial<Selection> = {}): string[] {
  const words = (option: string, patterns: readonly string[] = []) => patterns.flatMap((pattern) => [option, pattern]);
  return [
    ...words("--limit", limit),
    ...words("--exclude", exclude),
    ...words("--program", programs),
    ...words("--action", action && [actionWord(action)]),
  ];
}

/** Of a revert that was narrowed: a resume takes no more options than these. */
function limitWords({ limit, exclude }: Partial<Selection>): string[] {
  return selectionWords({ limit: limit ?? [], exclude: exclude ?? [] });
}

const GO_BACK = "  Or go back to the release before, with the plan's hooks of revert:";

const FROM_START = "  If another release was deployed in the meantime, start over:";

const WITHOUT_JOURNAL =
  "  Journal lost? This restarts everything that has not been restarted since the rollout began. STOPPED and drained instances are left as they are:";

function sentence(first: string, then: string): string {
  return capitalized(`${first} ${then}`.trimStart());
}

function commandLine(words: readonly string[]): string {
  return `    ${shellCommand(words)}`;
}

/** A command line of orchestrate, quoted for a shell. */
export function shellCommand(words: readonly string[]): string {
  return ["orchestrate", ...words.map(quoted)].join(" ");
}

function quoted(word: string): string {
  return /^[\w./@:+,=-]+$/.test(word) ? word : `'${printable(word).replaceAll("'", `'\\''`)}'`;
}
