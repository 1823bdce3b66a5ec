import type { Operator } from "../executor/ports.ts";

/**
 * The person at the terminal. The question itself is shown by the view, from the event that goes with it; here one key
 * is read, unechoed, so that it does not smear what the view draws.
 */
export const terminalOperator: Operator = {
  mayGoOn() {
    const { stdin } = process;
    if (!stdin.isTTY || !process.stdout.isTTY) return Promise.resolve(false);
    return new Promise((resolve) => {
      const onKey = (key: Buffer) => {
        const pressed = key.toString("utf8").toLowerCase();
        // In raw mode Ctrl-C is a key like any other.
        if (pressed === "\u0003") process.kill(process.pid, "SIGINT");
        else if (pressed !== "y" && pressed !== "n") return;
        stdin.off("data", onKey);
        stdin.setRawMode(false);
        stdin.pause();
        if (pressed !== "\u0003") resolve(pressed === "y");
      };
      stdin.setRawMode(true);
      stdin.on("data", onKey);
      stdin.resume();
    });
  },
};
