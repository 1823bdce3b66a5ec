import type { RolloutEvent } from "../domain/events.ts";
import type { HaltCode } from "../domain/failures.ts";
import type { HostName, InstanceName } from "../domain/ids.ts";
import type { ProvenInstance } from "../domain/rollout.ts";
import type { CapacityLedger } from "./capacity.ts";
import type { Drift } from "./drift.ts";
import type { Failures } from "./failures.ts";
import type { Command } from "./messages.ts";
import type { OutcomeRecorder } from "./outcome-recorder.ts";
import type { Supervisors } from "./supervisors.ts";
import type { Tally } from "./tally.ts";

/** What the run of an instance or a host needs of the rollout that it is part of. */
export interface RunContext {
  readonly tally: Tally;
  readonly failures: Failures;
  readonly outcomes: OutcomeRecorder;
  readonly capacity: CapacityLedger;
  readonly drift: Drift;
  readonly supervisors: Supervisors;
  /** The rollouts that this one resumes may have taken it out of service, and have not put it back. */
  wasLeftDrained(host: HostName, instance: InstanceName): boolean;
  /** It reverts another rollout: whatever has become of an instance, that one has left it so. */
  readonly isRevert: boolean;
  /** To fill in placeholders. */
  addressOf(host: HostName): string;
  issue(command: Command): void;
  emit(event: RolloutEvent): void;
  /** Nothing further begins. Told once: the first halt is the one that counts. */
  halt(code: HaltCode, reason: string): void;
  /** It is healthy on this pid: from now on it is expected to stay there, but for the exits that it may have. */
  expect(proven: ProvenInstance): void;
}
