import type { Socket } from "node:net";
import type { Client } from "ssh2";
import type { DialOutcome, DialTarget, RunOutcome, SpawnOutcome } from "../executor/ports.ts";
import type { Connection, NoRoom, RunOptions, Seat } from "./connection.ts";
import { execute, forward, start } from "./ssh-exec.ts";
import type { SshError } from "./ssh-refusal.ts";

/** A connection that is made of ssh2. */
export class SshConnection implements Connection {
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #endpoint: string;
  readonly #closed: Promise<void>;
  readonly #lost = () => this.#lostBecause;
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

  run(line: string, options: RunOptions): Promise<RunOutcome | NoRoom> {
    return execute(this.#client, line, { ...options, lostBecause: this.#lost });
  }

  spawn(line: string, seat: Seat): Promise<SpawnOutcome | NoRoom> {
    return start(this.#client, line, { seat, lostBecause: this.#lost });
  }

  dial(to: DialTarget): Promise<DialOutcome> {
    return forward(this.#client, to, this.#lost);
  }

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
