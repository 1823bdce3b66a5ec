import type { HostName } from "../../domain/ids.ts";
import type {
  Argv,
  ConnectOutcome,
  DialOutcome,
  DialTarget,
  HostAccess,
  RunBounds,
  RunOutcome,
  SpawnOutcome,
} from "../../executor/ports.ts";
import type { Connection, NoRoom, Seat } from "./connection.ts";
import { ConnectionAttempt, type OpenConnection, type ReservedSeat } from "./connection-attempt.ts";
import { loginLine } from "./login-line.ts";
import { markedArgv, newMark } from "./output-mark.ts";
import { boundedArgv } from "./time-bound.ts";

/**
 * More than a host of sixteen instances needs where sshd allows one session a connection. Beyond it something is wrong,
 * and sshd would soon drop connections by itself.
 */
const MOST_CONNECTIONS = 32;

/**
 * A way onto a host by connections that all commands share: one, made when it is first needed and again when it was
 * lost; and more, one after the other, when the host is seen to refuse further channels on those that there are.
 */
export class SharedConnections implements HostAccess {
  readonly host: HostName;
  private readonly open: OpenConnection;
  private attempts: readonly ConnectionAttempt[] = [];
  /** How many channels a connection of this host was seen to bear, once it has refused one. */
  private limit = Infinity;
  /** Everything that has been closed so far, so that no `close` resolves before the work of another. */
  private closing: Promise<unknown> = Promise.resolve();

  constructor(host: HostName, open: OpenConnection) {
    this.host = host;
    this.open = open;
  }

  async connect(): Promise<ConnectOutcome> {
    const opened = await this.any().opened;
    if (opened.kind === "refused") return opened;
    const { warnings = [] } = opened;
    return { kind: "connected", ...(warnings.length > 0 && { warnings }) };
  }

  async run(argv: Argv, { timeoutMs, stdin }: RunBounds = {}): Promise<RunOutcome> {
    const mark = newMark();
    const line = loginLine(markedArgv(mark, timeoutMs === undefined ? argv : boundedArgv(argv, timeoutMs)));
    return this.seated(
      (connection, seat) => connection.run(line, { timeoutMs, stdin, mark, seat }),
      (reason) => ({ kind: "unreachable", reason }),
    );
  }

  async spawn(argv: Argv): Promise<SpawnOutcome> {
    const line = loginLine(argv);
    return this.seated(
      (connection, seat) => connection.spawn(line, seat),
      (reason) => ({ kind: "failed", reason }),
    );
  }

  async dial(to: DialTarget): Promise<DialOutcome> {
    const opened = await this.any().opened;
    if (opened.kind === "refused") return { kind: "failed", reason: opened.refusal.reason };
    return opened.connection.dial(to);
  }

  async close(): Promise<void> {
    const attempts = this.attempts;
    this.attempts = [];
    this.closing = Promise.all([this.closing, ...attempts.map((attempt) => attempt.end())]);
    await this.closing;
  }

  /** Sends a command over a connection that has room for it; one that is refused a channel goes over another. */
  private async seated<Outcome extends { readonly kind: string }>(
    send: (connection: Connection, seat: Seat) => Promise<Outcome | NoRoom>,
    nowhere: (reason: string) => Outcome,
  ): Promise<Outcome> {
    for (;;) {
      const found = await this.place();
      if ("reason" in found) return nowhere(found.reason);
      const { attempt, connection, seat } = found;
      const outcome = await send(connection, seat);
      if (!isNoRoom(outcome)) return outcome;
      if (attempt.maxChannels === 0) {
        // Not even its first: another connection would bear none either. Others may still wait for the same answer.
        if (attempt.isIdle) this.retire(attempt);
        return nowhere(outcome.reason);
      }
      this.limit = attempt.maxChannels;
    }
  }

  private async place(): Promise<ReservedSeat | { readonly reason: string }> {
    for (;;) {
      this.forgetSpent();
      for (const attempt of this.attempts) {
        const place = attempt.reserve(this.limit);
        if (place) return place;
      }
      // One after the other: sshd drops what comes too fast (MaxStartups), and the next may have room for all.
      const pending = this.attempts.find((attempt) => attempt.isPending);
      const stuck = this.attempts.find((attempt) => attempt.isStuck);
      if (stuck && this.attempts.length >= MOST_CONNECTIONS) this.retire(stuck);
      if (!pending && this.attempts.length >= MOST_CONNECTIONS)
        return { reason: `no room for another command on ${MOST_CONNECTIONS} connections (see sshd's MaxSessions)` };
      const attempt = pending ?? this.begin();
      const opened = await attempt.opened;
      if (opened.kind === "refused") return { reason: opened.refusal.reason };
      // Even if it is lost by now: it says why, and a host that drops every connection is not asked for ever.
      const first = attempt.reserve(this.limit);
      if (first) return first;
    }
  }

  /** The first connection, or the attempt to make it. */
  private any(): ConnectionAttempt {
    this.forgetSpent();
    return this.attempts[0] ?? this.begin();
  }

  private begin(): ConnectionAttempt {
    const attempt = new ConnectionAttempt(this.open);
    this.attempts = [...this.attempts, attempt];
    return attempt;
  }

  private forgetSpent(): void {
    this.attempts = this.attempts.filter((attempt) => !attempt.isSpent);
  }

  private retire(attempt: ConnectionAttempt): void {
    this.attempts = this.attempts.filter((each) => each !== attempt);
    this.closing = Promise.all([this.closing, attempt.end()]);
  }
}

function isNoRoom(outcome: { readonly kind: string }): outcome is NoRoom {
  return outcome.kind === "no_room";
}
