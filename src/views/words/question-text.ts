import type { Answer } from "../../domain/events.ts";

/** What each answer does, with its key first. */
const CHOICES: Record<Answer, string> = {
  retry: "r: do it again",
  skip: "s: leave it failed and go on",
  stop: "x: halt here",
};

/** The keys and what they do: `r: do it again, s: leave it failed and go on, x: halt here`. */
export function questionText(answers: readonly Answer[]): string {
  return answers.map((answer) => CHOICES[answer]).join(", ");
}

/** The same for a pause that only the operator ends. */
export const PAUSE_CHOICES = "y: go on, n: end here, to be resumed";

/** What the operator has said. */
export function answerText(answer: Answer): string {
  const said: Record<Answer, string> = {
    retry: "the operator wants it done again",
    skip: "the operator leaves it failed and goes on",
    stop: "the operator halts here",
  };
  return said[answer];
}
