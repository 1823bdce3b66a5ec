/**
 * The known_hosts format, decided as OpenSSH decides it: sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT",
 * and OpenSSH's hostfile.c and match.c where the page is silent.
 */
import { createHmac } from "node:crypto";
import { matchesPatterns } from "../ssh-config/host-pattern.ts";
import { isWellFormedKey, type PublicKey } from "./public-key.ts";

/** What known_hosts has of one host. */
export interface KnownKeys {
  /** The name by which OpenSSH knows it: `host`, or `[host]:port` when the port is not 22. */
  readonly name: string;
  readonly trusted: readonly KnownKey[];
  readonly revoked: readonly KnownKey[];
  /** Lines marked @cert-authority: they vouch for certificates, never for a plain key. */
  readonly authorities: readonly KnownKey[];
  /**
   * True: nothing is trusted under the name with its port, and the keys are those of the host without
   * a port. As in OpenSSH one of them is accepted, but another one there means unknown, not changed.
   */
  readonly withoutPort: boolean;
}

/** A key and the line it stands on. */
export interface KnownKey extends PublicKey {
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
}

export type KeyVerdict =
  | { readonly kind: "known"; readonly by: KnownKey }
  /** There is no key for the host. */
  | { readonly kind: "unknown" }
  /** There are keys for the host, and this is none of them; `known` is of the same type where there is one. */
  | { readonly kind: "changed"; readonly known: KnownKey }
  | { readonly kind: "revoked"; readonly by: KnownKey };

/** A line of which only what a lookup needs is read: files are long, and nearly all lines are of other hosts. */
interface Entry {
  readonly marker: "trusted" | "revoked" | "authorities";
  /** The first field, as written. */
  readonly hosts: string;
  /** What follows it. */
  readonly rest: string;
  readonly file: string;
  readonly line: number;
}

/** A known_hosts file that has been read. */
export interface KnownHosts {
  /** Entries whose names are all plain, under each of them. */
  readonly byName: ReadonlyMap<string, readonly Entry[]>;
  /** Entries that have to be tried one by one: hashed, with wildcards, with exclusions. */
  readonly others: readonly Entry[];
}

const MARKERS: Readonly<Record<string, Entry["marker"]>> = { "@revoked": "revoked", "@cert-authority": "authorities" };

/** Reads the text of a known_hosts file; lines that OpenSSH would ignore are ignored. */
export function parseKnownHosts(text: string, file: string): KnownHosts {
  const byName = new Map<string, Entry[]>();
  const others: Entry[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const entry = parseLine(line, file, index + 1);
    if (!entry) continue;
    if (/^\||[*?!]/.test(entry.hosts)) others.push(entry);
    else for (const name of plainNames(entry.hosts)) pushTo(byName, name, entry);
  }
  return { byName, others };
}

function parseLine(line: string, file: string, number: number): Entry | undefined {
  const [, marker, hosts, rest] = /^[ \t]*(?:(@[^ \t]*)[ \t]+)?([^ \t#@][^ \t]*)[ \t]+([^ \t#].*)$/s.exec(line) ?? [];
  if (hosts === undefined || rest === undefined) return undefined;
  if (marker === undefined) return { marker: "trusted", hosts, rest, file, line: number };
  const kind = MARKERS[marker];
  return kind && { marker: kind, hosts, rest, file, line: number };
}

/** All keys that the files have for a host; without its port when none is trusted with it. */
export function keysOf(files: readonly KnownHosts[], host: string, port: number): KnownKeys {
  const plainName = host.toLowerCase();
  const name = port === 22 ? plainName : `[${plainName}]:${port}`;
  const own = keysUnder(files, name);
  if (own.trusted.length > 0 || name === plainName) return { name, ...own, withoutPort: false };
  const general = keysUnder(files, plainName);
  return {
    name,
    trusted: general.trusted,
    revoked: [...own.revoked, ...general.revoked],
    authorities: [...own.authorities, ...general.authorities],
    withoutPort: true,
  };
}

function keysUnder(files: readonly KnownHosts[], name: string): Pick<KnownKeys, Entry["marker"]> {
  const keys = { trusted: [] as KnownKey[], revoked: [] as KnownKey[], authorities: [] as KnownKey[] };
  for (const { byName, others } of files) {
    const matching = [...(byName.get(name) ?? []), ...others.filter(({ hosts }) => matchesHosts(hosts, name))];
    for (const entry of matching.sort((a, b) => a.line - b.line)) {
      const key = readKey(entry.rest);
      if (key) keys[entry.marker].push({ ...key, file: entry.file, line: entry.line });
    }
  }
  return keys;
}

/** What known_hosts says of the key that a host shows. */
export function judge(keys: KnownKeys, shown: PublicKey): KeyVerdict {
  const isShown = (key: KnownKey) => key.blob.equals(shown.blob);
  const revoked = keys.revoked.find(isShown);
  if (revoked) return { kind: "revoked", by: revoked };
  const by = keys.trusted.find(isShown);
  if (by) return { kind: "known", by };
  if (keys.withoutPort) return { kind: "unknown" };
  // As in OpenSSH a key of any type makes it `changed`: the known types were asked for first, and the host has none.
  const known = keys.trusted.find(({ type }) => type === shown.type) ?? keys.trusted[0];
  return known ? { kind: "changed", known } : { kind: "unknown" };
}

/**
 * The key types to ask a host for first. As in OpenSSH, keys that are known without its port do not count, nor has a
 * type of which the first key is revoked, whatever good ones come after it.
 */
export function knownTypes(keys: KnownKeys): readonly string[] {
  if (keys.withoutPort) return [];
  const first = new Map<string, KnownKey>();
  for (const key of keys.trusted) if (!first.has(key.type)) first.set(key.type, key);
  const isRevoked = (key: KnownKey) => keys.revoked.some(({ blob }) => blob.equals(key.blob));
  return [...first].flatMap(([type, key]) => (isRevoked(key) ? [] : [type]));
}

function readKey(text: string): PublicKey | undefined {
  // A file with CRLF ends its lines, and so maybe the key, with a carriage return.
  const [, type, base64] = /^([^ \t]+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t\r]|$)/.exec(text) ?? [];
  if (type === undefined || base64 === undefined) return undefined;
  const key = { type, blob: Buffer.from(base64, "base64") };
  return isWellFormedKey(key) ? key : undefined;
}

function pushTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

function plainNames(hosts: string): ReadonlySet<string> {
  return new Set(hosts.toLowerCase().split(","));
}

/** Whether the first field of a line means this name, which is in lower case. */
function matchesHosts(hosts: string, name: string): boolean {
  if (hosts.startsWith("|")) return matchesHash(hosts, name);
  return matchesPatterns(hosts.toLowerCase().split(","), name);
}

/** `|1|salt|hash`: the HMAC-SHA1 of the name, keyed with 20 random bytes. One name only, no wildcards. */
function matchesHash(hosts: string, name: string): boolean {
  const [, salt] = /^\|1\|([^|]+)\|[^|]+$/.exec(hosts) ?? [];
  if (salt === undefined) return false;
  const key = Buffer.from(salt, "base64");
  const hash = createHmac("sha1", key).update(name).digest("base64");
  return key.length === 20 && hosts === `|1|${key.toString("base64")}|${hash}`;
}
