import type { RecordedEvent } from "../../domain/events.ts";
import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { printable } from "../../domain/printable.ts";
import type { Writer } from "../../domain/writer.ts";
import { writerOf } from "../../state/writer.ts";
import { RolloutModel } from "../../views/model/rollout-model.ts";
import { createPage } from "../../views/page/page.ts";
import type { Invocation } from "../../views/report/next-steps.ts";
import { reportText } from "../../views/report/report.ts";
import type { ReportArguments } from "../arguments/arguments.ts";
import { revertOf } from "../prepare/chains.ts";
import { keptRollout, keptRollouts } from "../prepare/journals.ts";
import { readJournal } from "../../state/read-journal.ts";
import { revertedPage } from "../prepare/reverted-page.ts";
import { openPageFile } from "../terminal/page-file.ts";

/** `orchestrate report ID`: prints the report of a rollout from its journal. */
export function report({ id, stateDir, html }: ReportArguments): ExitCode {
  const kept = keptRollout(id, stateDir);
  if (!kept) {
    process.stderr.write(`orchestrate: no rollout has the ID ${printable(id)}; \`orchestrate history\` lists all\n`);
    return EXIT.invalid;
  }
  const { events, damage } = readJournal(kept.file);
  if (damage !== undefined)
    process.stderr.write(
      `orchestrate: ${printable(damage)}: the report ends where the journal can no longer be read\n`,
    );
  const planned = events.find((event) => event.type === "rollout.planned");
  const writer = planned && writerOf(kept.file, planned);
  const wasToBeReverted = events.some((event) => event.type === "rollout.finished" && event.revert === "follows");
  const as = wasToBeReverted ? revertOf(kept.id, keptRollouts(undefined, stateDir)) : undefined;
  const called = { ...(stateDir !== undefined && { stateDir }), reverted: { as } };
  if (html !== undefined) return writePage(events, html, called, writer);
  process.stdout.write(reportText(RolloutModel.of(events, writer), called, process.stdout.columns || undefined));
  return EXIT.done;
}

function writePage(
  events: readonly RecordedEvent[],
  path: string,
  called: Invocation,
  writer: Writer | undefined,
): ExitCode {
  const file = openPageFile(path);
  const planned = events.find((event) => event.type === "rollout.planned");
  const page = createPage(called, writer, revertedPage(planned, called.stateDir));
  for (const event of events) page.apply(event);
  const problem = "problem" in file ? file.problem : file.write(page.html());
  if (problem === undefined) return EXIT.done;
  process.stderr.write(`orchestrate: ${problem}\n`);
  return EXIT.invalid;
}
