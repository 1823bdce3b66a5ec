import { formatElapsed } from "../../domain/duration.ts";
import type { HISTORY_OUTCOMES } from "../arguments/arguments.ts";
import type { Counts } from "../../domain/events.ts";
import type { RolloutId } from "../../domain/ids.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import { countsText } from "../../views/words/counting.ts";
import { sinceText } from "../../views/words/writer-text.ts";
import { aligned } from "../terminal/aligned.ts";

export type HistoryOutcome = (typeof HISTORY_OUTCOMES)[number];

/** A rollout of the history. `--output json` prints it as it is. */
export interface HistoryEntry {
  readonly id: RolloutId;
  /** When it began: ISO 8601, UTC. */
  readonly at: string;
  readonly plan: string;
  readonly plan_file?: string;
  /** The account and the machine that ran it: `deploy@ci-1`. */
  readonly who?: string;
  readonly outcome: HistoryOutcome;
  /** Of one that has no end: the process that writes its journal, and where it was started. */
  readonly pid?: number;
  readonly machine?: string;
  /** Why its journal cannot be read to its end. */
  readonly damage?: string;
  readonly counts: Counts & { readonly in_progress?: number };
  /** Of one that has ended. */
  readonly seconds?: number;
  readonly reason?: string;
  readonly resumes?: RolloutId;
  readonly reverts?: RolloutId;
}

const HEADER = ["ID", "DATE (UTC)", "PLAN", "WHO", "OUTCOME", "COUNTS", "DURATION", "REASON"];

/** The history as a table for a person. */
export function historyLines(entries: readonly HistoryEntry[]): string[] {
  return aligned([HEADER, ...entries.map(rowOf)]);
}

function rowOf(entry: HistoryEntry): string[] {
  const { id, at, plan, who, counts, seconds, damage } = entry;
  const { in_progress: open = 0 } = counts;
  return [
    id,
    at.slice(0, 19).replace("T", " "),
    printable(plan),
    who === undefined ? "-" : printable(who),
    outcomeText(entry),
    `${countsText(counts)}${open > 0 ? `, ${open} in progress` : ""}`,
    seconds === undefined ? "-" : formatElapsed(seconds * 1000),
    damage === undefined ? reasonText(entry) : `damaged: ${onOneLine(damage)}`,
  ];
}

function reasonText({ reason, reverts }: HistoryEntry): string {
  return [
    ...(reverts === undefined ? [] : [`revert of ${reverts}`]),
    ...(reason === undefined ? [] : [onOneLine(reason)]),
  ].join(": ");
}

function outcomeText({ id, outcome, pid, machine }: HistoryEntry): string {
  if (pid !== undefined && machine !== undefined && outcome === "running")
    return `running ${sinceText(id, { pid, machine })}`;
  if (pid !== undefined && machine !== undefined && outcome === "unknown")
    return `running or cut off: pid ${pid} on ${printable(machine)}`;
  return outcome === "cut_off" ? "cut off" : outcome;
}
