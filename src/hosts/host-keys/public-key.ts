import { createHash } from "node:crypto";

/** A public key as known_hosts and the wire have it. */
export interface PublicKey {
  /** `ssh-ed25519`, `ssh-rsa`… */
  readonly type: string;
  /** RFC 4253 section 6.6: the type once more, then what that type has. */
  readonly blob: Buffer;
}

/** How many strings follow the type in the blob of each type that OpenSSH reads from known_hosts. */
const FIELDS: Readonly<Record<string, number>> = {
  "ssh-ed25519": 1,
  "ecdsa-sha2-nistp256": 2,
  "ecdsa-sha2-nistp384": 2,
  "ecdsa-sha2-nistp521": 2,
  "ssh-rsa": 2,
  "ssh-dss": 4,
  "sk-ssh-ed25519@openssh.com": 2,
  "sk-ecdsa-sha2-nistp256@openssh.com": 3,
};

/** Whether the blob is of the type that the key claims, and whole. */
export function isWellFormedKey({ type, blob }: PublicKey): boolean {
  const [inner, ...fields] = wireStrings(blob) ?? [];
  return inner?.toString("latin1") === type && Object.hasOwn(FIELDS, type) && fields.length === FIELDS[type];
}

/** A raw key, as a host shows it and an agent lists it. Not all that follows the type need be strings: see certificates. */
export function publicKeyOf(blob: Buffer): PublicKey {
  const type = blob.length < 4 ? "" : blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
  return { type, blob };
}

/** As `ssh-keygen -l` prints it: `SHA256:` and 43 characters. */
export function fingerprintOf({ blob }: PublicKey): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** The strings of RFC 4251 section 5 that bytes are made of; undefined when they do not add up. */
export function wireStrings(bytes: Buffer): readonly Buffer[] | undefined {
  const strings: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return undefined;
    strings.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return strings;
}
