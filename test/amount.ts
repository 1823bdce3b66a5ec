/** `npm run test:full` is under way, which does what is slow as often as it is promised; `npm test` takes a sample. */
export const FULL = process.env["ORCHESTRATE_TESTS"] === "full";

/** A test of `npm run test:full` alone: `npm test` shows the same of another case, or by another way. */
export function itInFull(title: string, body: () => Promise<void>): void {
  if (FULL) it(title, body);
}

/** Of cases that are alike and slow `npm test` takes the first. */
export function sampled<Case>(cases: readonly Case[]): readonly Case[] {
  return FULL ? cases : cases.slice(0, 1);
}

/** How often to do something slow. */
export function amount(full: number, sample: number): number {
  return FULL ? full : sample;
}
