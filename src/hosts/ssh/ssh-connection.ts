import type { Client } from "ssh2";
import type { DialOutcome, DialTarget, RunOutcome, SpawnOutcome } from "../../executor/ports.ts";
import type { Connection, NoRoom, RunOptions, Seat } from "../connection/connection.ts";
import { execute, forward, openTunnel, start } from "../connection/ssh-exec.ts";
import type { SshError } from "./ssh-refusal.ts";
import type { Transport } from "./tunnel.ts";

/** A connection that is made of ssh2. */
export class SshConnection implements Connection {
  private readonly client: Client;
  private readonly transport: Transport;
  private readonly endpoint: string;
  private readonly closed: Promise<void>;
  private readonly getWhyLost = () => this.whyLost;
  private whyLost: string | undefined;

  /**
   * @param client ready for commands
   * @param transport what `client` runs over: destroying it is the one way that always ends the connection
   * @param endpoint what it leads to, for messages
   * @param bastionLost why the bastion that it runs through is lost; undefined while it is good
   */
  constructor(client: Client, transport: Transport, endpoint: string, bastionLost?: () => string | undefined) {
    this.client = client;
    this.transport = transport;
    this.endpoint = endpoint;
    const lose = (why: string) => this.lose(bastionLost?.() ?? why);
    client.on("error", (error: SshError) => lose(whyLost(error)));
    client.on("end", () => lose("the host ended it"));
    this.closed = new Promise((resolve) => {
      // ssh2 emits this before it ends the commands in progress, so that they find the reason in place.
      client.on("close", () => {
        lose("it broke off");
        resolve();
      });
    });
  }

  get isLost(): boolean {
    return this.whyLost !== undefined || !this.transport.writable;
  }

  /** Undefined while it is good. */
  get lostBecause(): string | undefined {
    return this.whyLost;
  }

  run(line: string, options: RunOptions): Promise<RunOutcome | NoRoom> {
    return execute(this.client, line, { ...options, lostBecause: this.getWhyLost });
  }

  spawn(line: string, seat: Seat): Promise<SpawnOutcome | NoRoom> {
    return start(this.client, line, { seat, lostBecause: this.getWhyLost });
  }

  dial(to: DialTarget): Promise<DialOutcome> {
    return forward(this.client, to, this.getWhyLost);
  }

  /** The same for who knows where it leads: a reason that does not begin with that. */
  tunnel(to: DialTarget): Promise<DialOutcome> {
    return openTunnel(this.client, to, this.getWhyLost);
  }

  async close(): Promise<void> {
    this.client.end();
    this.lose("it was closed by us");
    await this.closed;
  }

  private lose(why: string): void {
    if (this.whyLost !== undefined) return;
    this.whyLost = `the connection to ${this.endpoint} was lost: ${why}`;
    // Once what was written is on its way: a frozen host would never close its half.
    this.transport.destroySoon();
  }
}

function whyLost({ level, code, message }: SshError): string {
  if (level === "client-timeout") return "the host no longer answers";
  if (code === "ECONNRESET") return "the host reset it";
  return message;
}
