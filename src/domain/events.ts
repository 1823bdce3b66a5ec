/**
 * The one typed stream that feeds every view and `--output json`, in the words in which it is printed.
 * Types and fields are only ever added.
 */
import type { HaltCode, InstanceFailureCode, Refusal } from "./failures.ts";
import type { HostName, InstanceName, ProgramName, RolloutId } from "./ids.ts";
import type { HookName } from "./settings.ts";
import type { ProcessState } from "./process-state.ts";
import type { Rollout } from "./rollout.ts";

export type Outcome = "succeeded" | "incomplete" | "halted" | "refused" | "interrupted";

/** Every selected instance is in exactly one of these. */
export interface Counts {
  readonly healthy: number;
  readonly failed: number;
  readonly skipped: number;
  readonly untouched: number;
}

interface OfInstance {
  readonly host: HostName;
  readonly program: ProgramName;
  readonly instance: InstanceName;
}

/** Where a batch stands: `wave` and `batch` count from 1. */
interface OfBatch {
  readonly wave: number;
  readonly group: string;
  readonly batch: number;
}

export type RolloutEvent =
  | ({ readonly type: "rollout.planned" } & Rollout)
  | { readonly type: "rollout.started" }
  | { readonly type: "wave.started" | "wave.finished"; readonly wave: number; readonly group: string }
  | ({ readonly type: "batch.started"; readonly hosts: readonly HostName[] } & OfBatch)
  | ({ readonly type: "batch.finished" } & OfBatch)
  /** The rest before the next batch: until when, as milliseconds from now. */
  | ({ readonly type: "batch.resting"; readonly ms: number } & OfBatch)
  | { readonly type: "host.connected"; readonly host: HostName; readonly instances: number }
  | { readonly type: "host.unreachable"; readonly host: HostName; readonly code: string; readonly reason: string }
  /** The rest before the host's next instances. */
  | { readonly type: "host.resting"; readonly host: HostName; readonly ms: number }
  | { readonly type: "host.finished"; readonly host: HostName }
  /** A hook was sent; it fails after `ms`. */
  | {
      readonly type: "hook.started";
      readonly hook: HookName;
      readonly host?: HostName;
      readonly instance?: InstanceName;
      readonly ms: number;
    }
  | {
      readonly type: "hook.finished";
      readonly hook: HookName;
      readonly host?: HostName;
      readonly instance?: InstanceName;
      readonly succeeded: boolean;
      readonly reason?: string;
    }
  /** It waits until the floor of its program allows its restart; the rollout halts after `ms` more. */
  | ({
      readonly type: "instance.waiting";
      readonly healthy: number;
      readonly min_healthy: number;
      readonly ms: number;
    } & OfInstance)
  | ({
      readonly type: "instance.restarting";
      readonly action: "restart" | "start";
      readonly previous_pid?: number;
      readonly previous_state: ProcessState;
    } & OfInstance)
  | ({
      readonly type: "instance.observed";
      readonly state: ProcessState;
      readonly pid?: number;
      readonly uptime_s?: number;
    } & OfInstance)
  | ({
      readonly type: "instance.healthy";
      readonly pid: number;
      readonly previous_pid?: number;
      readonly seconds: number;
    } & OfInstance)
  | ({
      readonly type: "instance.failed";
      readonly code: InstanceFailureCode;
      readonly reason: string;
      readonly seconds: number;
      /** The end of its stderr log, or why that could not be read. */
      readonly log_tail: string;
      /** True: its before_restart hook ran and its after_healthy hook did not. */
      readonly still_drained?: boolean;
    } & OfInstance)
  | ({ readonly type: "instance.skipped"; readonly why: string } & OfInstance)
  | ({ readonly type: "instance.indeterminate"; readonly reason: string } & OfInstance)
  /** After a wave: for so many milliseconds, or until the operator answers. */
  | { readonly type: "rollout.paused"; readonly wave: number; readonly group: string; readonly ms?: number }
  | { readonly type: "rollout.resumed" }
  | { readonly type: "rollout.interrupted"; readonly signal: string }
  | { readonly type: "rollout.halted"; readonly code: HaltCode; readonly reason: string }
  | {
      readonly type: "rollout.finished";
      readonly outcome: Outcome;
      readonly counts: Counts;
      readonly seconds: number;
      readonly refusals?: readonly Refusal[];
    };

/** An event as it is printed and kept: numbered without a gap, with the time of the controller's clock. */
export type RecordedEvent = RolloutEvent & {
  readonly v: 1;
  readonly seq: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly rollout: RolloutId;
};
