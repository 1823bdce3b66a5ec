import { execFile } from "node:child_process";
import { userInfo, type UserInfo } from "node:os";
import { join } from "node:path";
import type { HostKeyChecking, SshSettings } from "../../domain/target.ts";
import { readConfigFiles, type ConfigValues, type ReadValues } from "./ssh-config-file.ts";

/** What OpenSSH's configuration says of a host; what it leaves out is left out. */
export interface SshConfig {
  readonly hostName?: string;
  readonly port?: number;
  readonly user?: string;
  /** Left out where they are OpenSSH's defaults. */
  readonly identityFiles?: readonly string[];
  /** True: of the agent's keys only those that have an identity file. */
  readonly identitiesOnly: boolean;
  /** A socket, `none`, `SSH_AUTH_SOCK` or `$NAME`. */
  readonly identityAgent?: string;
  /** As ssh's -J has it. */
  readonly proxyJump?: string;
  /** The name to look for in known_hosts, in place of host and port. */
  readonly hostKeyAlias?: string;
  readonly hostKeyAlgorithms?: readonly string[];
  readonly hostKeyChecking?: HostKeyChecking;
  readonly hashKnownHosts: boolean;
  readonly userKnownHostsFiles?: readonly string[];
  readonly globalKnownHostsFiles?: readonly string[];
  readonly connectTimeoutMs?: number;
  /** What we cannot do and must not leave out: keyword and value. Overridden by a plan's proxy_jump. */
  readonly proxyCommand?: string;
  /** Likewise, and nothing overrides it. */
  readonly revokedHostKeys?: string;
}

/** The configuration, or why it cannot be read. */
export type ReadSshConfig = { readonly config: SshConfig } | { readonly problem: string };

/** What ssh prints where nobody has said which keys to try. */
const DEFAULT_IDENTITY = /^~\/\.ssh\/id_(rsa|dsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk|xmss)$/;

/** Likewise for the files of known hosts; nothing at all where ssh is too old to print them. */
const DEFAULT_KNOWN_HOSTS = /^$|^\S*\/\.ssh\/known_hosts \S*\/\.ssh\/known_hosts2$/;

/** Bounds `Match exec`, which may run anything. */
const TIMEOUT_MS = 10_000;

/**
 * Asks `ssh -G`, which is the one that reads ssh_config as ssh does: Host, Match, Include, tokens. Where there is no
 * ssh, a part of the language is read here; the rest is refused by name.
 *
 * @param home what `~` stands for
 * @param file in place of the user's and the system's configuration; `none` for no file at all
 */
export async function readSshConfig(
  address: string,
  ssh: SshSettings,
  { home, file }: { readonly home: string; readonly file: string | undefined },
): Promise<ReadSshConfig> {
  const read = (await askSsh(address, ssh, file)) ?? (await readConfigFiles(address, home, file));
  return "values" in read ? { config: configOf(read.values, { home, address, ssh }) } : read;
}

/** Undefined: there is no ssh to ask. */
function askSsh(address: string, ssh: SshSettings, file: string | undefined): Promise<ReadValues | undefined> {
  const args = [
    "-G",
    // It would say on stderr that it takes no pty.
    "-T",
    ...(file === undefined ? [] : ["-F", file]),
    ...(ssh.user === undefined ? [] : ["-l", ssh.user]),
    ...(ssh.port === undefined ? [] : ["-p", String(ssh.port)]),
    "--",
    address,
  ];
  return new Promise((resolve) => {
    execFile("ssh", args, { timeout: TIMEOUT_MS, encoding: "utf8" }, (error, stdout, stderr) => {
      if (!error) resolve({ values: valuesIn(stdout) });
      else if (error.code === "ENOENT") resolve(undefined);
      else if (error.killed) resolve({ problem: `ssh -G: no answer within ${TIMEOUT_MS / 1000}s (see Match exec)` });
      else resolve({ problem: `ssh -G: ${stderr.trim().split("\n")[0] || error.message}` });
    });
  });
}

