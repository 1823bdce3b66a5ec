import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../domain/failures.ts";
import { onOneLine, printable } from "../../domain/printable.ts";
import { Deadline } from "../../executor/deadline.ts";
import { print } from "./outputs.ts";

/** How long the last steps may take: after a bug, something may never end. */
const LAST_STEPS_MS = 20_000;

type LastSteps = (bug: unknown) => Promise<unknown>;

/** Ends the process as every bug ends it, wherever it was noticed: with one line, and an exit code that nothing else has. */
export class BugEnd {
  private lastSteps: LastSteps | undefined;
  private isEnding = false;

  /**
   * Steps before the end: the journal is kept, the terminal is restored. They must not wait for anything that only the
   * command itself can finish: it may be the part that broke.
   *
   * @returns a function that withdraws them
   */
  after(steps: LastSteps): () => void {
    this.lastSteps = steps;
    return () => (this.lastSteps = undefined);
  }

  /** Bugs after the first one are consequences, and are not reported. */
  readonly with = (bug: unknown): void => {
    if (this.isEnding) return;
    this.isEnding = true;
    void this.takeLastSteps(bug).then(() => {
      reportBug(bug);
      // Nothing that a bug left open may keep the process alive.
      process.exit(EXIT.bug);
    });
  };

  private async takeLastSteps(bug: unknown): Promise<void> {
    const steps = this.lastSteps?.(bug) ?? Promise.resolve();
    await new Deadline(LAST_STEPS_MS).of(steps.catch(() => undefined));
  }
}

/** Reports a bug of ours in one line; the stack trace goes to a file that only its owner can read. */
function reportBug(bug: unknown): void {
  const message = bug instanceof Error ? bug.message : String(bug);
  const details = bug instanceof Error ? (bug.stack ?? message) : message;
  // Not by the stream: its buffer would be lost with the process.
  print("stderr", `orchestrate: a bug: ${printable(message.split("\n")[0] ?? "")} (${writeDetails(details)})\n`);
}

function writeDetails(details: string): string {
  const file = join(tmpdir(), `orchestrate-bug-${process.pid}-${Date.now()}.txt`);
  try {
    // wx: never through a file or link that another user has put there.
    writeFileSync(file, `${details}\nnode ${process.version}\n`, { mode: 0o600, flag: "wx" });
    return `details in ${file}`;
  } catch {
    return onOneLine(details);
  }
}
