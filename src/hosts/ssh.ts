import { setTimeout as rest } from "node:timers/promises";
import type { HostName } from "../domain/ids.ts";
import type { HostTarget } from "../domain/target.ts";
import type {
  Argv,
  ConnectOutcome,
  DialOutcome,
  DialTarget,
  HostAccess,
  HostProcess,
  RunOutcome,
  SpawnOutcome,
} from "../executor/ports.ts";
import { quoteArgv } from "./quote.ts";
import type { SshConnection } from "./ssh-connection.ts";
import { shakeHands, type Opened } from "./ssh-handshake.ts";
import { findRoute, type SshOptions } from "./ssh-route.ts";

/** A command ends some milliseconds after its stdin, unless it hangs: then there will be no room. */
const SPARES_END_MS = 10_000;

/** Rests before what found no channel is sent again. */
const ROOM_COMES_AFTER_MS = [10, 20, 40, 80, 160, 320];

/** A way onto a host by ssh: one connection for all commands, made when it is first needed and again when it was lost. */
export function openSsh(target: HostTarget, options: SshOptions = {}): HostAccess {
  return new SshAccess(target, options);
}

/** A connection, or the attempt to make it: who comes meanwhile shares it. */
interface Attempt {
  readonly opened: Promise<Opened>;
  readonly abandon: AbortController;
  /** True: what comes next needs a new one. */
  isSpent(): boolean;
}

class SshAccess implements HostAccess {
  readonly host: HostName;
  readonly #target: HostTarget;
  readonly #options: SshOptions;
  #current: Attempt | undefined;
  /** What was spawned to make things faster, and is dispensable. */
  readonly #spares = new Set<HostProcess>();
  /** Everything that has been closed so far, so that no `close` resolves before the work of another. */
  #closing: Promise<unknown> = Promise.resolve();

  constructor(target: HostTarget, options: SshOptions) {
    this.host = target.name;
    this.#target = target;
    this.#options = options;
  }

  async connect(): Promise<ConnectOutcome> {
    const opened = await this.#open();
    return opened.kind === "connected" ? { kind: "connected" } : opened;
  }

  async run(argv: Argv, { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<RunOutcome> {
    const line = quoteArgv(argv);
    const opened = await this.#open();
    if (opened.kind === "refused") return { kind: "unreachable", reason: opened.refusal.reason };
    const { connection } = opened;
    return this.#untilRoom(connection, () => connection.run(line, timeoutMs));
  }

  async spawn(argv: Argv, { spare = false }: { readonly spare?: boolean } = {}): Promise<SpawnOutcome> {
    const line = quoteArgv(argv);
    const opened = await this.#open();
    if (opened.kind === "refused") return { kind: "failed", reason: opened.refusal.reason };
    const { connection } = opened;
    const outcome = await this.#untilRoom(connection, () => connection.spawn(line));
    if (spare && outcome.kind === "spawned") this.#keepSpare(outcome.process);
    return outcome;
  }

  async dial(to: DialTarget): Promise<DialOutcome> {
    const opened = await this.#open();
    if (opened.kind === "refused") return { kind: "failed", reason: opened.refusal.reason };
    return opened.connection.dial(to);
  }

  async close(): Promise<void> {
    const attempt = this.#current;
    this.#current = undefined;
    if (attempt) this.#closing = Promise.all([this.#closing, end(attempt)]);
    await this.#closing;
  }

  #keepSpare(process: HostProcess): void {
    this.#spares.add(process);
    void process.closed.then(() => this.#spares.delete(process));
  }

  /**
   * sshd counts the commands of one connection (MaxSessions). What it has refused was not sent, so it may be sent
   * again: once what is dispensable has made room, and sshd, which tells of a command's end before it has forgotten
   * it, has had time to do so.
   */
  async #untilRoom<Outcome extends { readonly kind: string }>(
    connection: SshConnection,
    send: () => Promise<Outcome>,
  ): Promise<Outcome> {
    let outcome = await send();
    const isRefused = () => (outcome.kind === "unreachable" || outcome.kind === "failed") && !connection.isLost;
    if (isRefused()) await this.#endSpares();
    for (const restMs of ROOM_COMES_AFTER_MS) {
      if (!isRefused()) break;
      await rest(restMs);
      outcome = await send();
    }
    return outcome;
  }

  async #endSpares(): Promise<void> {
    const spares = [...this.#spares];
    this.#spares.clear();
    for (const { stream } of spares) stream.end();
    const ended = Promise.all(spares.map(({ closed }) => closed));
    await Promise.race([ended, rest(SPARES_END_MS, undefined, { ref: false })]);
  }

  #open(): Promise<Opened> {
    if (!this.#current || this.#current.isSpent()) this.#current = attempt(this.#target, this.#options);
    return this.#current.opened;
  }
}

function attempt(target: HostTarget, options: SshOptions): Attempt {
  const abandon = new AbortController();
  let result: Opened | undefined;
  const opened = open(target, options, abandon.signal).then((value) => (result = value));
  const isSpent = () => result !== undefined && (result.kind === "refused" || result.connection.isLost);
  return { opened, abandon, isSpent };
}

async function open(target: HostTarget, options: SshOptions, signal: AbortSignal): Promise<Opened> {
  const found = await findRoute(target, options);
  return "route" in found ? shakeHands(found.route, signal) : { kind: "refused", refusal: found.refusal };
}

async function end({ opened, abandon }: Attempt): Promise<void> {
  abandon.abort();
  const result = await opened;
  if (result.kind === "connected") await result.connection.close();
}
