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

/**
 * Asks for a secret, unechoed, on stderr as stdout may be a program's. Only where {@link canAsk} says that one can.
 *
 * @returns empty for Enter or Ctrl-D alone; undefined if the user leaves with Ctrl-C, or by a signal
 */
export function askSecret(question: string): Promise<string | undefined> {
  const { stdin, stderr } = process;
  return new Promise((resolve) => {
    let typed = Buffer.alloc(0);
    const end = (answer: string | undefined, rest?: Buffer) => {
      stdin.off("data", onData);
      stdin.setRawMode(false);
      stdin.pause();
      // The rest was typed ahead, for the next question.
      if (rest && rest.length > 0) stdin.unshift(rest);
      for (const signal of LEAVING) process.off(signal, onSignal);
      stderr.write("\n");
      resolve(answer);
    };
    const onSignal = () => end(undefined);
    const onData = (chunk: Buffer) => {
      for (const [index, byte] of chunk.entries()) {
        if (byte === KEY.ctrlC) return end(undefined);
        if (byte === KEY.enter || byte === KEY.newline || (byte === KEY.ctrlD && typed.length === 0))
          return end(typed.toString("utf8"), chunk.subarray(index + 1));
        if (byte === KEY.backspace || byte === KEY.delete)
          typed = Buffer.from(Array.from(typed.toString("utf8")).slice(0, -1).join(""));
        else if (byte === KEY.ctrlU) typed = Buffer.alloc(0);
        else typed = Buffer.concat([typed, Buffer.from([byte])]);
      }
    };
    for (const signal of LEAVING) process.once(signal, onSignal);
    // Before the question: a fast answer must not be echoed.
    stdin.setRawMode(true);
    stderr.write(question);
    stdin.on("data", onData);
    stdin.resume();
  });
}

/** In raw mode these come as characters. */
const KEY = { ctrlC: 3, ctrlD: 4, backspace: 8, newline: 10, enter: 13, ctrlU: 21, delete: 127 } as const;

const LEAVING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
