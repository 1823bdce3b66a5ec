import type { Outcome } from "../../src/domain/events.ts";
import type { Rollout } from "../../src/domain/rollout.ts";
import { SimController, type ControllerOptions, type SimEvent } from "./sim-controller.ts";
import type { SimFleet } from "./sim-fleet.ts";
import type { VirtualTime } from "./virtual-time.ts";

export type SimulateOptions = ControllerOptions;

export interface Simulated {
  /** Undefined if the controller was killed, or the rollout never ended. */
  readonly outcome: Outcome | undefined;
  readonly events: readonly SimEvent[];
  /** How many of them were kept for certain at the end. */
  readonly durable: number;
  /** Instances to which a change was sent while another still acted on them. */
  readonly doubled: readonly string[];
}

/** Runs a rollout by the real executor over a simulated fleet, in virtual time. The same inputs give the same run. */
export async function simulate(
  rollout: Rollout,
  fleet: SimFleet,
  time: VirtualTime,
  options: SimulateOptions = {},
): Promise<Simulated> {
  const controller = new SimController(rollout.id, fleet, time, options);
  controller.recorder.keepIn(controller.journal);
  const outcome = await controller.run(rollout);
  const { events, journal, world } = controller;
  return { outcome, events, durable: journal.durableCount, doubled: world.doubled };
}
