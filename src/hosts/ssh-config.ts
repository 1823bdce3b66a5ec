import { execFile } from "node:child_process";
import { join } from "node:path";
import type { SshSettings } from "../domain/target.ts";

/** What OpenSSH's configuration says of a host; what it leaves out is left out. */
export interface SshConfig {
  readonly hostName?: string;
  readonly port?: number;
  readonly user?: string;
  /** Left out where they are OpenSSH's defaults. */
  readonly identityFiles?: readonly string[];
  readonly userKnownHostsFiles?: readonly string[];
  /** A way that we cannot go: its keyword and value, as ssh prints them. */
  readonly unsupported?: string;
}

/** The configuration, why it cannot be read, or nothing where there is no ssh to ask. */
export type ReadSshConfig = { readonly config: SshConfig } | { readonly problem: string } | undefined;

/** What ssh prints where nobody has said which keys to try. */
const DEFAULT_IDENTITY = /^~\/\.ssh\/id_(rsa|dsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk|xmss)$/;

/** Likewise for the files of known hosts; nothing at all where ssh is too old to print them. */
const DEFAULT_KNOWN_HOSTS = /^$|^\S*\/\.ssh\/known_hosts \S*\/\.ssh\/known_hosts2$/;

/** Bounds `Match exec`, which may run anything. */
const TIMEOUT_MS = 10_000;

/**
 * Asks `ssh -G`, which is the one that reads ssh_config as ssh does: Host, Match, Include, tokens.
 * @param home what `~` stands for
 * @param file in place of the user's and the system's configuration; `none` for no file at all
 */
export function readSshConfig(
  address: string,
  ssh: SshSettings,
  { home, file }: { readonly home: string; readonly file: string | undefined },
): Promise<ReadSshConfig> {
  const args = [
    "-G",
    ...(file === undefined ? [] : ["-F", file]),
    ...(ssh.user === undefined ? [] : ["-l", ssh.user]),
    ...(ssh.port === undefined ? [] : ["-p", String(ssh.port)]),
    "--",
    address,
  ];
  return new Promise((resolve) => {
    execFile("ssh", args, { timeout: TIMEOUT_MS, encoding: "utf8" }, (error, stdout, stderr) => {
      if (!error) resolve({ config: parseSshConfig(stdout, home) });
      else if (error.code === "ENOENT") resolve(undefined);
      else resolve({ problem: `ssh -G: ${stderr.trim().split("\n")[0] || error.message}` });
    });
  });
}

/** Reads what `ssh -G` prints: a keyword in small letters and its value on each line. */
function parseSshConfig(text: string, home: string): SshConfig {
  const values = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, keyword, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (keyword === undefined || value === undefined) continue;
    values.set(keyword, [...(values.get(keyword) ?? []), value]);
  }
  const one = (keyword: string) => values.get(keyword)?.[0];
  const expanded = (path: string) => (path.startsWith("~/") ? join(home, path.slice(2)) : path);
  const [hostName, port, user] = [one("hostname"), one("port"), one("user")];
  const identityFiles = values.get("identityfile") ?? [];
  const knownHosts = one("userknownhostsfile") ?? "";
  const unsupported = ["proxyjump", "proxycommand"].find((keyword) => ![undefined, "none"].includes(one(keyword)));
  return {
    ...(hostName !== undefined && { hostName }),
    ...(port !== undefined && { port: Number(port) }),
    ...(user !== undefined && { user }),
    ...(!identityFiles.every((path) => DEFAULT_IDENTITY.test(path)) && { identityFiles: identityFiles.map(expanded) }),
    ...(!DEFAULT_KNOWN_HOSTS.test(knownHosts) && { userKnownHostsFiles: knownHosts.split(" ").map(expanded) }),
    ...(unsupported !== undefined && { unsupported: `${unsupported} ${one(unsupported)}` }),
  };
}
