import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { MuxChannel, PACKET_BYTES, WINDOW_BYTES } from "./mux-channel.ts";
import type { Fields } from "./mux-wire.ts";
import { MalformedPacket, MESSAGE, message, MUX, packet, PacketReader, string, uint32 } from "./mux-wire.ts";
import {
  CHANNEL_NEVER_OPENED,
  type ChannelError,
  type ChannelSource,
  type CommandChannel,
} from "../connection/ssh-exec.ts";

type Opened = (error: ChannelError | undefined, channel: MuxChannel) => void;

/** A channel that the host has been asked for, and then the channel. */
interface Asked {
  readonly opened: Opened;
  channel?: MuxChannel;
}

/** Stands for the channel where there is an error instead. */
const NO_CHANNEL = undefined as unknown as MuxChannel;

/**
 * Opens channels through a master's control socket. In its proxy mode the master hands on whole channel messages: so
 * exit codes and signals, refusals and the moment of a loss are as exact as over a connection of our own, and no process
 * is started for a command.
 */
export class MuxClient implements ChannelSource {
  private readonly socket: Socket;
  private readonly asked = new Map<number, Asked>();
  private nextId = 0;
  /** Resolves when the master has ended the connection; then {@link abandon} is due. */
  readonly lost: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.lost = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  /** @throws Error when the master does not answer as it should */
  static async open(path: string): Promise<MuxClient> {
    const socket = connect(path);
    const client = new MuxClient(socket);
    await client.greet();
    return client;
  }

  get isLost(): boolean {
    return !this.socket.writable;
  }

  exec(line: string, opened: (error: ChannelError | undefined, channel: CommandChannel) => void): void {
    this.openChannel("session", [], (error, channel) => {
      if (error) return opened(error, channel);
      channel.exec(line, (granted) => {
        if (granted) return opened(undefined, channel);
        channel.close();
        opened(new Error("it refused to run it"), channel);
      });
    });
  }

  forwardOut(
    fromAddress: string,
    fromPort: number,
    address: string,
    port: number,
    opened: (error: ChannelError | undefined, stream: Duplex) => void,
  ): void {
    this.openChannel("direct-tcpip", [string(address), uint32(port), string(fromAddress), uint32(fromPort)], opened);
  }

  openssh_forwardOutStreamLocal(path: string, opened: (error: ChannelError | undefined, stream: Duplex) => void): void {
    this.openChannel("direct-streamlocal@openssh.com", [string(path), string(""), uint32(0)], opened);
  }

  /** Ends all that still wait with an error. */
  abandon(): void {
    this.socket.destroy();
    for (const { opened, channel } of this.asked.values()) {
      if (channel) channel.over();
      else opened(new Error(CHANNEL_NEVER_OPENED), NO_CHANNEL);
    }
    this.asked.clear();
  }

  private greet(): Promise<void> {
    return new Promise((resolve, reject) => {
      const packets = new PacketReader();
      let next: "hello" | "granted" | "messages" = "hello";
      const take = (fields: Fields) => {
        if (next === "messages") return this.take(fields);
        if (next === "hello") {
          next = "granted";
          this.socket.write(packet(uint32(MUX.proxy, 0)));
        } else if (fields.uint32() === MUX.proxyGranted) {
          next = "messages";
          resolve();
        } else reject(new Error("this ssh has no proxy mode on its control socket: it must be 7.4 or newer"));
      };
      this.socket.on("data", (chunk: Buffer) => {
        try {
          for (const fields of packets.read(chunk)) take(fields);
        } catch (error) {
          if (!(error instanceof MalformedPacket)) throw error;
          // What comes from a host must not end us.
          this.socket.destroy();
        }
      });
      this.socket.on("error", reject);
      this.socket.once("close", () => reject(new Error("ssh closed its control socket")));
      this.socket.write(packet(uint32(MUX.hello, MUX.version)));
    });
  }

  private openChannel(type: string, details: readonly Buffer[], opened: Opened): void {
    if (!this.socket.writable) throw new Error("ssh has ended");
    const id = this.nextId;
    this.nextId += 1;
    this.asked.set(id, { opened });
    this.socket.write(message(MESSAGE.open, string(type), uint32(id, WINDOW_BYTES, PACKET_BYTES), ...details));
  }

  private take(fields: Fields): void {
    fields.byte();
    const type = fields.byte();
    const id = fields.uint32();
    const asked = this.asked.get(id);
    if (!asked) return;
    if (type === MESSAGE.openConfirmation) {
      const end = { id: fields.uint32(), windowBytes: fields.uint32(), packetBytes: fields.uint32() };
      asked.channel = new MuxChannel(end, (bytes) => this.socket.write(bytes));
      asked.opened(undefined, asked.channel);
    } else if (type === MESSAGE.openFailure) {
      this.asked.delete(id);
      const reason = fields.uint32();
      asked.opened(Object.assign(new Error(fields.string().toString("utf8")), { reason }), NO_CHANNEL);
    } else {
      asked.channel?.receive(type, fields);
      if (type === MESSAGE.close) this.asked.delete(id);
    }
  }
}
