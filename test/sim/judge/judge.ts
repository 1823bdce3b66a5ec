import type { FleetReport } from "../../../src/domain/fleet.ts";
import type { Rollout } from "../../../src/domain/rollout.ts";
import { interfering } from "../interference.ts";
import { scenario, type Scenario } from "../scenario.ts";
import { simulate } from "../simulate.ts";
import { Alarms } from "./alarms.ts";
import { Around } from "./around.ts";
import { Drained } from "./drained.ts";
import { Ends } from "./ends.ts";
import { Exits } from "./exits.ts";
import { Floors } from "./floors.ts";
import { LeftAlone } from "./left-alone.ts";
import { Once } from "./once.ts";
import { Priorities } from "./priorities.ts";
import { Proofs } from "./proofs.ts";
import { SaidFailing } from "./said-failing.ts";
import { isTraced, Trace } from "./trace.ts";
import { witnessed, type Trial, type Witness } from "./trial.ts";
import { Turns } from "./turns.ts";

/** Runs the scenario of a seed and says what was promised and not kept: nothing, if all is well. */
export async function judge(seed: number, { faults = true } = {}): Promise<string[]> {
  const made = scenario(seed, { faults });
  const { planned, fleet, time, options, interference } = made;
  const violations: string[] = [];
  const trial = trialOf(made, planned, fleet.report(), violations);
  const witnesses = witnessesOf(trial);
  const run = await simulate(
    planned,
    fleet,
    time,
    witnessed(interfering(interference, time, options), witnesses, trial),
  );
  for (const witness of witnesses) witness.end?.(run);
  return violations;
}

export function trialOf(made: Scenario, rollout: Rollout, report: FleetReport, violations: string[]): Trial {
  const fail = (what: string) => void violations.push(`${(made.time.now / 1000).toFixed(1)} s: ${what}`);
  return { made, rollout, report, fail };
}

/** All promises, each with a judge of its own. */
export function witnessesOf(trial: Trial): Witness[] {
  const promised = [
    Floors,
    Turns,
    Once,
    Proofs,
    Drained,
    Around,
    Alarms,
    LeftAlone,
    Priorities,
    Exits,
    SaidFailing,
    Ends,
  ];
  return [...promised, ...(isTraced() ? [Trace] : [])].map((Judged) => new Judged(trial));
}
