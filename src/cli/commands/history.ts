import { formatElapsed } from "../../domain/duration.ts";
import type { RecordedEvent } from "../../domain/events.ts";
import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { printable } from "../../domain/printable.ts";
import { readJournal, type KeptEvents } from "../../state/read-journal.ts";
import type { Invocation } from "../../views/report/next-steps.ts";
import { createPage } from "../../views/page/page.ts";
import { RolloutModel } from "../../views/model/rollout-model.ts";
import { reportText } from "../../views/report/report.ts";
import type { HistoryArguments, ReportArguments } from "../arguments/arguments.ts";
import { eventsOf, keptRollouts } from "../prepare/journals.ts";
import { load } from "../prepare/load.ts";
import { openPageFile } from "../terminal/page-file.ts";
import { formatDiagnostic } from "../../planner/text/diagnostic.ts";

/** `orchestrate history [PLAN]`: a line for each rollout that has a journal, the newest first. */
export function history({ plan: path, stateDir }: HistoryArguments): ExitCode {
  const loaded = path === undefined ? undefined : load(path);
  if (loaded && !loaded.ok) {
    process.stderr.write(`${loaded.diagnostics.map(formatDiagnostic).join("\n")}\n`);
    return EXIT.invalid;
  }
  const rollouts = keptRollouts(loaded?.plan, stateDir);
  for (const { id, file } of rollouts) process.stdout.write(`${id}  ${lineOf(readJournal(file))}\n`);
  if (rollouts.length === 0) process.stderr.write("orchestrate: no rollout has been recorded yet\n");
  return EXIT.done;
}

/** `orchestrate report ID`: prints the report of a rollout from its journal. */
export function report({ id, stateDir, html }: ReportArguments): ExitCode {
  const kept = eventsOf(id, stateDir);
  if (!kept) {
    process.stderr.write(`orchestrate: no rollout has the ID ${printable(id)}; \`orchestrate history\` lists all\n`);
    return EXIT.invalid;
  }
  const { events, damage } = kept;
  if (damage !== undefined)
    process.stderr.write(
      `orchestrate: ${printable(damage)}: the report ends where the journal can no longer be read\n`,
    );
  const called = stateDir === undefined ? {} : { stateDir };
  if (html !== undefined) return writePage(events, html, called);
  process.stdout.write(reportText(RolloutModel.of(events), called, process.stdout.columns || undefined));
  return EXIT.done;
}

function writePage(events: readonly RecordedEvent[], path: string, called: Invocation): ExitCode {
  const file = openPageFile(path);
  const page = createPage(called);
  for (const event of events) page.apply(event);
  const problem = "problem" in file ? file.problem : file.write(page.html());
  if (problem === undefined) return EXIT.done;
  process.stderr.write(`orchestrate: ${problem}\n`);
  return EXIT.invalid;
}

function lineOf({ events, damage }: KeptEvents): string {
  const planned = events.find((event) => event.type === "rollout.planned");
  const finished = events.find((event) => event.type === "rollout.finished");
  const name = printable(planned?.name ?? "?");
  const why = planned?.reason === undefined ? "" : `  ${printable(planned.reason)}`;
  if (damage !== undefined) return `${name}  damaged: ${printable(damage)}`;
  if (!finished) return `${name}  cut off${why}`;
  const { healthy, failed, skipped, untouched } = finished.counts;
  const counts = `${healthy} healthy, ${failed} failed, ${skipped} skipped, ${untouched} untouched`;
  return `${name}  ${finished.outcome} after ${formatElapsed(finished.seconds * 1000)}: ${counts}${why}`;
}
