import { EXIT, type ExitCode } from "../../domain/failures.ts";
import { printableJson } from "../../domain/printable.ts";
import { formatDiagnostic } from "../../planner/text/diagnostic.ts";
import type { HistoryArguments } from "../arguments/arguments.ts";
import { keptRollouts } from "../prepare/journals.ts";
import { load } from "../prepare/load.ts";
import { historyLines, type HistoryEntry } from "./history-table.ts";
import { entryOf, isWanted } from "./history-entries.ts";

/** `orchestrate history [PLAN]`: a row for each rollout that has a journal, the newest first. */
export function history(given: HistoryArguments): ExitCode {
  const loaded = given.plan === undefined ? undefined : load(given.plan);
  if (loaded && !loaded.ok) {
    process.stderr.write(`${loaded.diagnostics.map(formatDiagnostic).join("\n")}\n`);
    return EXIT.invalid;
  }
  const kept = keptRollouts(loaded?.plan, given.stateDir);
  const entries = kept.flatMap((rollout) => {
    const read = entryOf(rollout);
    return isWanted(read, given) ? [read.entry] : [];
  });
  if (given.output === "json") printEach(entries);
  else if (entries.length > 0) process.stdout.write(`${historyLines(entries).join("\n")}\n`);
  if (entries.length === 0)
    process.stderr.write(
      `orchestrate: ${kept.length === 0 ? "no rollout has been recorded yet" : "no recorded rollout is like that"}\n`,
    );
  return EXIT.done;
}

function printEach(entries: readonly HistoryEntry[]): void {
  for (const entry of entries) process.stdout.write(`${printableJson({ v: 1, ...entry })}\n`);
}
