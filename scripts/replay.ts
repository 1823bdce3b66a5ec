/**
 * `npm run replay JOURNAL`: shows the rollout of a journal as `--output plain` did, a line for each event and then the
 * report. Any file of events will do, for example the output of `--output json`.
 */
import { readJournal } from "../src/state/read-journal.ts";
import { createPlainView } from "../src/views/lines/plain.ts";

const [file = ""] = process.argv.slice(2);
// A reader such as `head` closes the pipe early.
process.stdout.on("error", () => process.exit());
const { events, damage } = readJournal(file);
const view = createPlainView(process.stdout);
for (const event of events) view.show(event);
await view.end();
if (damage !== undefined) {
  process.stderr.write(`npm run replay JOURNAL: the file cannot be read further: ${damage}\n`);
  process.exitCode = 1;
}
