import { homedir, userInfo } from "node:os";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { HostName } from "../domain/ids.ts";
import type { Refusal } from "../domain/failures.ts";
import type { HostTarget } from "../domain/target.ts";
import { readSshConfig, type SshConfig } from "./ssh-config.ts";

/** What of the controller's surroundings an ssh connection depends on. */
export interface SshOptions {
  /** Where `.ssh` is. Default: that of the user. */
  readonly homeDirectory?: string;
  /** The socket of the ssh agent; empty: none. Default: `$SSH_AUTH_SOCK`. */
  readonly agentSocket?: string;
  /** In place of the user's and the system's ssh_config; `none`: read none. */
  readonly configFile?: string;
  /** Default: every 5 s, lost after 3 without an answer. */
  readonly keepalive?: Keepalive;
}

/** How a host that fell silent is told from one that has nothing to say. */
export interface Keepalive {
  readonly intervalMs: number;
  /** How many may stay unanswered; at the next one the connection is lost. */
  readonly unanswered: number;
}

/** How to get onto one host, with nothing left to be filled in. */
export interface SshRoute {
  readonly host: HostName;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** From the first packet to the end of the authentication. */
  readonly connectTimeoutMs: number;
  readonly identityFiles: readonly string[];
  /** True: the plan names the file. False: they are OpenSSH's defaults, of which most do not exist. */
  readonly identityIsChosen: boolean;
  readonly agentSocket: string | undefined;
  readonly knownHostsFiles: readonly string[];
  readonly keepalive: Keepalive;
}

const DEFAULT_IDENTITIES = ["id_ed25519", "id_ecdsa", "id_rsa"];
const DEFAULT_KEEPALIVE: Keepalive = { intervalMs: 5_000, unanswered: 3 };
const SYSTEM_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts";

/** Fills what the plan leaves out from OpenSSH's configuration, and with its defaults where there is no ssh to ask. */
export async function findRoute(
  target: HostTarget,
  options: SshOptions = {},
): Promise<{ readonly route: SshRoute } | { readonly refusal: Refusal }> {
  const read = await readSshConfig(target.address, target.ssh, {
    home: options.homeDirectory ?? homedir(),
    file: options.configFile,
  });
  const refuse = (reason: string) => ({ refusal: { code: "unreachable", host: target.name, reason } as const });
  if (read && "problem" in read) return refuse(read.problem);
  if (read?.config.unsupported !== undefined)
    return refuse(`ssh_config has "${read.config.unsupported}" for ${target.address}, which is not built yet`);
  return { route: routeTo(target, options, read?.config) };
}

function routeTo({ name, address, ssh }: HostTarget, options: SshOptions, config: SshConfig | undefined): SshRoute {
  const inSshDirectory = (file: string) => join(options.homeDirectory ?? homedir(), ".ssh", file);
  const userFiles = config?.userKnownHostsFiles ?? ["known_hosts", "known_hosts2"].map(inSshDirectory);
  const identityFiles = config?.identityFiles ?? DEFAULT_IDENTITIES.map(inSshDirectory);
  return {
    host: name,
    address: config?.hostName ?? address,
    port: config?.port ?? ssh.port ?? 22,
    user: config?.user ?? ssh.user ?? localUser(),
    connectTimeoutMs: ssh.connect_timeout_ms,
    identityFiles: ssh.identity_file ? [ssh.identity_file] : identityFiles,
    identityIsChosen: ssh.identity_file !== undefined,
    agentSocket: (options.agentSocket ?? process.env["SSH_AUTH_SOCK"]) || undefined,
    knownHostsFiles: [...(ssh.known_hosts_file ? [ssh.known_hosts_file] : userFiles), SYSTEM_KNOWN_HOSTS],
    keepalive: options.keepalive ?? DEFAULT_KEEPALIVE,
  };
}

/** `10.0.0.5:22`, `[fe80::1]:22`: where a route leads, for messages. */
export function endpointOf({ address, port }: SshRoute): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

function localUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under an id that has no name.
    return process.env["LOGNAME"] ?? process.env["USER"] ?? "root";
  }
}
