import { writeSync } from "node:fs";
import { allWritten } from "../../views/words/written.ts";

const NON_BLOCKING_MS = 5;

/**
 * Writes at once, past `process.stdout` and `process.stderr`: to load what those need takes a twentieth of the time of
 * a short command.
 */
export function print(to: "stdout" | "stderr", text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(to === "stdout" ? 1 : 2, bytes, written);
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      // A reader that stops early is not an error; and there is no place to report that stderr fails.
      if (failure.code === "EPIPE" || (to === "stderr" && failure.code !== "EAGAIN")) return;
      if (failure.code !== "EAGAIN") throw error;
      // The pipe is full, and its creator has made it non-blocking.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NON_BLOCKING_MS);
    }
  }
}

/** For commands that use the streams: their errors do not end the process. A run treats some as an interrupt: signals.ts. */
export class WatchedOutputs {
  private stdoutProblem: string | undefined;

  constructor() {
    process.stderr.on("error", () => undefined);
    process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      // `orchestrate … | head`
      if (code !== "EPIPE") this.stdoutProblem ??= message;
    });
  }

  /** Resolves once what was written has left this process; with the reason if some of stdout could not, as on a full disk. */
  async written(): Promise<string | undefined> {
    await Promise.all([allWritten(process.stdout), allWritten(process.stderr)]);
    return this.stdoutProblem;
  }
}
