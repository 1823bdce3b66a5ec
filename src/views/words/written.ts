import type { Writable } from "node:stream";

/** Resolves once all that was written to the stream has left this process, or never will. */
export function allWritten(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write("", () => resolve());
  });
}
