import type { Socket } from "node:net";
import type { Client, ClientCallback } from "ssh2";
import type { DialOutcome, DialTarget, RunOutcome, SpawnOutcome } from "../executor/ports.ts";
import { execute, start } from "./ssh-exec.ts";
import type { SshError } from "./ssh-refusal.ts";

/** A connection from the end of its handshake to its loss, after which it is of no use. */
export class SshConnection {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #endpoint: string;
  readonly #closed: Promise<void>;
  #lostBecause: string | undefined;

  /**
   * @param client ready for commands
   * @param socket what `client` runs over: destroying it is the one way that always ends the connection
   * @param endpoint address and port, for messages
   */
  constructor(client: Client, socket: Socket, endpoint: string) {
    this.#client = client;
    this.#socket = socket;
    this.#endpoint = endpoint;
    client.on("error", (error: SshError) => this.#lose(whyLost(error)));
    client.on("end", () => this.#lose("the host ended it"));
    this.#closed = new Promise((resolve) => {
      // ssh2 emits this before it tells the commands under way, so that they find the reason in place.
      client.on("close", () => {
        this.#lose("it broke off");
        resolve();
      });
    });
  }

  get isLost(): boolean {
    return this.#lostBecause !== undefined || !this.#socket.writable;
  }

  /** @param line what a shell on the host is to run */
  run(line: string, timeoutMs: number | undefined): Promise<RunOutcome> {
    return execute(this.#client, line, { timeoutMs, lostBecause: () => this.#lostBecause });
  }

  /** @param line what a shell on the host is to run */
  spawn(line: string): Promise<SpawnOutcome> {
    return start(this.#client, line, () => this.#lostBecause);
  }

  /** A connection that the host opens for us: direct-tcpip, or OpenSSH's direct-streamlocal. */
  dial(to: DialTarget): Promise<DialOutcome> {
    return new Promise((resolve) => {
      const where = "socket" in to ? to.socket : `${to.address}:${to.port}`;
      const onOpened: ClientCallback = (error, stream) => {
        if (error) resolve({ kind: "failed", reason: this.#lostBecause ?? `${where}: ${error.message}` });
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
    this.#socket.destroySoon();
  }
}

function whyLost({ level, code, message }: SshError): string {
  if (level === "client-timeout") return "the host no longer answers";
  if (code === "ECONNRESET") return "the host reset it";
  return message;
}
