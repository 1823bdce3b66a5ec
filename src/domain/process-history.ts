/** How a process ended: as its `exitcodes` say, otherwise, or because Supervisor was asked to stop it. */
export type ProcessEnd = "expected" | "unexpected" | "stopped";

/** One process of an instance, from its start to its end, by what supervisord has logged. */
export interface PastProcess {
  /** Undefined where its start is further back than the log was read. */
  readonly pid?: number;
  /** The log's line of its start, with its time: no other start has the same. */
  readonly start?: string;
  /** Undefined while it runs. */
  readonly end?: ProcessEnd;
  /** Supervisor's words for its end: `exit status 0`. */
  readonly how?: string;
}

/** The processes that an instance has had, the oldest first, as far back as supervisord's log was read. */
export type ProcessHistory = readonly PastProcess[];

/** What supervisord's own log says of an instance, or why it says nothing. */
export type KnownHistory =
  | { readonly kind: "read"; readonly processes: ProcessHistory }
  /** Asking again would not change that. */
  | { readonly kind: "unread"; readonly reason: string }
  /** The host was lost before it could answer: what the log says is not known yet. */
  | { readonly kind: "lost"; readonly reason: string };

/** The process that runs, or is being started, if the log has its start. */
export function currentOf(history: ProcessHistory): PastProcess | undefined {
  const last = history.at(-1);
  return last?.end === undefined ? last : undefined;
}

/** The log's line of the last start that it has; empty if it has none. */
export function lastStartIn(history: ProcessHistory): string {
  return history.findLast(({ start }) => start !== undefined)?.start ?? "";
}

/** How the last process that has ended did so; undefined where the log does not say. */
export function lastEndIn(history: KnownHistory | undefined): ProcessEnd | undefined {
  return history?.kind === "read" ? history.processes.findLast(({ end }) => end !== undefined)?.end : undefined;
}
