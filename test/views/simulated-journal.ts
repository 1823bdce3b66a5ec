/** Journals of rollouts over the simulated fleet, for views: the real machine's events, with the times of virtual time. */
import type { RecordedEvent, RolloutEvent } from "../../src/domain/events.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { simulated, type Sizes } from "../sim/rollouts.ts";
import type { SimFleet } from "../sim/sim-fleet.ts";
import { simulate, type SimulateOptions } from "../sim/simulate.ts";

const BEGAN_AT_MS = Date.parse("2026-11-22T10:00:00.000Z");

export interface SimulatedJournal extends Sizes, SimulateOptions {
  readonly prepare?: (fleet: SimFleet) => void;
  /** What the plan says besides. */
  readonly change?: (rollout: Rollout) => Rollout;
}

/** All events of a rollout, as its journal has them. */
export async function simulatedJournal({
  prepare,
  change = (rollout) => rollout,
  ...sizes
}: SimulatedJournal): Promise<RecordedEvent[]> {
  const { time, fleet, rollout } = simulated(sizes);
  prepare?.(fleet);
  const planned = change(rollout());
  const { events } = await simulate(planned, fleet, time, sizes);
  const all: (RolloutEvent & { readonly atMs: number })[] = [
    { type: "rollout.planned", ...planned, atMs: 0 },
    ...events,
  ];
  return all.map(({ atMs, ...event }, index) => ({
    v: 1,
    seq: index + 1,
    at: new Date(BEGAN_AT_MS + atMs).toISOString(),
    rollout: planned.id,
    ...event,
  }));
}