/** Reads what `ssh -G` prints: a keyword in small letters and its value on each line. */
function valuesIn(text: string): ConfigValues {
  const values = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, keyword, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (keyword === undefined || value === undefined) continue;
    values.set(keyword, [...(values.get(keyword) ?? []), value]);
  }
  return values;
}

interface Asked {
  readonly home: string;
  readonly address: string;
  readonly ssh: SshSettings;
}

function configOf(values: ConfigValues, { home, address, ssh }: Asked): SshConfig {
  const one = (keyword: string) => values.get(keyword)?.[0];
  const unlessNone = (keyword: string) => (one(keyword)?.toLowerCase() === "none" ? undefined : one(keyword));
  const [hostName, port, user] = [one("hostname"), one("port"), one("user")];
  const alias = unlessNone("hostkeyalias");
  const tokens = {
    "%": "%",
    d: home,
    h: hostName ?? address,
    k: alias ?? address,
    n: address,
    p: port ?? String(ssh.port ?? 22),
    r: user ?? ssh.user ?? "",
    u: localUser(),
  };
  // Which of these ssh -G itself expands depends on its version.
  const expanded = (path: string) => expand(path, home, tokens);
  const filesOf = (keyword: string) => one(keyword)?.split(" ").map(expanded).filter(isFile);
  const identityFiles = values.get("identityfile") ?? [];
  const isDefaultIdentity = identityFiles.every((path) => DEFAULT_IDENTITY.test(path));
  const checking = CHECKING[one("stricthostkeychecking")?.toLowerCase() ?? ""];
  const seconds = Number(unlessNone("connecttimeout") ?? Number.NaN);
  return defined({
    hostName,
    port: port === undefined ? undefined : Number(port),
    user,
    identityFiles: isDefaultIdentity ? undefined : [...new Set(identityFiles.map(expanded).filter(isFile))],
    identitiesOnly: isYes(one("identitiesonly")),
    identityAgent: one("identityagent") === undefined ? undefined : expanded(one("identityagent") ?? ""),
    proxyJump: unlessNone("proxyjump"),
    hostKeyAlias: alias,
    hostKeyAlgorithms: one("hostkeyalgorithms")?.split(","),
    hostKeyChecking: checking,
    hashKnownHosts: isYes(one("hashknownhosts")),
    userKnownHostsFiles: DEFAULT_KNOWN_HOSTS.test(one("userknownhostsfile") ?? "")
      ? undefined
      : filesOf("userknownhostsfile"),
    globalKnownHostsFiles: filesOf("globalknownhostsfile"),
    connectTimeoutMs: seconds > 0 ? seconds * 1000 : undefined,
    proxyCommand: unlessNone("proxycommand"),
    revokedHostKeys: unlessNone("revokedhostkeys"),
  });
}

/** What ssh means by each; `ask` without anybody to ask is strict. */
const CHECKING: Readonly<Record<string, HostKeyChecking>> = {
  yes: "strict",
  true: "strict",
  "accept-new": "accept-new",
  no: "off",
  off: "off",
  false: "off",
};

function isYes(value: string | undefined): boolean {
  return value?.toLowerCase() === "yes" || value === "true";
}

function isFile(path: string): boolean {
  return path !== "none";
}

/** `~/` and ssh_config's tokens and references; those that it has none of stay as they are. */
function expand(path: string, home: string, tokens: Readonly<Record<string, string>>): string {
  const absolute = path.startsWith("~/") ? join(home, path.slice(2)) : path;
  return absolute
    .replace(/\$\{(\w+)\}/g, (reference, name: string) => process.env[name] ?? reference)
    .replace(/%(.)/g, (token, letter: string) => tokens[letter] ?? token);
}

/** The name of who runs us. */
export function localUser(): string {
  return localAccount()?.username ?? process.env["LOGNAME"] ?? process.env["USER"] ?? "root";
}

/** The account that runs us; undefined in a container that runs under an id without a name. */
export function localAccount(): UserInfo<string> | undefined {
  try {
    return userInfo({ encoding: "utf8" });
  } catch {
    return undefined;
  }
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without the keys that have no value. */
function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
