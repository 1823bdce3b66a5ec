import { access, readFile } from "node:fs/promises";
import type { ParsedKey, utils } from "ssh2";
import { quoteArgv } from "../../domain/shell-quotes.ts";
import { wireStrings } from "../host-keys/public-key.ts";
import type { SshRoute, UnlockedKeys } from "../ssh-config/ssh-route.ts";

/** The private keys that files hold. */
export interface Identities {
  readonly usable: readonly { readonly file: string; readonly key: ParsedKey }[];
  /** Files that are there but of no use by themselves, and why. */
  readonly skipped: readonly { readonly file: string; readonly why: string }[];
  /** Files that a passphrase would make usable, with what of the key is not secret. */
  readonly locked: readonly { readonly file: string; readonly text: Buffer; readonly publicBlob?: Buffer }[];
  /** The public halves of all of them, as far as they can be had: an agent may hold the private ones. */
  readonly publicBlobs: readonly Buffer[];
}

export type ParseKey = typeof utils.parseKey;

interface Identity {
  readonly file: string;
  readonly key?: ParsedKey;
  readonly why?: string;
  readonly publicBlob?: Buffer;
  /** The file, where it has a passphrase. */
  readonly lockedText?: Buffer;
}

/** Reads the identity files of a route. Those that OpenSSH tries by default are often not there: no word of them. */
export async function readIdentities(
  { identityFiles, identityIsChosen }: SshRoute,
  parseKey: ParseKey,
  unlocked: UnlockedKeys = new Map(),
): Promise<Identities> {
  const found = await Promise.all(
    identityFiles.map(async (file): Promise<Identity> => {
      const key = unlocked.get(file);
      return key ? { file, key, publicBlob: key.getPublicSSH() } : readIdentity(file, identityIsChosen, parseKey);
    }),
  );
  return {
    usable: found.flatMap(({ file, key }) => (key ? [{ file, key }] : [])),
    skipped: found.flatMap(({ file, why }) => (why ? [{ file, why }] : [])),
    locked: found.flatMap(({ file, lockedText: text, publicBlob }) =>
      text ? [{ file, text, ...(publicBlob && { publicBlob }) }] : [],
    ),
    publicBlobs: found.flatMap(({ publicBlob }) => (publicBlob ? [publicBlob] : [])),
  };
}

async function readIdentity(file: string, isChosen: boolean, parseKey: ParseKey): Promise<Identity> {
  let text: Buffer;
  try {
    text = await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!isChosen && code === "ENOENT") return { file };
    return { file, why: code === "ENOENT" ? "no such file" : `cannot be read: ${code}` };
  }
  const key = parse(text, parseKey);
  if (key instanceof Error) {
    const why = { file, why: whyUnusable(file, key), ...(await publicHalf(file, text, parseKey)) };
    return hasPassphrase(key) ? { ...why, lockedText: text } : why;
  }
  const publicBlob = key.getPublicSSH();
  // As for OpenSSH, a public key chooses among the agent's keys.
  if (!key.isPrivateKey()) {
    const privateFile = file.replace(/\.pub$/, "");
    const isBeside = privateFile !== file && (await exists(privateFile));
    const where = isBeside ? `lies next to it: set ssh.identity_file: ${privateFile}` : "must be in the agent";
    return { file, why: `is a public key: the private one ${where}`, publicBlob };
  }
  const certificate = `${file}-cert.pub`;
  if (await exists(certificate))
    return {
      file,
      key,
      publicBlob,
      why: `used without ${certificate}: certificates are not supported (see client: system)`,
    };
  return { file, key, publicBlob };
}

async function publicHalf(file: string, text: Buffer, parseKey: ParseKey): Promise<{ publicBlob?: Buffer }> {
  const publicBlob = publicPartOf(text);
  if (publicBlob) return { publicBlob };
  try {
    const key = parse(await readFile(`${file}.pub`), parseKey);
    return key instanceof Error ? {} : { publicBlob: key.getPublicSSH() };
  } catch {
    return {};
  }
}

/** OpenSSH's own format encrypts only the secret half; see PROTOCOL.key. */
function publicPartOf(text: Buffer): Buffer | undefined {
  const [, base64 = ""] = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)/.exec(text.toString("latin1")) ?? [];
  const bytes = Buffer.from(base64, "base64");
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
  // The cipher, how its key is made and with what, then the number of keys and the first of them.
  let at = MAGIC.length;
  for (let field = 0; field < 3 && at + 4 <= bytes.length; field += 1) at += 4 + bytes.readUInt32BE(at);
  at += 4;
  if (at + 4 > bytes.length) return undefined;
  return wireStrings(bytes.subarray(at, at + 4 + bytes.readUInt32BE(at)))?.[0];
}

const MAGIC = "openssh-key-v1\0";

/** What a passphrase makes of a locked file; undefined when it is the wrong one. */
export function unlock(text: Buffer, passphrase: string, parseKey: ParseKey): ParsedKey | undefined {
  const key = parse(text, parseKey, passphrase);
  return key instanceof Error || !key.isPrivateKey() ? undefined : key;
}

/** Some formats give a list of keys, against ssh2's type; there is never more than one in it. */
function parse(text: Buffer, parseKey: ParseKey, passphrase?: string): ParsedKey | Error {
  const parsed: unknown = parseKey(text, passphrase);
  return (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error;
}

/** ssh2 distinguishes the cases by their text only. */
function whyUnusable(file: string, error: Error): string {
  if (hasPassphrase(error)) return `has a passphrase: add it to the agent with \`ssh-add ${quoteArgv([file])}\``;
  if (/\bsk-/.test(error.message)) return "is a FIDO key, which is not supported: see client: system";
  return `is not a usable key: ${error.message}`;
}

function hasPassphrase({ message }: Error): boolean {
  return /encrypted/i.test(message);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
