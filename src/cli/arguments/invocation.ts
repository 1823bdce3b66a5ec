import type { Invocation } from "../../views/report/next-steps.ts";
import type { RunArguments } from "./arguments.ts";

/** What of a command line a report repeats in the commands that go on from it. */
export function invocationOf({ plan, stateDir, startedBefore }: RunArguments): Invocation {
  return {
    plan,
    words: process.argv.slice(2),
    ...(stateDir !== undefined && { stateDir }),
    ...(startedBefore && { startedBefore: momentOf(startedBefore.leastUptimeMs) }),
  };
}

/** An age says something else each time: a later command needs the moment that it meant. */
function momentOf(ageMs: number): string {
  return new Date(Date.now() - ageMs).toISOString().replace(/\.\d+Z$/, "Z");
}
