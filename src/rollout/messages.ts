import type { Change } from "../domain/action.ts";
import type { Answer, Outcome, RolloutEvent } from "../domain/events.ts";
import type { RereadOutcome } from "../domain/fleet.ts";
import type { ProcessesOutcome, ProcessQuery } from "../domain/host-process.ts";
import type { HostName, InstanceName, ProgramName } from "../domain/ids.ts";
import type { KnownHistory } from "../domain/process-history.ts";
import type {
  ChangeOutcome,
  CheckOutcome,
  HookOutcome,
  LogTail,
  LookOutcome,
  AwaitedOutcome,
} from "../domain/outcomes.ts";
import type { WavePlace } from "../domain/rollout.ts";
import type { Check, Hook, HookErrorPolicy, HookName, Vars } from "../domain/settings.ts";

/** What happened. The machine is given the time with it. */
export type Input =
  | { readonly type: "begin" }
  /** The answer to a `look`. At most one look per host is on its way. */
  | { readonly type: "looked"; readonly host: HostName; readonly outcome: LookOutcome }
  | ({ readonly type: "changed"; readonly outcome: ChangeOutcome } & OfChange)
  /** The answer to an `await_outcome`. */
  | ({ readonly type: "outcome_known"; readonly outcome: AwaitedOutcome } & OfChange)
  /** The answer to a `reread`. */
  | { readonly type: "reread_done"; readonly host: HostName; readonly outcome: RereadOutcome }
  /** The answer to a `read_history`. */
  | {
      readonly type: "history_read";
      readonly host: HostName;
      readonly histories: ReadonlyMap<InstanceName, KnownHistory>;
    }
  /** The answer to a `look_at_processes`. At most one per host is on its way. */
  | { readonly type: "processes_seen"; readonly host: HostName; readonly outcome: ProcessesOutcome }
  /** The answer to a `check`, of the process on this pid. */
  | ({
      readonly type: "checked";
      readonly index: number;
      readonly pid: number;
      readonly outcome: CheckOutcome;
    } & OfInstance)
  /** Without an instance a hook of the host; without a host one of a wave or batch, or else of the rollout. */
  | ({
      readonly type: "hook_finished";
      readonly hook: HookName;
      readonly step?: WavePlace;
      /** What the plan says of its failure. */
      readonly on_error?: HookErrorPolicy;
      readonly outcome: HookOutcome;
    } & Partial<OfInstance>)
  | ({ readonly type: "log_read"; readonly log: LogTail } & OfInstance)
  /** The time of the last `wake` for this host has come; without a host, of the last one for the rollout. */
  | { readonly type: "woken"; readonly host?: HostName }
  /** The operator's answer to the last `ask`: after a wave whether to continue, */
  | { readonly type: "answered"; readonly continues: boolean }
  /** and after a failure what to do about it. */
  | { readonly type: "decided"; readonly answer: Answer }
  /** Another rollout may be at work on a host. */
  | { readonly type: "lock_lost"; readonly reason: string }
  /** Events can no longer be recorded. */
  | { readonly type: "journal_failed"; readonly reason: string }
  /** The operator has stopped the rollout: no new restarts. */
  | { readonly type: "interrupted"; readonly signal: string }
  /** The operator leaves at once, whatever is in progress. */
  | { readonly type: "abandoned" };

/** The commands, to be carried out in this order: an event before a `change` is recorded before the change is sent. */
export type Command =
  | { readonly type: "emit"; readonly event: RolloutEvent }
  | { readonly type: "look"; readonly host: HostName }
  /** @property instances all that it acts on */
  | ({ readonly type: "change"; readonly host: HostName; readonly instances: readonly InstanceName[] } & Change)
  /** Report when the command that was sent for this instance or group can no longer act. */
  | ({ readonly type: "await_outcome" } & OfChange)
  /** How the configuration on the host's disk differs from what its supervisord has loaded. */
  | { readonly type: "reread"; readonly host: HostName }
  /** What supervisord's own log says of these, which are all that the host has. */
  | { readonly type: "read_history"; readonly host: HostName; readonly instances: readonly InstanceName[] }
  | { readonly type: "look_at_processes"; readonly host: HostName; readonly query: ProcessQuery }
  | ({
      readonly type: "check";
      readonly index: number;
      readonly check: Check;
      readonly vars: Vars;
      readonly pid: number;
      readonly previousPid?: number;
    } & OfInstance)
  | ({
      readonly type: "run_hook";
      readonly hook: HookName;
      readonly command: Hook;
      readonly vars: Vars;
      readonly timeoutMs: number;
      readonly reason?: string;
      /** Of a hook of a wave or a batch, and the hosts that it is about. */
      readonly step?: WavePlace;
      readonly hosts?: readonly HostName[];
      /** Of the process that runs now, and of the one that it has replaced. */
      readonly pid?: number;
      readonly previousPid?: number;
    } & Partial<OfInstance>)
  | ({ readonly type: "read_log" } & OfInstance)
  /** Replaces the earlier wake of the same host, or of the rollout. */
  | { readonly type: "wake"; readonly host?: HostName; readonly atMs: number }
  /** Replaces the question before. Without an operator, the answer whether to continue after a wave is no. */
  | { readonly type: "ask"; readonly about: "pause" }
  | { readonly type: "ask"; readonly about: "failure"; readonly answers: readonly Answer[] }
  /** The last question no longer needs an answer. */
  | { readonly type: "withdraw_question" }
  /** @property reverts whether the rollout is to be reverted now, by another one */
  | { readonly type: "end"; readonly outcome: Outcome; readonly reverts: boolean };

interface OfInstance {
  readonly host: HostName;
  readonly instance: InstanceName;
}

/** What was changed: an instance, or a group as a whole. */
export type OfChange = OfInstance | { readonly host: HostName; readonly group: ProgramName };
