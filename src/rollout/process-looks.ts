import type { ProcessQuery } from "../domain/host-process.ts";
import type { HostName } from "../domain/ids.ts";
import type { Command } from "./messages.ts";

/** A look at a host's process table that is on its way. */
export interface ProcessLook {
  readonly query: ProcessQuery;
  readonly issuedAtMs: number;
}

/** Sees to it that at most one look at a host's process table is on its way: one answers for all instances of the host. */
export class ProcessLooks {
  private readonly issue: (command: Command) => void;
  private readonly inFlight = new Map<HostName, ProcessLook>();

  constructor(issue: (command: Command) => void) {
    this.issue = issue;
  }

  /** Asks once for all. While one is in flight nothing is sent: the host asks again when it has come back. */
  request(host: HostName, wanted: readonly ProcessQuery[], nowMs: number): void {
    if (wanted.length === 0 || this.inFlight.has(host)) return;
    const query = {
      groups: [...new Set(wanted.flatMap(({ groups }) => groups))],
      pids: [...new Set(wanted.flatMap(({ pids }) => pids))],
    };
    this.inFlight.set(host, { query, issuedAtMs: nowMs });
    this.issue({ type: "look_at_processes", host, query });
  }

  /** The one that has come back. */
  arrived(host: HostName): ProcessLook | undefined {
    const look = this.inFlight.get(host);
    this.inFlight.delete(host);
    return look;
  }
}
