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

/** What the operator may answer when `on_failure: ask` asks: retry, continue without it, or halt. */
export type Answer = "retry" | "skip" | "stop";

interface OfInstance {
  readonly host: HostName;
  readonly program: ProgramName;
  readonly instance: InstanceName;
}

interface OfFailure extends OfStep {
  readonly host?: HostName;
  readonly program?: ProgramName;
  readonly instance?: InstanceName;
}

/** Of a hook of a wave or of a batch: which one; both count from 1. */
interface OfStep {
  readonly wave?: number;
  readonly group?: string;
  readonly batch?: number;
}

/** Where a batch stands: `wave` and `batch` count from 1. */
interface OfBatch {
  readonly wave: number;
  readonly group: string;
  readonly batch: number;
}

export type RolloutEvent =
  /** The complete rollout: all later events are about instances that this one names. */
  | ({ readonly type: "rollout.planned" } & Rollout)
  /** Before `rollout.planned`: another rollout has the lock of a host; gives up after another `ms`. */
  | { readonly type: "lock.waiting"; readonly host?: string; readonly reason: string; readonly ms: number }
  /** From here on instances may be touched. */
  | { readonly type: "rollout.started" }
  /** The wave of a group has started or has ended. */
  | { readonly type: "wave.started" | "wave.finished"; readonly wave: number; readonly group: string }
  /** Work on these hosts starts: on all at once, or as slots become free. */
  | ({ readonly type: "batch.started"; readonly hosts: readonly HostName[] } & OfBatch)
  /** All hosts of the batch have ended. */
  | ({ readonly type: "batch.finished" } & OfBatch)
  /** The rest before the next batch: until when, as milliseconds from now. */
  | ({ readonly type: "batch.resting"; readonly ms: number } & OfBatch)
  /** A host was looked at for the first time, or answers again; it has so many instances. */
  | { readonly type: "host.connected"; readonly host: HostName; readonly instances: number }
  /** A host or its Supervisor does not answer. */
  | { readonly type: "host.unreachable"; readonly host: HostName; readonly code: string; readonly reason: string }
  /** A different supervisord answers, or the same one after a reload: it has started all of its processes again. */
  | {
      readonly type: "host.supervisor_restarted";
      readonly host: HostName;
      readonly pid?: number;
      readonly previous_pid?: number;
    }
  /** The rest before the host's next instances. */
  | { readonly type: "host.resting"; readonly host: HostName; readonly ms: number }
  /** Nothing more comes for this host in its batch. */
  | { readonly type: "host.finished"; readonly host: HostName }
  /** A hook is about to start; with a journal, this is kept before it does. It fails after `ms`. */
  | ({
      readonly type: "hook.started";
      readonly hook: HookName;
      readonly host?: HostName;
      readonly program?: ProgramName;
      readonly instance?: InstanceName;
      readonly ms: number;
    } & OfStep)
  /** A hook of the rollout, of a wave, of a batch, of a host, or of an instance has ended. */
  | ({
      readonly type: "hook.finished";
      readonly hook: HookName;
      readonly host?: HostName;
      readonly program?: ProgramName;
      readonly instance?: InstanceName;
      readonly succeeded: boolean;
      /** Why it failed. */
      readonly reason?: string;
      /** Of one that failed: the plan has `on_error: warn` for it, so the rollout continues as if it had succeeded. */
      readonly on_error?: "warn";
    } & OfStep)
  /** It has changed since the rollout was planned, not by this rollout. A new one is left alone; the others keep their turn. */
  | ({
      readonly type: "instance.drifted";
      readonly what: "gone" | "new" | "changed";
      readonly state?: ProcessState;
      readonly pid?: number;
      readonly previous_state?: ProcessState;
      readonly previous_pid?: number;
    } & OfInstance)
  /** It waits until the floor of its program allows its restart; the rollout halts after another `ms`. */
  | ({
      readonly type: "instance.waiting";
      readonly healthy: number;
      readonly min_healthy: number;
      /** The pattern of the plan whose floor it is, where it is not the program's own. */
      readonly floor_of?: string;
      readonly ms: number;
    } & OfInstance)
  /** Its restart, or what the plan does in its place, is about to be sent; with a journal, this is kept before it is. */
  | ({
      readonly type: "instance.restarting";
      /** `update`: with all of its group, see `group.updating`. */
      readonly action: "restart" | "start" | "stop" | "signal" | "update";
      /** The signal that it gets: HUP. */
      readonly signal?: string;
      readonly previous_pid?: number;
      readonly previous_state: ProcessState;
      /** For one that may complete: the line of supervisord's log with its last start before this one. */
      readonly previous_start?: string;
    } & OfInstance)
  /** The update of a group is about to be sent, or sent again; all instances of `before` go down together. */
  | {
      readonly type: "group.updating";
      readonly host: HostName;
      readonly program: ProgramName;
      readonly before: readonly InstanceName[];
      /** Those of the new configuration. */
      readonly after: readonly InstanceName[];
    }
  /** The group has its new configuration. Its instances have their gates before them. */
  | { readonly type: "group.updated"; readonly host: HostName; readonly program: ProgramName }
  /** A look during its restart showed another state or pid than the one before. */
  | ({
      readonly type: "instance.observed";
      readonly state: ProcessState;
      readonly pid?: number;
      readonly uptime_s?: number;
    } & OfInstance)
  /**
   * A check of an instance that is being restarted does not pass: at its first failure, and when the reason changes, but at
   * most every 5 s for each check.
   */
  | ({
      readonly type: "check.failing";
      /** What it asks, placeholders filled in: the URL, `tcp` and the address, or the command. */
      readonly check: string;
      readonly reason: string;
      /** How often it has been asked since its process was started. */
      readonly tries: number;
    } & OfInstance)
  /** A check that was reported as failing passes now. */
  | ({
      readonly type: "check.recovered";
      readonly check: string;
      readonly tries: number;
    } & OfInstance)
  /**
   * It has passed its gate: RUNNING on this new pid for min_healthy_time, all checks passed; after a signal, on the pid that
   * it had. Or it has completed, or is down as it is meant to be.
   */
  | ({
      readonly type: "instance.healthy";
      /** Left out where it has completed, and where it is down as it is meant to be. */
      readonly pid?: number;
      /** True: it had ended before the rollout, was run again, and has ended with an exit that Supervisor expects. */
      readonly completed?: true;
      /** True: it was to be stopped, and is. */
      readonly stopped?: true;
      /** True: its group was updated to a configuration that does not have it, or does not start it. */
      readonly removed?: true;
      readonly previous_pid?: number;
      /** Since its restart was sent. */
      readonly seconds: number;
    } & OfInstance)
  /** It failed; it may have been healthy before that. */
  | ({
      readonly type: "instance.failed";
      readonly code: InstanceFailureCode;
      /** What was seen, with supervisorctl's own words. */
      readonly reason: string;
      /** What the last look at it showed, if one did. */
      readonly state?: ProcessState;
      /** Others of this host that were healthy and are so no longer for the same reason. One failure, reported once. */
      readonly also?: readonly InstanceName[];
      /** Since its restart was sent. */
      readonly seconds: number;
      /**
       * The end of its stderr log, or of its stdout log where stderr has none, goes there, or has nothing since its restart;
       * in brackets, why there is nothing to read.
       */
      readonly log_tail: string;
      /** Which log `log_tail` is the end of; without it there was nothing to read. */
      readonly log?: "stderr" | "stdout";
      /** The end of its stdout log, where both logs have something since its restart. */
      readonly stdout_tail?: string;
      /** For an end of its process that Supervisor's log calls expected: `exit status 0`. */
      readonly expected_exit?: string;
      /** True: its before_restart hook ran and its after_healthy hook did not. */
      readonly still_drained?: boolean;
    } & OfInstance)
  /** Processes of its old instance that still run once the new one is proven, or has failed. */
  | ({
      readonly type: "instance.leftovers";
      readonly processes: readonly { readonly pid: number; readonly command: string }[];
    } & OfInstance)
  /** It is selected and left alone. */
  | ({ readonly type: "instance.skipped"; readonly why: string } & OfInstance)
  /** The connection was lost during its restart: it may or may not have happened, and looks will show which. */
  | ({
      readonly type: "instance.indeterminate";
      readonly reason: string;
      /** True: the operator left it so, its before_restart hook ran and its after_healthy hook did not. */
      readonly still_drained?: boolean;
    } & OfInstance)
  /** The last reported restart did not happen: the instance is as it was before. */
  | ({ readonly type: "instance.unchanged"; readonly reason: string } & OfInstance)
  /** After a wave: for so many milliseconds, or until the operator answers. */
  | { readonly type: "rollout.paused"; readonly wave: number; readonly group: string; readonly ms?: number }
  /** The pause is over. */
  | { readonly type: "rollout.resumed" }
  /** A failure would halt the rollout: nothing new starts until the operator has answered. Without an instance, it is about a hook: of a host, of a wave or of a batch. */
  | ({
      readonly type: "rollout.asking";
      readonly code: InstanceFailureCode;
      readonly reason: string;
      readonly answers: readonly Answer[];
    } & OfFailure)
  /** The operator has answered. */
  | ({ readonly type: "rollout.answered"; readonly answer: Answer } & OfFailure)
  /** The operator stops it: no new restarts; those in progress finish their gate. */
  | { readonly type: "rollout.interrupted"; readonly signal: string }
  /** The first event of a rollout that `on_failure: revert` has started: it reverts this one, which has halted. */
  | { readonly type: "rollout.reverting"; readonly reverts: RolloutId }
  /** A failure over the limit stops it, likewise. */
  | { readonly type: "rollout.halted"; readonly code: HaltCode; readonly reason: string }
  /** The last event. */
  | {
      readonly type: "rollout.finished";
      readonly outcome: Outcome;
      readonly counts: Counts;
      readonly seconds: number;
      /**
       * With `on_failure: revert`, of one that halted: another rollout follows and reverts it, or why none does: the operator
       * interrupted it, it had restarted nothing, the right to act was lost, or no record of it could be kept.
       */
      readonly revert?: "follows" | "interrupted" | "untouched" | "lock_lost" | "journal_unwritable";
      /** Why nothing was started, where it was refused. */
      readonly refusals?: readonly Refusal[];
    };

/** The events of one type, or of several. */
export type EventOf<Type extends RolloutEvent["type"]> = Extract<RolloutEvent, { readonly type: Type }>;

/** An event as it is printed and kept: numbered without a gap, with the time of the controller's clock. */
export type RecordedEvent = RolloutEvent & {
  /** The version of this format. */
  readonly v: 1;
  /** From 1, without a gap. */
  readonly seq: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  /** The id that all events of a rollout have in common. */
  readonly rollout: RolloutId;
};
