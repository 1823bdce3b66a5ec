import type { EventOf, RolloutEvent } from "../domain/events.ts";
import { keyOf, type HostName, type InstanceKey, type InstanceName, type ProgramName } from "../domain/ids.ts";
import type { Failures, InstanceFailure } from "./failures.ts";
import type { CountedAs, Tally } from "./tally.ts";

/** An instance, as events name it. */
export interface InstanceId {
  readonly host: HostName;
  readonly program: ProgramName;
  readonly instance: InstanceName;
}

/** How an instance has passed its gate. */
export type Proof = Pick<
  EventOf<"instance.healthy">,
  "pid" | "completed" | "stopped" | "removed" | "previous_pid" | "seconds"
>;

/** Counts and reports every outcome of every instance, so that counts and reports never differ. */
export class OutcomeRecorder {
  private readonly tally: Tally;
  private readonly failures: Failures;
  private readonly emit: (event: RolloutEvent) => void;
  private readonly countedAs = new Map<InstanceKey, CountedAs>();

  constructor(tally: Tally, failures: Failures, emit: (event: RolloutEvent) => void) {
    this.tally = tally;
    this.failures = failures;
    this.emit = emit;
  }

  healthy({ host, program, instance }: InstanceId, proof: Proof): void {
    this.count(host, instance, "healthy");
    this.emit({ type: "instance.healthy", host, program, instance, ...proof });
  }

  skipped({ host, program, instance }: InstanceId, why: string): void {
    this.count(host, instance, "skipped");
    this.emit({ type: "instance.skipped", host, program, instance, why });
  }

  /** Counted at once, reported when its log has been read. */
  failed(failure: InstanceFailure): void {
    for (const instance of [failure.instance, ...(failure.also ?? [])]) this.count(failure.host, instance, "failed");
    this.failures.addInstance(failure);
  }

  /** The operator leaves while it is being restarted: what came of it is unknown, which counts as failed. */
  abandoned({ host, program, instance }: InstanceId, stillDrained: boolean): void {
    this.count(host, instance, "failed");
    const reason = "the operator left while it was being restarted";
    const drained = stillDrained ? { still_drained: true } : {};
    this.emit({ type: "instance.indeterminate", host, program, instance, reason, ...drained });
  }

  /** Its latest outcome takes the place of the one before. */
  private count(host: HostName, instance: InstanceName, as: CountedAs): void {
    const key = keyOf({ host, instance });
    this.failures.replaced(key);
    this.tally.count(this.countedAs.get(key), as);
    this.countedAs.set(key, as);
  }
}
