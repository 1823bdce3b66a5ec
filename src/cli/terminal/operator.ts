import type { Answer } from "../../domain/events.ts";
import type { Operator } from "../../executor/ports.ts";

const CTRL_C = "\u0003";
/** A key that is pressed sooner was not meant for this question: nobody can have read it. */
const READING_MS = 250;
const KEY_OF: Record<Answer, string> = { retry: "r", skip: "s", stop: "x" };

/**
 * The person at the terminal. The question itself is shown by the view, from the event that goes with it; here one key
 * is read, unechoed, so that it does not smear what the view draws.
 */
export const terminalOperator: Operator = {
  get isThere() {
    return process.stdin.isTTY && process.stdout.isTTY;
  },
  mayContinue: (withdrawn) => pressed(new Map([["y", true] as const, ["n", false] as const]), withdrawn),
  decide: (answers, withdrawn) => pressed(new Map(answers.map((answer) => [KEY_OF[answer], answer])), withdrawn),
};

/** Reads keys until one of these is pressed, or the question is withdrawn. */
function pressed<Meaning>(meanings: ReadonlyMap<string, Meaning>, withdrawn: AbortSignal): Promise<Meaning> {
  const { stdin } = process;
  const askedAtMs = performance.now();
  return new Promise((resolve) => {
    const stop = () => {
      stdin.off("data", onKey);
      stdin.setRawMode(false);
      stdin.pause();
    };
    const onKey = (data: Buffer) => {
      // Keys that are pressed quickly come together.
      for (const key of data.toString("utf8").toLowerCase()) {
        const meaning = meanings.get(key);
        // In raw mode Ctrl-C is a key like any other. The interrupt withdraws the question.
        if (key === CTRL_C) process.kill(process.pid, "SIGINT");
        if (meaning === undefined || performance.now() - askedAtMs < READING_MS) continue;
        withdrawn.removeEventListener("abort", stop);
        stop();
        resolve(meaning);
        return;
      }
    };
    stdin.setRawMode(true);
    stdin.on("data", onKey);
    stdin.resume();
    withdrawn.addEventListener("abort", stop, { once: true });
  });
}
