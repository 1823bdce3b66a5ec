/**
 * What goes over ssh's control socket: OpenSSH's PROTOCOL.mux, and once its "proxy mode" is entered, messages of the
 * connection protocol (RFC 4254) in the clear.
 */
export const MUX = { hello: 0x00000001, version: 4, proxy: 0x1000000f, proxyGranted: 0x8000000f } as const;

export const MESSAGE = {
  open: 90,
  openConfirmation: 91,
  openFailure: 92,
  windowAdjust: 93,
  data: 94,
  extendedData: 95,
  eof: 96,
  close: 97,
  request: 98,
  success: 99,
  failure: 100,
} as const;

export function uint32(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => bytes.writeUInt32BE(number, 4 * index));
  return bytes;
}

export function string(value: string | Buffer): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

export function boolean(value: boolean): Buffer {
  return Buffer.from([value ? 1 : 0]);
}

/** A packet: its length, then itself. */
export function packet(...parts: readonly Buffer[]): Buffer {
  return string(Buffer.concat(parts));
}

/** A message of the connection protocol as a packet: no padding, its type, its fields. */
export function message(type: number, ...fields: readonly Buffer[]): Buffer {
  return packet(Buffer.from([0, type]), ...fields);
}

/** Cuts what arrives into packets. */
export class PacketReader {
  private rest: Buffer = Buffer.alloc(0);

  /** The packets that are whole by now, without their lengths. */
  *read(chunk: Buffer): Generator<Fields> {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    while (this.rest.length >= 4) {
      const end = 4 + this.rest.readUInt32BE(0);
      if (this.rest.length < end) return;
      const whole = this.rest.subarray(4, end);
      this.rest = this.rest.subarray(end);
      yield new Fields(whole);
    }
  }
}

/** A packet ends before one of its fields does. */
export class MalformedPacket extends Error {}

/** Reads the fields of a packet one after the other. @throws MalformedPacket */
export class Fields {
  private readonly bytes: Buffer;
  private position = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  byte(): number {
    return this.bytesOf(1).readUInt8();
  }

  uint32(): number {
    return this.bytesOf(4).readUInt32BE();
  }

  string(): Buffer {
    return this.bytesOf(this.uint32());
  }

  private bytesOf(length: number): Buffer {
    const start = this.position;
    this.position += length;
    if (this.position > this.bytes.length) throw new MalformedPacket();
    return this.bytes.subarray(start, this.position);
  }
}
