import type { Outcome } from "../../domain/events.ts";
import { beganAt, type HostName } from "../../domain/ids.ts";
import { worksOf } from "../../domain/rollout.ts";
import { readJournal } from "../../state/read-journal.ts";
import { writerOf } from "../../state/writer.ts";
import { RolloutModel } from "../../views/model/rollout-model.ts";
import type { Instances } from "../../views/model/instances.ts";
import type { HistoryArguments } from "../arguments/arguments.ts";
import type { KeptRollout } from "../prepare/journals.ts";
import type { HistoryEntry, HistoryOutcome } from "./history-table.ts";

/** A rollout of the history, and the hosts on which it restarts something. */
export interface ReadEntry {
  readonly entry: HistoryEntry;
  readonly hosts: ReadonlySet<HostName>;
}

/** What the history says of a rollout, from its journal. */
export function entryOf({ id, file }: KeptRollout): ReadEntry {
  const { events, damage } = readJournal(file);
  const planned = events.find((event) => event.type === "rollout.planned");
  const finished = events.find((event) => event.type === "rollout.finished");
  const hosts = new Set(planned ? [...worksOf(planned)].map(({ host }) => host) : []);
  const writer = finished || !planned || damage !== undefined ? undefined : writerOf(file, planned);
  const counts = finished?.counts ?? countsSoFar(RolloutModel.of(events).instances, writer?.state !== "running");
  const entry: HistoryEntry = {
    id,
    at: beganAt(id) ?? events[0]?.at ?? "",
    plan: planned?.name ?? "?",
    ...(planned && { plan_file: planned.plan_file }),
    ...(planned?.who !== undefined && { who: planned.who }),
    outcome: damage === undefined ? outcomeOf(finished?.outcome, writer?.state) : "damaged",
    ...(writer && { pid: writer.pid, machine: writer.machine }),
    ...(damage !== undefined && { damage }),
    counts,
    ...(finished && { seconds: finished.seconds }),
    ...(planned?.reason !== undefined && { reason: planned.reason }),
    ...(planned?.resumes !== undefined && { resumes: planned.resumes }),
    ...(planned?.reverts !== undefined && { reverts: planned.reverts }),
  };
  return { entry, hosts };
}

/** What a process that has ended left in the middle counts as failed, as in a report. */
function countsSoFar({ counts }: Instances, isOver: boolean): HistoryEntry["counts"] {
  const { under_restart, indeterminate, healthy, failed, skipped, untouched } = counts;
  const open = under_restart + indeterminate;
  return isOver
    ? { healthy, failed: failed + open, skipped, untouched }
    : { healthy, failed, skipped, untouched, in_progress: open };
}

function outcomeOf(outcome: Outcome | undefined, writer: "running" | "ended" | "unknown" | undefined): HistoryOutcome {
  if (outcome !== undefined) return outcome;
  return writer === "running" || writer === "unknown" ? writer : "cut_off";
}

/** Whether the options of the command line select it. */
export function isWanted({ entry, hosts }: ReadEntry, { since, outcome, host }: HistoryArguments): boolean {
  if (since !== undefined && Date.parse(entry.at) < since.getTime()) return false;
  if (outcome !== undefined && entry.outcome !== outcome) return false;
  return host === undefined || hosts.has(host as HostName);
}
