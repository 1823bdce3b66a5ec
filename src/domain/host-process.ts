/** A process of a host's process table, as far as rollouts look at it. */
export interface HostProcess {
  readonly pid: number;
  readonly parent: number;
  /** The pid of the process that its process group was made for. Supervisor makes one for each process that it starts. */
  readonly group: number;
  /** Likewise of its session. */
  readonly session: number;
  /** Seconds since it was started, by the host's uptime: no clock that is set changes it. */
  readonly age_s: number;
  /** Its command line, cut to a readable length and without what looks like a secret; untrusted otherwise. */
  readonly command: string;
}

/** Which processes of a host's table are asked for. */
export interface ProcessQuery {
  /** Those whose process group or session is one of these. */
  readonly groups: readonly number[];
  /** And these, whatever their group. */
  readonly pids: readonly number[];
}

/** What a look at a host's process table gave. One that has ended and is not yet reaped (a zombie) is not in it. */
export type ProcessesOutcome =
  | { readonly kind: "seen"; readonly processes: readonly HostProcess[] }
  /** The host has none, or none that this login can read. */
  | { readonly kind: "unavailable"; readonly reason: string }
  /** No answer this time: the connection was lost, or the host was too busy. */
  | { readonly kind: "unanswered"; readonly reason: string };
