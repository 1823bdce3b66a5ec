import type { Refusal } from "../../domain/failures.ts";
import type { DialOutcome, DialTarget, RunOutcome, SpawnOutcome } from "../../executor/ports.ts";

/** The host opened no channel for a command: it is at its limit. The command was not sent. */
export interface NoRoom {
  readonly kind: "no_room";
  readonly reason: string;
}

/** Where a command sits on its connection, from before its channel is asked for until that is gone. */
export interface Seat {
  /** The host has opened its channel. */
  taken(): void;
  /** Its channel is gone, or can no longer come. */
  left(): void;
  /** The host opens no channel for it. */
  refused(): void;
}

export interface RunOptions {
  /** From now to the end of the command. */
  readonly timeoutMs?: number | undefined;
  readonly stdin?: string | undefined;
  /** What its output begins behind; without one the login shell itself has failed, and all is kept. */
  readonly mark: string;
  readonly seat: Seat;
}

/** One connection of a host, from the end of its handshake to its loss, after which it is of no use. */
export interface Connection {
  readonly isLost: boolean;
  /** @param line what a shell on the host is to run */
  run(line: string, options: RunOptions): Promise<RunOutcome | NoRoom>;
  /** @param line what a shell on the host is to run */
  spawn(line: string, seat: Seat): Promise<SpawnOutcome | NoRoom>;
  dial(to: DialTarget): Promise<DialOutcome>;
  /** Resolves when nothing of it is left: no socket, no process, no timer. */
  close(): Promise<void>;
}

export type Opened =
  /** @property warnings what an operator should know of it */
  | { readonly kind: "connected"; readonly connection: Connection; readonly warnings?: readonly string[] }
  | { readonly kind: "refused"; readonly refusal: Refusal };
