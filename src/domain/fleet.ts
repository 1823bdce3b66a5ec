import type { Refusal } from "./failures.ts";
import type { HostName, InstanceName, ProgramName } from "./ids.ts";
import type { KnownHistory } from "./process-history.ts";
import type { ProcessSnapshot } from "./process-state.ts";

/** How Supervisor runs one instance, in its own words and units. Unknown values are left out. */
export interface InstanceConfig {
  /** Its section, `worker` of `[program:worker]`: a group may have several. */
  readonly section?: string;
  /** It is an event listener: something of Supervisor's own, that no program is. */
  readonly is_listener?: boolean;
  /** Supervisor starts groups in this order, the lowest first, and in each its processes by their own `priority`. */
  readonly group_priority?: number;
  readonly priority?: number;
  readonly autostart?: boolean;
  /** Whether it is started again once it has ended; `unexpected`: unless with one of `exitcodes`. */
  readonly autorestart?: boolean | "unexpected";
  readonly exitcodes?: readonly number[];
  /** It is RUNNING after that. */
  readonly startsecs?: number;
  /** How often a start that failed is tried again, after 1, 2, 3… seconds. */
  readonly startretries?: number;
  /** It is killed after that. */
  readonly stopwaitsecs?: number;
  /** The stop signal goes to all processes of its process group. */
  readonly stopasgroup?: boolean;
  readonly redirect_stderr?: boolean;
  /** A path, or AUTO, NONE, syslog, as it is written. */
  readonly stdout_logfile?: string;
  readonly stderr_logfile?: string;
}

/** A file of Supervisor's configuration, and what it is about. */
export interface ConfigFile {
  readonly path: string;
  /** How long ago it was written, by the host's own clock; Infinity where the host does not say. */
  readonly age_s: number;
  readonly programs: readonly ProgramName[];
}

/** What could be learnt of a host's configuration; possibly nothing. */
export interface HostConfig {
  readonly instances: ReadonlyMap<InstanceName, InstanceConfig>;
  readonly files: readonly ConfigFile[];
  /** How long ago supervisord was started, by the host's own clock; undefined where that is not known. */
  readonly supervisor_age_s?: number;
  /** Those of which no process has ended since Supervisor loaded their configuration, where it shows that. */
  readonly never_ended?: ReadonlySet<InstanceName>;
  /** Those that are configured otherwise in the files than supervisord has it, and one key in which that shows. */
  readonly differing?: ReadonlyMap<InstanceName, string>;
}

/** What `reread` finds of a group: it is other than what supervisord has loaded, new, or no longer configured. */
export type GroupChange = "changed" | "available" | "disappeared";

/** An instance of the configuration on disk. */
export interface ConfiguredInstance {
  readonly instance: InstanceName;
  /** Whether Supervisor starts it when it adds its group. */
  readonly autostart: boolean;
}

/** How the configuration on a host's disk differs from what its supervisord has loaded. */
export type RereadOutcome =
  /** @property instances of all groups that are configured, in natural order */
  | {
      readonly kind: "read";
      readonly groups: ReadonlyMap<ProgramName, GroupChange>;
      readonly instances: readonly ConfiguredInstance[];
    }
  /** supervisord cannot read it. */
  | { readonly kind: "invalid"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

/** What preflight saw of one host: all its instances in natural order, or why there is nothing to see. */
export type HostReport =
  | {
      readonly host: HostName;
      readonly instances: readonly ProcessSnapshot[];
      /** The process id of supervisord, where the look told it. */
      readonly supervisorPid?: number;
      /** What an operator should know of the way onto it. */
      readonly warnings?: readonly string[];
      readonly config?: HostConfig;
      /** Those that are EXITED and stay so: Supervisor does not start them again. */
      readonly at_rest?: ReadonlySet<InstanceName>;
      /** What supervisord's log says of its instances, where that was asked. */
      readonly histories?: ReadonlyMap<InstanceName, KnownHistory>;
      /** How its configuration on disk differs from what supervisord has loaded, where that was asked. */
      readonly reread?: RereadOutcome;
      /** Whether the login sees Supervisor's processes in the host's process table; undefined where that is not known. */
      readonly seesProcesses?: boolean;
    }
  | { readonly host: HostName; readonly refusal: Refusal };

/** What preflight saw, one entry for each host of the plan. */
export type FleetReport = ReadonlyMap<HostName, HostReport>;
