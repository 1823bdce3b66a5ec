import { setTimeout as rest } from "node:timers/promises";

export interface UntilOptions {
  /** How long the condition may take to come true. */
  readonly deadlineMs: number;
  /** Rest between two looks. Default 20. */
  readonly everyMs?: number;
  /** What is waited for, in words, for the error: `host-1's sshd answers`. */
  readonly what?: string;
}

/**
 * Looks at a condition again and again, at once for the first time, and returns the first answer
 * that is truthy. A condition that throws or rejects is not true yet; one that never settles is
 * never given up.
 *
 * @throws Error after `deadlineMs`; its `cause` is what the last look threw, if it did
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { deadlineMs, everyMs = 20, what = "the condition" }: UntilOptions,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    let lastError: unknown;
    try {
      const answer = await condition();
      if (answer) return answer;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) {
      const why =
        lastError === undefined
          ? ""
          : `: ${lastError instanceof Error ? lastError.message : JSON.stringify(lastError)}`;
      throw new Error(`not within ${deadlineMs} ms: ${what}${why}`, { cause: lastError });
    }
    await rest(everyMs);
  }
}
