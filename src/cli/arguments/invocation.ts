import type { Invocation } from "../../views/report/next-steps.ts";
import type { RunArguments } from "./arguments.ts";

/** The parts of a command line that a report repeats in the commands it recommends. */
export function invocationOf({ plan, stateDir, startedBefore }: RunArguments): Invocation {
  return {
    plan,
    words: process.argv.slice(2),
    ...(stateDir !== undefined && { stateDir }),
    ...(startedBefore && { startedBefore: momentOf(startedBefore.leastUptimeMs) }),
  };
}

/** An age means another moment each time: a later command needs the moment itself. */
function momentOf(ageMs: number): string {
  return new Date(Date.now() - ageMs).toISOString().replace(/\.\d+Z$/, "Z");
}
