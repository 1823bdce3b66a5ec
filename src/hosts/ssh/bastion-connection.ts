import type { SshOpened } from "./ssh-handshake.ts";

/** Makes a connection; it is given up when the signal comes. Never rejects. */
export type Open = (signal: AbortSignal) => Promise<SshOpened>;

/** A connection, or the attempt to make it: who comes meanwhile shares it. */
interface ConnectionAttempt {
  readonly opened: Promise<SshOpened>;
  readonly abandon: AbortController;
  /** True: what comes next needs a new one. */
  isSpent(): boolean;
}

/** One connection to a bastion, for all who go through it: made when it is first needed, and again when it was lost. */
export class BastionConnection {
  private readonly make: Open;
  private current: ConnectionAttempt | undefined;
  /** Everything that has been closed so far, so that no `close` resolves before the work of another. */
  private closing: Promise<unknown> = Promise.resolve();

  constructor(make: Open) {
    this.make = make;
  }

  open(): Promise<SshOpened> {
    if (!this.current || this.current.isSpent()) this.current = attempt(this.make);
    return this.current.opened;
  }

  /** Resolves when nothing of it is left; a later `open` makes a new one. */
  async close(): Promise<void> {
    const current = this.current;
    this.current = undefined;
    if (current) this.closing = Promise.all([this.closing, end(current)]);
    await this.closing;
  }
}

function attempt(make: Open): ConnectionAttempt {
  const abandon = new AbortController();
  let result: SshOpened | undefined;
  const opened = make(abandon.signal).then((value) => (result = value));
  const isSpent = () => result !== undefined && (result.kind === "refused" || result.connection.isLost);
  return { opened, abandon, isSpent };
}

async function end({ opened, abandon }: ConnectionAttempt): Promise<void> {
  abandon.abort();
  const result = await opened;
  if (result.kind === "connected") await result.connection.close();
}
