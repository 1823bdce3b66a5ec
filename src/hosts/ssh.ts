import type { HostName } from "../domain/ids.ts";
import type { HostTarget } from "../domain/target.ts";
import type {
  Argv,
  ConnectOutcome,
  DialOutcome,
  DialTarget,
  HostAccess,
  RunOutcome,
  SpawnOutcome,
} from "../executor/ports.ts";
import { quoteArgv } from "../domain/shell-quotes.ts";
import { shakeHands, type Opened } from "./ssh-handshake.ts";
import { findRoute, type SshOptions } from "./ssh-route.ts";

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
    return opened.connection.run(line, timeoutMs);
  }

  async spawn(argv: Argv): Promise<SpawnOutcome> {
    const line = quoteArgv(argv);
    const opened = await this.#open();
    if (opened.kind === "refused") return { kind: "failed", reason: opened.refusal.reason };
    return opened.connection.spawn(line);
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
