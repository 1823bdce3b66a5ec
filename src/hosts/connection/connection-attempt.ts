import type { Connection, Opened, Seat } from "./connection.ts";

/** Makes a connection; the signal ends the attempt. Never rejects. */
export type OpenConnection = (signal: AbortSignal) => Promise<Opened>;

/** A seat, and what it is on. */
export interface ReservedSeat {
  readonly attempt: ConnectionAttempt;
  readonly connection: Connection;
  readonly seat: Seat;
}

/** A connection, or the attempt to make it, with the commands that it carries. */
export class ConnectionAttempt {
  readonly opened: Promise<Opened>;
  private readonly abandon = new AbortController();
  /** In the order in which their channels were asked for. */
  private readonly seats = new Set<{ isTaken: boolean }>();
  private result: Opened | undefined;
  private mostChannels = 0;
  /** True: the host has refused a channel, and none has ended since. */
  private isFull = false;
  /** True: the last channel was refused although there was no other. */
  private refusedAlone = false;

  constructor(open: OpenConnection) {
    this.opened = open(this.abandon.signal).then((opened) => (this.result = opened));
  }

  get isPending(): boolean {
    return this.result === undefined;
  }

  /** True: what comes next needs a new one. */
  get isSpent(): boolean {
    return this.result !== undefined && (this.result.kind === "refused" || this.result.connection.isLost);
  }

  /** True: no command sits on it. */
  get isIdle(): boolean {
    return this.seats.size === 0;
  }

  /** True: it refuses channels although none of ours is left that could end: commands that were given up hold them. */
  get isStuck(): boolean {
    return this.isFull && this.isIdle;
  }

  /** The most channels that it was seen to carry at once. */
  get maxChannels(): number {
    return this.mostChannels;
  }

  /** A seat, unless there is no connection yet or it is known to carry no more. */
  reserve(limit: number): ReservedSeat | undefined {
    if (this.result?.kind !== "connected" || this.isFull || this.seats.size >= limit) return undefined;
    return { attempt: this, connection: this.result.connection, seat: this.newSeat() };
  }

  async end(): Promise<void> {
    this.abandon.abort();
    const result = await this.opened;
    if (result.kind === "connected") await result.connection.close();
  }

  private newSeat(): Seat {
    const seat = { isTaken: false };
    this.seats.add(seat);
    return {
      taken: () => {
        seat.isTaken = true;
        this.refusedAlone = false;
        this.noteChannels([...this.seats].filter(({ isTaken }) => isTaken).length);
      },
      left: () => {
        this.seats.delete(seat);
        if (seat.isTaken) this.isFull = false;
      },
      refused: () => {
        // A host answers in order: those before this one are open, although not all may have said so yet.
        const others = [...this.seats].indexOf(seat);
        this.noteChannels(others);
        this.seats.delete(seat);
        // sshd takes a moment to free what it has confirmed to be closed: alone here, a command is worth a second try.
        this.isFull = others > 0 || this.refusedAlone;
        this.refusedAlone = others === 0;
      },
    };
  }

  private noteChannels(channels: number): void {
    this.mostChannels = Math.max(this.mostChannels, channels);
  }
}
