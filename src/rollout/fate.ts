import type { EventOf } from "../domain/events.ts";
import type { PlannedInstance } from "../domain/rollout.ts";
import type { HostName } from "../domain/ids.ts";
import type { InstanceFailure } from "./failures.ts";
import type { RunContext } from "./run-context.ts";

/** What an instance is when its turn ends well: proven, left alone for a reason, or just not reached. */
export type Ending = "healthy" | "skipped" | "untouched";

type Proof = Pick<EventOf<"instance.healthy">, "pid" | "completed" | "previous_pid" | "seconds">;

/** What an instance counts as, told and counted together so that the two never differ. */
export class Fate {
  private readonly id;
  private readonly context: RunContext;
  /** How it passed its gate. */
  private proof: Proof | undefined;
  /** It has failed and is tried again. Its failure counts until it has another fate. */
  private failureStands: boolean;

  constructor({ program, instance }: PlannedInstance, host: HostName, context: RunContext, failureStands: boolean) {
    this.id = { host, program, instance };
    this.context = context;
    this.failureStands = failureStands;
  }

  /** The pid on which it was proven. */
  get provenPid(): number | undefined {
    return this.proof?.pid;
  }

  /** That one, and the one before its restart. */
  get provenPids(): { readonly pid?: number | undefined; readonly previousPid?: number | undefined } {
    return { pid: this.proof?.pid, previousPid: this.proof?.previous_pid };
  }

  get isTriedAgain(): boolean {
    return this.failureStands;
  }

  /** It has failed and is tried again. */
  tryAgain(): void {
    this.failureStands = true;
  }

  /** @param pid left out for one that has completed */
  healthy(pid: number | undefined, previousPid: number | undefined, seconds: number): void {
    const how = pid === undefined ? { completed: true as const } : { pid };
    this.proof = { ...how, ...(previousPid === undefined ? {} : { previous_pid: previousPid }), seconds };
    this.tellHealthy(this.proof);
  }

  skipped(why: string): void {
    this.retractFailure();
    this.context.tally.addSkipped();
    this.context.emit({ type: "instance.skipped", ...this.id, why });
  }

  /** @param before what it counted as until now */
  failed(failure: Omit<InstanceFailure, "host" | "program" | "instance">, before: Ending = "untouched"): void {
    const countedAs = before === "untouched" || this.failureStands ? undefined : before;
    this.retractFailure();
    this.context.failures.addInstance({ ...this.id, ...failure }, countedAs);
  }

  /** The operator leaves while it is under restart. */
  abandoned(stillDrained: boolean): void {
    this.retractFailure();
    this.context.tally.addAbandoned();
    const reason = "the operator left while it was being restarted";
    const drained = stillDrained ? { still_drained: true } : {};
    this.context.emit({ type: "instance.indeterminate", ...this.id, reason, ...drained });
  }

  /** Its after_healthy hook has succeeded: if that had failed before, it is now what it was before that. */
  enabled(ending: Ending): void {
    if (!this.failureStands) return;
    if (ending === "healthy" && this.proof) this.tellHealthy(this.proof);
    else this.skipped("it was drained, not restarted, and is enabled again");
  }

  private tellHealthy(proof: Proof): void {
    this.retractFailure();
    this.context.tally.addHealthy();
    this.context.emit({ type: "instance.healthy", ...this.id, ...proof });
  }

  /** Another fate takes the place of the failure after which it was tried again. */
  private retractFailure(): void {
    if (this.failureStands) this.context.failures.retract(this.id.host, this.id.instance);
    this.failureStands = false;
  }
}
