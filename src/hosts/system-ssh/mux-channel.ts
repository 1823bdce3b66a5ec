import { Duplex, Readable } from "node:stream";
import { boolean, MESSAGE, message, string, uint32, type Fields } from "./mux-wire.ts";

/** How much the host may send before the window is extended. */
export const WINDOW_BYTES = 2 * 1024 * 1024;
/** How long a packet of data may be, either way. */
export const PACKET_BYTES = 32 * 1024;

/** What the host has said of the channel that it opened. */
export interface HostEnd {
  readonly id: number;
  readonly windowBytes: number;
  readonly packetBytes: number;
}

/** One open channel: a stream both ways, and for a command its stderr and an `exit` event. */
export class MuxChannel extends Duplex {
  readonly stderr: Readable;
  private readonly send: (bytes: Buffer) => void;
  private readonly hostId: number;
  private readonly packetBytes: number;
  private windowBytes: number;
  /** What was read here and not yet told to the host. */
  private readBytes = 0;
  /** What waits here for a reader, of either stream. */
  private unread = { stdout: 0, stderr: 0 };
  private waiting: { readonly bytes: Buffer; readonly done: () => void } | undefined;
  private closeSent = false;
  private isOver = false;
  private answered: ((granted: boolean) => void) | undefined;

  /** @param send writes to the host */
  constructor({ id, windowBytes, packetBytes }: HostEnd, send: (bytes: Buffer) => void) {
    // Its own end of output does not end it: the exit status comes after that.
    super({ autoDestroy: false });
    this.hostId = id;
    this.windowBytes = windowBytes;
    this.packetBytes = packetBytes;
    this.send = send;
    this.stderr = new Readable({ read: () => this.welcome("stderr") });
    this.on("error", () => undefined);
  }

  /** Asks for a command to be started in it. @param answered called once: with false as well when that is not known */
  exec(line: string, answered: (granted: boolean) => void): void {
    this.answered = answered;
    this.sendMessage(MESSAGE.request, string("exec"), boolean(true), string(line));
  }

  /** Ends it from this side; what runs in it is not told. */
  close(): void {
    if (this.closeSent) return;
    this.closeSent = true;
    this.sendMessage(MESSAGE.close);
  }

  /** Takes a message of the host about this channel. */
  receive(type: number, fields: Fields): void {
    switch (type) {
      case MESSAGE.data:
        return this.arrived("stdout", fields.string());
      case MESSAGE.extendedData:
        fields.uint32();
        return this.arrived("stderr", fields.string());
      case MESSAGE.windowAdjust:
        this.windowBytes += fields.uint32();
        return this.writeOn();
      case MESSAGE.eof:
        return this.endOfOutput();
      case MESSAGE.close:
        this.close();
        return this.over();
      case MESSAGE.request:
        return this.request(fields);
      case MESSAGE.success:
      case MESSAGE.failure:
        this.answered?.(type === MESSAGE.success);
        this.answered = undefined;
        return;
    }
  }

  /** Nothing more is sent or received; it closes once it was read to its end. */
  over(): void {
    this.isOver = true;
    this.closeSent = true;
    this.answered?.(false);
    this.answered = undefined;
    this.writeOn();
    this.endOfOutput();
    if (this.readableEnded) this.destroy();
    else this.once("end", () => this.destroy());
  }

  override _read(): void {
    this.welcome("stdout");
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.waiting = { bytes, done };
    this.writeOn();
  }

  override _final(done: () => void): void {
    if (!this.closeSent) this.sendMessage(MESSAGE.eof);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.close();
    done(error);
  }

  private writeOn(): void {
    while (this.waiting) {
      const { bytes, done } = this.waiting;
      // A closed channel drops everything written to it, as a pipe to an ended command would after its EPIPE.
      const part = this.closeSent ? bytes : bytes.subarray(0, Math.min(this.windowBytes, this.packetBytes));
      if (part.length === 0 && bytes.length > 0) return;
      if (!this.closeSent) {
        this.windowBytes -= part.length;
        this.sendMessage(MESSAGE.data, string(part));
      }
      if (part.length < bytes.length) this.waiting = { bytes: bytes.subarray(part.length), done };
      else {
        this.waiting = undefined;
        done();
      }
    }
  }

  private arrived(name: "stdout" | "stderr", bytes: Buffer): void {
    const stream = name === "stdout" ? this : this.stderr;
    if (stream.destroyed) return;
    this.unread[name] += bytes.length;
    if (stream.push(bytes)) this.welcome(name);
  }

  /** What arrived was read: the host may send as much again, and gets a window update now and then. */
  private welcome(name: "stdout" | "stderr"): void {
    this.readBytes += this.unread[name];
    this.unread[name] = 0;
    if (this.readBytes < WINDOW_BYTES / 2 || this.closeSent) return;
    this.sendMessage(MESSAGE.windowAdjust, uint32(this.readBytes));
    this.readBytes = 0;
  }

  private endOfOutput(): void {
    for (const stream of [this, this.stderr]) if (!stream.destroyed) stream.push(null);
  }

  private request(fields: Fields): void {
    const what = fields.string().toString("latin1");
    const wantsReply = fields.byte() !== 0;
    if (what === "exit-status") this.emit("exit", fields.uint32());
    else if (what === "exit-signal") this.emit("exit", null, `SIG${fields.string().toString("latin1")}`);
    // sshd's ClientAliveInterval asks like this for any sign of life.
    if (wantsReply) this.sendMessage(MESSAGE.failure);
  }

  private sendMessage(type: number, ...fields: readonly Buffer[]): void {
    if (!this.isOver) this.send(message(type, uint32(this.hostId), ...fields));
  }
}
