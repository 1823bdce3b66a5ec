import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { parseKnownHosts, type KnownHosts } from "./known-hosts.ts";

interface ReadFile {
  /** Changes when the file does. */
  readonly version: string;
  readonly knownHosts: Promise<KnownHosts>;
}

/** Of each path, what it held last. A fleet of a thousand hosts shares a file of some thousand lines. */
const lastRead = new Map<string, ReadFile>();

/**
 * Reads known_hosts files. One that is missing or may not be read holds no keys, as for OpenSSH:
 * then a host is unknown, and the refusal names the files.
 *
 * @param paths absolute
 */
export function readKnownHosts(paths: readonly string[]): Promise<readonly KnownHosts[]> {
  return Promise.all(paths.map(readOnce));
}

/** Reads them again, synchronously: nobody can write to them between this read and the code that follows. */
export function readKnownHostsNow(paths: readonly string[]): readonly KnownHosts[] {
  return paths.map((path) => {
    try {
      return parseKnownHosts(readFileSync(path, "utf8"), path);
    } catch {
      return parseKnownHosts("", path);
    }
  });
}

async function readOnce(path: string): Promise<KnownHosts> {
  const version = await versionOf(path);
  if (version === undefined) return parseKnownHosts("", path);
  const last = lastRead.get(path);
  if (last?.version === version) return last.knownHosts;
  const knownHosts = readFile(path, "utf8").then(
    (text) => parseKnownHosts(text, path),
    () => parseKnownHosts("", path),
  );
  lastRead.set(path, { version, knownHosts });
  return knownHosts;
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs].join(" ");
  } catch {
    return undefined;
  }
}
