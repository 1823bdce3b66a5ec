import type { FleetReport } from "../../../src/domain/fleet.ts";
import type { RolloutEvent } from "../../../src/domain/events.ts";
import type { Rollout } from "../../../src/domain/rollout.ts";
import { scenario, type Scenario } from "../scenario.ts";
import type { Told } from "../sim-controller.ts";
import { simulate, type SimulateOptions } from "../simulate.ts";
import { Alarms } from "./alarms.ts";
import { Drained } from "./drained.ts";
import { Ends } from "./ends.ts";
import { Floors } from "./floors.ts";
import { Once } from "./once.ts";
import { Proofs } from "./proofs.ts";
import { witnessed, type Trial, type Witness } from "./trial.ts";
import { Turns } from "./turns.ts";

/** Runs the scenario of a seed and says what was promised and not kept: nothing, if all is well. */
export async function judge(seed: number, { faults = true } = {}): Promise<string[]> {
  const made = scenario(seed, { faults });
  const { planned, fleet, time } = made;
  const violations: string[] = [];
  const trial = trialOf(made, planned, fleet.report(), violations);
  const witnesses = witnessesOf(trial);
  const run = await simulate(planned, fleet, time, witnessed(interfering(made), witnesses, trial));
  for (const witness of witnesses) witness.end?.(run);
  return violations;
}

export function trialOf(made: Scenario, rollout: Rollout, report: FleetReport, violations: string[]): Trial {
  const fail = (what: string) => void violations.push(`${(made.time.now / 1000).toFixed(1)} s: ${what}`);
  return { made, rollout, report, fail };
}

/** All promises, each with a judge of its own. */
export function witnessesOf(trial: Trial): Witness[] {
  return [Floors, Turns, Once, Proofs, Drained, Alarms, Ends].map((Promised) => new Promised(trial));
}

/** The operator who stops it, and somebody who takes its locks. */
function interfering(made: Scenario): SimulateOptions {
  const { time, options, interruptAtMs, leaveAtMs, lockLostAtMs } = made;
  const begin = (tell: (told: Told) => void) => {
    if (interruptAtMs !== undefined) time.at(interruptAtMs, () => tell({ type: "interrupted", signal: "SIGINT" }));
    if (leaveAtMs !== undefined) time.at(leaveAtMs, () => tell({ type: "abandoned" }));
    if (lockLostAtMs !== undefined)
      time.at(lockLostAtMs, () => tell({ type: "lock_lost", reason: "somebody else has it" }));
  };
  return {
    ...options,
    onEvent(event: RolloutEvent, tell) {
      if (event.type === "rollout.started") begin(tell);
      const interrupts =
        (event.type === "rollout.asking" && made.interruptsQuestion) ||
        (event.type === "rollout.answered" && made.interruptsAnswer);
      if (interrupts) tell({ type: "interrupted", signal: "SIGINT" });
    },
  };
}
