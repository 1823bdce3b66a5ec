import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Tells of a bug of ours in one line; the stack trace goes to a file that only its owner can read. */
export function reportBug(bug: unknown): void {
  const message = bug instanceof Error ? bug.message : String(bug);
  const details = bug instanceof Error ? (bug.stack ?? message) : message;
  process.stderr.write(`orchestrate: a bug: ${message.split("\n")[0]} (${writeDetails(details)})\n`);
}

function writeDetails(details: string): string {
  const file = join(tmpdir(), `orchestrate-bug-${process.pid}-${Date.now()}.txt`);
  try {
    // wx: never through a file or link that somebody else has put there.
    writeFileSync(file, `${details}\nnode ${process.version}\n`, { mode: 0o600, flag: "wx" });
    return `details in ${file}`;
  } catch {
    return details.replaceAll("\n", " | ");
  }
}
