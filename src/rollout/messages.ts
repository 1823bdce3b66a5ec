import type { Outcome, RolloutEvent } from "../domain/events.ts";
import type { HostName, InstanceName } from "../domain/ids.ts";
import type { ChangeOutcome, LookOutcome } from "../domain/outcomes.ts";

/** What happened, told to the machine together with the time at which it did. */
export type Input =
  | { readonly type: "begin" }
  /** The answer to a `look`. At most one look per host is on its way. */
  | { readonly type: "looked"; readonly host: HostName; readonly outcome: LookOutcome }
  /** The end of a `restart`. */
  | {
      readonly type: "restarted";
      readonly host: HostName;
      readonly instance: InstanceName;
      readonly outcome: ChangeOutcome;
    }
  /** The answer to a `read_log`. */
  | { readonly type: "log_read"; readonly host: HostName; readonly instance: InstanceName; readonly text: string }
  /** The time of the last `wake` for this host has come; without a host, of the last one for the rollout. */
  | { readonly type: "woken"; readonly host?: HostName }
  /** The operator wants no further restart. */
  | { readonly type: "interrupted"; readonly signal: string }
  /** The operator leaves at once, whatever is under way. */
  | { readonly type: "abandoned" };

/** What is to be done, in this order: an event before a `restart` is recorded before the restart is sent. */
export type Command =
  | { readonly type: "emit"; readonly event: RolloutEvent }
  | { readonly type: "look"; readonly host: HostName }
  | { readonly type: "restart"; readonly host: HostName; readonly instance: InstanceName }
  | { readonly type: "read_log"; readonly host: HostName; readonly instance: InstanceName }
  /** Replaces the earlier wake of the same host, or of the rollout. */
  | { readonly type: "wake"; readonly host?: HostName; readonly atMs: number }
  | { readonly type: "end"; readonly outcome: Outcome };
