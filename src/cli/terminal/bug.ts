import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../domain/failures.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import { Deadline } from "../../executor/deadline.ts";
import { print } from "./outputs.ts";

/** How long the last steps may take: what a bug has left behind may never end. */
const LAST_STEPS_MS = 20_000;

type LastSteps = (bug: unknown) => Promise<unknown>;

/** Ends the process as every bug ends it, wherever it was noticed: with one line, and an exit code that nothing else has. */
export class BugEnd {
  private lastSteps: LastSteps | undefined;
  private isEnding = false;

  /**
   * What is done before: what was recorded is kept, the terminal is given back. The steps must not wait for what only
   * the command itself goes on with: it may be that which broke.
   *
   * @returns takes them back
   */
  after(steps: LastSteps): () => void {
    this.lastSteps = steps;
    return () => (this.lastSteps = undefined);
  }

  /** What goes wrong after the first time is a consequence, and is not told. */
  readonly with = (bug: unknown): void => {
    if (this.isEnding) return;
    this.isEnding = true;
    void this.takeLastSteps(bug).then(() => {
      reportBug(bug);
      // What a bug left open must not keep the process alive.
      process.exit(EXIT.bug);
    });
  };

  private async takeLastSteps(bug: unknown): Promise<void> {
    const steps = this.lastSteps?.(bug) ?? Promise.resolve();
    await new Deadline(LAST_STEPS_MS).of(steps.catch(() => undefined));
  }
}

/** Tells of a bug of ours in one line; the stack trace goes to a file that only its owner can read. */
function reportBug(bug: unknown): void {
  const message = bug instanceof Error ? bug.message : String(bug);
  const details = bug instanceof Error ? (bug.stack ?? message) : message;
  // Not by the stream: what waits there would be lost with the process.
  print("stderr", `orchestrate: a bug: ${printable(message.split("\n")[0] ?? "")} (${writeDetails(details)})\n`);
}

function writeDetails(details: string): string {
  const file = join(tmpdir(), `orchestrate-bug-${process.pid}-${Date.now()}.txt`);
  try {
    // wx: never through a file or link that somebody else has put there.
    writeFileSync(file, `${details}\nnode ${process.version}\n`, { mode: 0o600, flag: "wx" });
    return `details in ${file}`;
  } catch {
    return onOneLine(details);
  }
}
