import type { HostWork, PlannedInstance } from "../domain/rollout.ts";
import type { InstanceName } from "../domain/ids.ts";
import type { Shortage } from "./capacity.ts";
import type { InstanceTurn } from "./instance-turn.ts";
import type { RunContext } from "./run-context.ts";

/** What a claim on the capacity of a program has come to. */
export type Claim =
  | { readonly kind: "taken" }
  /** Look again then. */
  | { readonly kind: "wait"; readonly lookAtMs: number }
  /** It waited for longer than the plan allows, so the rollout is halted. */
  | { readonly kind: "given_up" };

/** The wait of one instance until its program can spare it. */
export class Reservation {
  private readonly planned: PlannedInstance;
  private readonly work: HostWork;
  private readonly context: RunContext;
  /** It, and what goes down with it. */
  private readonly together: readonly InstanceName[];
  private readonly sinceMs: number;
  private isReported = false;

  constructor({ planned, work, context, together }: InstanceTurn, nowMs: number) {
    this.planned = planned;
    this.work = work;
    this.context = context;
    this.together = together;
    this.sinceMs = nowMs;
  }

  /** Takes the capacity, or says what it waits for. @param short how the program stands, if it cannot spare it */
  claim(short: Shortage | undefined, nowMs: number): Claim {
    const { host, timings } = this.work;
    const { program, instance } = this.planned;
    if (!short) {
      for (const each of this.together) this.context.capacity.take(host, each, nowMs);
      return { kind: "taken" };
    }
    // For as long as others of its program come and go, it is worth waiting.
    const untilMs = Math.max(this.sinceMs, short.progressedAtMs) + timings.progress_deadline_ms;
    if (nowMs >= untilMs) {
      this.giveUp(short);
      return { kind: "given_up" };
    }
    const { healthy, min_healthy, floorOf, isOfPattern } = short;
    const ofPattern = isOfPattern ? { floor_of: floorOf } : {};
    const ms = untilMs - nowMs;
    if (!this.isReported)
      this.context.emit({ type: "instance.waiting", host, program, instance, healthy, min_healthy, ...ofPattern, ms });
    this.isReported = true;
    return { kind: "wait", lookAtMs: Math.min(untilMs, nowMs + timings.between_checks_ms) };
  }

  private giveUp({ healthy, min_healthy, floorOf }: Shortage): void {
    const { instance } = this.planned;
    const standing = `${healthy} of ${floorOf} are healthy, and min_healthy requires that at least ${min_healthy} stay healthy`;
    this.context.halt("floor_not_met", `${this.work.host} ${instance}: ${standing}`);
  }
}
