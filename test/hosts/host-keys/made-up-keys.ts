import { createHash } from "node:crypto";

/** A key that only looks real: enough for files and comparisons, nobody holds its private half. */
export interface MadeUpKey {
  readonly type: string;
  readonly blob: Buffer;
  /** `ssh-ed25519 AAAA…`, as a line of known_hosts has it. */
  readonly text: string;
}

/** An Ed25519 key, always the same for the same seed. */
export function madeUpEd25519(seed: number): MadeUpKey {
  return keyOf("ssh-ed25519", [digest("sha256", seed)]);
}

/** An RSA key of 2048 bits, always the same for the same seed. */
export function madeUpRsa(seed: number): MadeUpKey {
  const middle = [1, 2, 3, 4].map((part) => digest("sha512", seed * 10 + part));
  // Positive, and odd.
  const modulus = Buffer.concat([Buffer.from([0, 0xc1]), ...middle, Buffer.from([1])]);
  return keyOf("ssh-rsa", [Buffer.from([1, 0, 1]), modulus]);
}

function digest(algorithm: string, seed: number): Buffer {
  return createHash(algorithm).update(`key ${seed}`).digest();
}

function keyOf(type: string, fields: readonly Buffer[]): MadeUpKey {
  const blob = Buffer.concat([Buffer.from(type), ...fields].map(wireString));
  return { type, blob, text: `${type} ${blob.toString("base64")}` };
}

function wireString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
