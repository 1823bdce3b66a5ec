import type { Answer } from "../../domain/events.ts";

/** Each answer with its key. */
const CHOICES: Record<Answer, string> = {
  retry: "r: retry",
  skip: "s: skip (count it as failed and continue)",
  stop: "x: halt",
};

/** The keys and what they do: `r: retry, s: skip (count it as failed and continue), x: halt`. */
export function questionText(answers: readonly Answer[]): string {
  return answers.map((answer) => CHOICES[answer]).join(", ");
}

/** The same for a pause that only the operator ends. */
export const PAUSE_CHOICES = "y: continue, n: stop here (resumable)";

/** The answer as a fact. */
export function answerText(answer: Answer): string {
  const said: Record<Answer, string> = {
    retry: "the operator chose to retry",
    skip: "the operator chose to skip it: it counts as failed",
    stop: "the operator chose to halt",
  };
  return said[answer];
}
