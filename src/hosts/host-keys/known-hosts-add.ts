import { createHmac, randomBytes } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { PublicKey } from "./public-key.ts";

/** The salt of a hashed name is as long as the hash. */
const SALT_BYTES = 20;
const NEWLINE = 0x0a;

/**
 * Adds a line to a known_hosts file, which is made if need be. The line goes out in one write to the end of the file,
 * so that of those who add at once none writes into another's line.
 *
 * @param name as the file is to have it: `host` or `[host]:port`
 * @param hashed true: so that the file does not reveal names of hosts
 * @returns why it was not added
 */
export function addToKnownHosts(
  file: string,
  name: string,
  key: PublicKey,
  { hashed }: { readonly hashed: boolean },
): string | undefined {
  const line = `${hashed ? hashOf(name) : name} ${key.type} ${key.blob.toString("base64")}\n`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const opened = openSync(file, "a+", 0o600);
    try {
      writeSync(opened, endsItsLine(opened) ? line : `\n${line}`);
    } finally {
      closeSync(opened);
    }
    return undefined;
  } catch (error) {
    return `${file} cannot be written: ${(error as NodeJS.ErrnoException).code}`;
  }
}

/** False: an editor has left the last line without its end. */
function endsItsLine(opened: number): boolean {
  const { size } = fstatSync(opened);
  const last = Buffer.alloc(1);
  return size === 0 || readSync(opened, last, 0, 1, size - 1) === 0 || last[0] === NEWLINE;
}

function hashOf(name: string): string {
  const salt = randomBytes(SALT_BYTES);
  return `|1|${salt.toString("base64")}|${createHmac("sha1", salt).update(name).digest("base64")}`;
}
