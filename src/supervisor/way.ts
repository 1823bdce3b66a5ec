import type { InstanceConfig } from "../domain/fleet.ts";
import type { InstanceName } from "../domain/ids.ts";
import type { ProcessSnapshot } from "../domain/process-state.ts";
import type { LookWay } from "../executor/ports.ts";
import type { Log } from "./commands.ts";
import type { TailReply } from "./tail-reply.ts";

/** An answer that can be relied on, or why there is none: then another way is asked. */
export type Reply<Value> =
  | { readonly kind: "answered"; readonly value: Value }
  | {
      readonly kind: "unanswered";
      readonly reason: string;
      /** True: it says nothing about the next time. */
      readonly passing: boolean;
    };

/** All instances of a host in natural order. */
export interface Listed {
  readonly snapshots: readonly ProcessSnapshot[];
  /** Of the supervisord that runs them; undefined where this way does not show it. */
  readonly supervisorPid?: number;
  /** Those of which no process has ended since their configuration was loaded; undefined where this way does not show it. */
  readonly neverEnded?: ReadonlySet<InstanceName>;
}

/** A way to ask a host's supervisord that is faster than one supervisorctl per question, where it works. */
export interface QuickWay {
  readonly kind: Exclude<LookWay["kind"], "exec">;
  /** How it is reached, for people. */
  readonly through: string;
  list(timeoutMs: number): Promise<Reply<Listed>>;
  /** The end of a log. */
  tail(log: Log, timeoutMs: number): Promise<Reply<TailReply>>;
  pid(timeoutMs: number): Promise<Reply<number>>;
  /** How what supervisord has loaded is configured, as far as this way shows it. Changes nothing. */
  configs(timeoutMs: number): Promise<Reply<ReadonlyMap<InstanceName, InstanceConfig>>>;
  close(): Promise<void>;
}

export function answered<Value>(value: Value): Reply<Value> {
  return { kind: "answered", value };
}

export function unanswered(reason: string, { passing = false } = {}): Extract<Reply<never>, { kind: "unanswered" }> {
  return { kind: "unanswered", reason, passing };
}
