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
import { Bastions } from "./bastions.ts";
import { SharedConnection } from "./shared-connection.ts";
import { findRoute, type SshOptions } from "./ssh-route.ts";

/**
 * A way onto a host by ssh: one connection for all commands, made when it is first needed and again when it was lost.
 *
 * @param bastions those that it shares with other hosts
 */
export function openSsh(target: HostTarget, options: SshOptions = {}, bastions: Bastions = new Bastions()): HostAccess {
  return new SshAccess(target, options, bastions);
}

class SshAccess implements HostAccess {
  readonly host: HostName;
  readonly #connection: SharedConnection;
  readonly #bastions: Bastions;
  /** Who it is to its bastions, until it is closed: what comes after that may be there before they have let it go. */
  #guest: object = {};

  constructor(target: HostTarget, options: SshOptions, bastions: Bastions) {
    this.host = target.name;
    this.#bastions = bastions;
    this.#connection = new SharedConnection(async (signal) => {
      const guest = this.#guest;
      const found = await findRoute(target, options, bastions.configs);
      if ("refusal" in found) return { kind: "refused", refusal: found.refusal };
      return bastions.open(found.route, { signal, unlocked: options.unlocked, backoff: options.backoff }, guest);
    });
  }

  async connect(): Promise<ConnectOutcome> {
    const opened = await this.#connection.open();
    if (opened.kind === "refused") return opened;
    const { warnings } = opened;
    return { kind: "connected", ...(warnings.length > 0 && { warnings }) };
  }

  async run(argv: Argv, { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<RunOutcome> {
    const line = quoteArgv(argv);
    const opened = await this.#connection.open();
    if (opened.kind === "refused") return { kind: "unreachable", reason: opened.refusal.reason };
    return opened.connection.run(line, timeoutMs);
  }

  async spawn(argv: Argv): Promise<SpawnOutcome> {
    const line = quoteArgv(argv);
    const opened = await this.#connection.open();
    if (opened.kind === "refused") return { kind: "failed", reason: opened.refusal.reason };
    return opened.connection.spawn(line);
  }

  async dial(to: DialTarget): Promise<DialOutcome> {
    const opened = await this.#connection.open();
    if (opened.kind === "refused") return { kind: "failed", reason: opened.refusal.reason };
    return opened.connection.dial(to);
  }

  async close(): Promise<void> {
    const guest = this.#guest;
    this.#guest = {};
    await this.#connection.close();
    await this.#bastions.leave(guest);
  }
}
