/** `npm run test:full` is under way, which does what is slow as often as it is promised; `npm test` takes a sample. */
export const FULL = process.env["ORCHESTRATE_TESTS"] === "full";

/** How often to do something slow. */
export function amount(full: number, sample: number): number {
  return FULL ? full : sample;
}
