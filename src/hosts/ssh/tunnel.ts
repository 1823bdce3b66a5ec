import { Duplex } from "node:stream";

/** What an ssh connection runs over: a socket, or a channel of another connection. */
export interface Transport extends Duplex {
  /** Ends it once what was written is on its way. */
  destroySoon(): void;
}

/**
 * A channel of a bastion as a socket. A channel alone does not do: it is closed when the bastion says so, and one that
 * is frozen never does.
 */
export class Tunnel extends Duplex implements Transport {
  private readonly channel: Duplex;
  private unsent: ((error: Error) => void) | undefined;

  constructor(channel: Duplex) {
    super({ allowHalfOpen: false });
    this.channel = channel;
    channel.pause();
    channel.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause();
    });
    channel.once("end", () => this.push(null));
    channel.once("close", () => {
      // ssh2 forgets what it could not send.
      this.unsent?.(channelClosed());
      if (this.readableEnded) this.destroy();
      else this.once("end", () => this.destroy());
    });
    channel.on("error", () => undefined);
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy()).end();
  }

  override _read(): void {
    this.channel.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.unsent = callback;
    const done = (error?: Error | null) => {
      if (this.unsent !== callback) return;
      this.unsent = undefined;
      callback(error);
    };
    if (!this.channel.writable) return done(channelClosed());
    this.channel.write(chunk, done);
  }

  override _final(callback: () => void): void {
    this.channel.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    try {
      this.channel.destroy();
    } catch {
      // The connection that it belongs to is gone.
    }
    callback(error);
  }
}

/** The error of a socket for a write after the other side has closed. */
function channelClosed(): Error {
  return Object.assign(new Error("the channel was closed"), { code: "ECONNRESET" });
}
