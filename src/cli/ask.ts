import { createInterface } from "node:readline/promises";

/** Whether there is a person who can read a question and answer it. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Shows a text that ends in a question, on stderr as stdout may be a program's, and waits for `y` or `yes`.
 * Everything else is no: another answer, Ctrl-D, Ctrl-C, and the abort.
 */
export async function saysYes(question: string, aborted: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
  const closed = new AbortController();
  terminal.once("close", () => closed.abort());
  terminal.once("SIGINT", () => terminal.close());
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: AbortSignal.any([aborted, closed.signal]) });
    return /^\s*y(es)?\s*$/i.test(answer);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "AbortError") throw error;
    process.stderr.write("\n");
    return false;
  } finally {
    terminal.close();
  }
}
