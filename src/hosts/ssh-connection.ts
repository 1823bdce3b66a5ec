import type { Client, ClientCallback } from "ssh2";
import type { DialOutcome, DialTarget, RunOutcome, SpawnOutcome } from "../executor/ports.ts";
import { execute, start } from "./ssh-exec.ts";
import type { SshError } from "./ssh-refusal.ts";
import type { Transport } from "./tunnel.ts";

/** A connection from the end of its handshake to its loss, after which it is of no use. */
export class SshConnection {
  readonly #client: Client;
  readonly #transport: Transport;
  readonly #endpoint: string;
  readonly #closed: Promise<void>;
  #lostBecause: string | undefined;

  /**
   * @param client ready for commands
   * @param transport what `client` runs over: destroying it is the one way that always ends the connection
   * @param endpoint what it leads to, for messages
   * @param bastionLost why the bastion that it runs through is lost; undefined while it is good
   */
  constructor(client: Client, transport: Transport, endpoint: string, bastionLost?: () => string | undefined) {
    this.#client = client;
    this.#transport = transport;
    this.#endpoint = endpoint;
    const lose = (why: string) => this.#lose(bastionLost?.() ?? why);
    client.on("error", (error: SshError) => lose(whyLost(error)));
    client.on("end", () => lose("the host ended it"));
    this.#closed = new Promise((resolve) => {
      // ssh2 emits this before it tells the commands under way, so that they find the reason in place.
      client.on("close", () => {
        lose("it broke off");
        resolve();
      });
    });
  }

  get isLost(): boolean {
    return this.#lostBecause !== undefined || !this.#transport.writable;
  }

  /** Undefined while it is good. */
  get lostBecause(): string | undefined {
    return this.#lostBecause;
  }

  /** @param line what a shell on the host is to run */
  run(line: string, timeoutMs: number | undefined): Promise<RunOutcome> {
    return execute(this.#client, line, { timeoutMs, lostBecause: () => this.#lostBecause });
  }

  /** @param line what a shell on the host is to run */
  spawn(line: string): Promise<SpawnOutcome> {
    return start(this.#client, line, () => this.#lostBecause);
  }

  /** A connection that the host opens for us. */
  async dial(to: DialTarget): Promise<DialOutcome> {
    const outcome = await this.forward(to);
    if (outcome.kind === "open" || this.#lostBecause !== undefined) return outcome;
    const where = "socket" in to ? to.socket : `${to.address}:${to.port}`;
    return { kind: "failed", reason: `${where}: ${outcome.reason}` };
  }

  /** The same for who knows where it leads: direct-tcpip, or OpenSSH's direct-streamlocal. */
  forward(to: DialTarget): Promise<DialOutcome> {
    return new Promise((resolve) => {
      const onOpened: ClientCallback = (error, stream) => {
        if (error) resolve({ kind: "failed", reason: this.#lostBecause ?? whyNotOpened(error) });
        else resolve({ kind: "open", stream });
      };
      try {
        if ("socket" in to) this.#client.openssh_forwardOutStreamLocal(to.socket, onOpened);
        else this.#client.forwardOut("127.0.0.1", 0, to.address, to.port, onOpened);
      } catch (error) {
        resolve({ kind: "failed", reason: this.#lostBecause ?? (error as Error).message });
      }
    });
  }

  /** Resolves when nothing of it is left: no socket, no timer. */
  async close(): Promise<void> {
    this.#client.end();
    this.#lose("it was closed by us");
    await this.#closed;
  }

  #lose(why: string): void {
    if (this.#lostBecause !== undefined) return;
    this.#lostBecause = `the connection to ${this.#endpoint} was lost: ${why}`;
    // Once what was written is on its way: a frozen host would never close its half.
    this.#transport.destroySoon();
  }
}

/** RFC 4254 section 5.1: the host's number for not opening a channel, and its own words. */
function whyNotOpened(error: Error & { readonly reason?: number | string }): string {
  const words = error.message.replace(/^\(SSH\) Channel open failure: /, "");
  if (error.reason === 1 || error.reason === "ADMINISTRATIVELY_PROHIBITED")
    return `sshd there does not permit it (see its AllowTcpForwarding and PermitOpen)`;
  return words.toLowerCase();
}

function whyLost({ level, code, message }: SshError): string {
  if (level === "client-timeout") return "the host no longer answers";
  if (code === "ECONNRESET") return "the host reset it";
  return message;
}
