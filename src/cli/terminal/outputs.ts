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
      // That nobody reads on is no error; and what stderr does not take can be said nowhere.
      if (failure.code === "EPIPE" || (to === "stderr" && failure.code !== "EAGAIN")) return;
      if (failure.code !== "EAGAIN") throw error;
      // The pipe is full, and whoever made it wants nobody to wait for it.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NON_BLOCKING_MS);
    }
  }
}

/** For commands that use the streams: their errors do not end the process. A run takes some for a wish to stop: signals.ts. */
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
