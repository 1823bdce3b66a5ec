import type { RolloutEvent } from "../../src/domain/events.ts";
import { buildRollout } from "../../src/planner/build.ts";
import { readPast } from "../../src/planner/past.ts";
import { SeededRandom } from "./random.ts";
import { scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";

/** More kills than a rollout has events are not survived by anybody. */
const MOST_KILLS = 10;

/**
 * Kills the controller of a rollout without other faults at random events, again and again, and resumes it each time
 * from its journal alone. Returns what was promised and not kept: in the end everything was restarted, once.
 */
export function judgeResume(seed: number): string[] {
  const { time, fleet, plan, planned, options } = scenario(seed, { faults: false });
  const random = new SeededRandom(seed + 1_000_000);
  let journal: RolloutEvent[] = [];
  let rollout = planned;
  for (let kill = 0; ; kill++) {
    const killAfterEvent = kill < MOST_KILLS ? random.whole(1, 40) : Infinity;
    const planning: RolloutEvent = { type: "rollout.planned", ...rollout };
    const { outcome, events } = simulate(rollout, fleet, time, { ...options, killAfterEvent });
    journal = [...journal, planning, ...events];
    if (outcome === "halted") return floorStoodInTheWay(events) ? [] : [`it halted: ${reasonOf(events)}`];
    if (outcome !== undefined) break;
    const past = readPast(journal);
    const built = buildRollout(plan, fleet.report(), { id: planned.id }, past ? { past } : {});
    if (built.kind === "refused") return built.refusals.map(({ reason }) => `the resume was refused: ${reason}`);
    rollout = built.rollout;
  }
  return [...fleet.hosts].flatMap(([host, processes]) =>
    [...processes].flatMap(([instance, { stopsAtMs, state }]) => [
      ...(stopsAtMs.length === 1 ? [] : [`${host} ${instance} was restarted ${stopsAtMs.length} times`]),
      ...(state === "RUNNING" ? [] : [`${host} ${instance} was left ${state}`]),
    ]),
  );
}

/** A floor of all instances lets nothing be restarted, with or without kills. */
function floorStoodInTheWay(events: readonly RolloutEvent[]): boolean {
  return events.some((event) => event.type === "rollout.halted" && event.code === "floor_not_met");
}

function reasonOf(events: readonly RolloutEvent[]): string {
  return events.flatMap((event) => (event.type === "rollout.halted" ? [event.reason] : [])).join("; ");
}
