import { access, readFile } from "node:fs/promises";
import type { ParsedKey, utils } from "ssh2";
import type { SshRoute } from "./ssh-route.ts";

/** The private keys that files hold. */
export interface Identities {
  readonly usable: readonly { readonly file: string; readonly key: ParsedKey }[];
  /** Files that are there but of no use by themselves, and why. */
  readonly skipped: readonly { readonly file: string; readonly why: string }[];
  /** The public halves of all of them, as far as they can be had: an agent may hold the private ones. */
  readonly publicBlobs: readonly Buffer[];
}

type ParseKey = typeof utils.parseKey;

interface Identity {
  readonly file: string;
  readonly key?: ParsedKey;
  readonly why?: string;
  readonly publicBlob?: Buffer;
}

/** Reads the identity files of a route. Those that OpenSSH tries by default are often not there: no word of them. */
export async function readIdentities(route: SshRoute, parseKey: ParseKey): Promise<Identities> {
  const { identityFiles, identityIsChosen } = route;
  const found = await Promise.all(identityFiles.map((file) => readIdentity(file, identityIsChosen, parseKey)));
  return {
    usable: found.flatMap(({ file, key }) => (key ? [{ file, key }] : [])),
    skipped: found.flatMap(({ file, why }) => (why ? [{ file, why }] : [])),
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
  if (key instanceof Error) return { file, why: whyUnusable(key), ...(await publicHalf(file, parseKey)) };
  const publicBlob = key.getPublicSSH();
  // As for OpenSSH, a public key chooses among the agent's keys.
  if (!key.isPrivateKey()) return { file, why: "a public key: the private one must be in the agent", publicBlob };
  const certificate = `${file}-cert.pub`;
  if (await exists(certificate))
    return { file, key, publicBlob, why: `used without ${certificate}: certificates are not supported` };
  return { file, key, publicBlob };
}

async function publicHalf(file: string, parseKey: ParseKey): Promise<{ publicBlob?: Buffer }> {
  try {
    const key = parse(await readFile(`${file}.pub`), parseKey);
    return key instanceof Error ? {} : { publicBlob: key.getPublicSSH() };
  } catch {
    return {};
  }
}

/** Some formats give a list of keys, against ssh2's type; there is never more than one in it. */
function parse(text: Buffer, parseKey: ParseKey): ParsedKey | Error {
  const parsed: unknown = parseKey(text);
  return (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error;
}

/** ssh2 tells the cases apart by their text only. */
function whyUnusable({ message }: Error): string {
  if (/encrypted/i.test(message)) return "has a passphrase: add it to the agent with `ssh-add`";
  if (/\bsk-/.test(message)) return "is a FIDO key, which is not supported";
  return `is no key that can be used: ${message}`;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
