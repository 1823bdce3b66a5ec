import type { ParsedKey } from "ssh2";
import { homedir } from "node:os";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { HostName } from "../../domain/ids.ts";
import type { Refusal } from "../../domain/failures.ts";
import type { HostKeyChecking, HostTarget, SshSettings } from "../../domain/target.ts";
import { localUser, readSshConfig, type ReadSshConfig, type SshConfig } from "./ssh-config.ts";
import { jumpText, parseJumps, type Jump } from "./ssh-jump.ts";

/** What of the controller's surroundings an ssh connection depends on. */
/** Private keys that were unlocked with a passphrase, by the absolute paths of their files. Never written anywhere. */
export type UnlockedKeys = ReadonlyMap<string, ParsedKey>;

export interface SshOptions {
  /** Where `.ssh` is. Default: that of the user. */
  readonly homeDirectory?: string;
  /** The socket of the ssh agent; empty: none. Default: `$SSH_AUTH_SOCK`, or what ssh_config says. */
  readonly agentSocket?: string;
  /** In place of the user's and the system's ssh_config, where the plan names none; `none`: read none. */
  readonly configFile?: string;
  /** Default: every 5 s, lost after 3 without an answer. */
  readonly keepalive?: Keepalive;
  /** Keys that were unlocked with a passphrase. Default: none. */
  readonly unlocked?: UnlockedKeys;
  /** Default: some five times, longer each time, by chance. */
  readonly backoff?: Backoff;
}

/** How long to wait after so many handshakes that sshd dropped, 1 and more; undefined: it has been enough. */
export type Backoff = (dropped: number) => number | undefined;

/** How a silent host is distinguished from an idle one. */
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
  /** From the first packet to the end of the authentication, all attempts together. */
  readonly connectTimeoutMs: number;
  readonly identityFiles: readonly string[];
  /** True: the plan or ssh_config names them. False: they are OpenSSH's defaults, of which most do not exist. */
  readonly identityIsChosen: boolean;
  /** True: of the agent's keys only those of the identity files. */
  readonly identitiesOnly: boolean;
  readonly agentSocket: string | undefined;
  readonly hostKeys: HostKeyRules;
  readonly keepalive: Keepalive;
  /** True: other hosts are reached through it. */
  readonly isBastion: boolean;
  /** The bastion that it is reached through. */
  readonly via?: SshRoute;
}

/** How a host's key is judged. */
export interface HostKeyRules {
  /** Under what name and port the files have it. */
  readonly name: string;
  readonly port: number;
  readonly checking: HostKeyChecking;
  /** Absolute paths. */
  readonly files: readonly string[];
  /** Where a new key is written. */
  readonly newKeysTo?: string;
  /** True: the names in added lines are hashed. */
  readonly hashed: boolean;
  /** Those that ssh_config allows. */
  readonly algorithms?: readonly string[];
}

const DEFAULT_IDENTITIES = ["id_ed25519", "id_ecdsa", "id_rsa"];
export const DEFAULT_KEEPALIVE: Keepalive = { intervalMs: 5_000, unanswered: 3 };
const SYSTEM_KNOWN_HOSTS = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

/** Where neither the plan nor ssh_config says how long; as in the plan's schema. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;

type Found<T> = { readonly route: T } | { readonly problem: string };

/** What ssh_config says of hosts and bastions: it is asked once for each, whatever comes of it. */
export type SshConfigs = Map<string, Promise<ReadSshConfig>>;

/** Fills what the plan leaves out from OpenSSH's configuration, for the host and for each bastion on the way to it. */
export async function findRoute(
  target: HostTarget,
  options: SshOptions = {},
  configs: SshConfigs = new Map(),
): Promise<{ readonly route: SshRoute } | { readonly refusal: Refusal }> {
  const found = await new RouteFinder(target.name, options, configs).find(target.address, target.ssh, []);
  if (found === "itself") throw new Error("a host that nothing is behind cannot be its own bastion");
  return "route" in found
    ? found
    : { refusal: { code: "unreachable", host: target.name, reason: `${target.address}: ${found.problem}` } };
}

class RouteFinder {
  private readonly host: HostName;
  private readonly options: SshOptions;
  private readonly configs: SshConfigs;

  constructor(host: HostName, options: SshOptions, configs: SshConfigs) {
    this.host = host;
    this.options = options;
    this.configs = configs;
  }

  /** @param behind what lies behind it, the nearest last: the way must not come back there */
  async find(address: string, ssh: SshSettings, behind: readonly SshRoute[]): Promise<Found<SshRoute> | "itself"> {
    const read = await this.configOf(address, ssh);
    if ("problem" in read) return read;
    const { config } = read;
    const route = this.routeTo(address, ssh, config, behind.length > 0);
    // One with bastions of its own before it is in another network, where one address may be of another host.
    if (ssh.proxy_jump === undefined) {
      const at = behind.findIndex((other) => endpointText(other) === endpointText(route));
      if (at !== -1 && at === behind.length - 1) return "itself";
      if (at !== -1) return { problem: `the route is circular: it leads through ${endpointText(route)} to itself` };
    }
    const unsupported = unsupportedIn(config, ssh);
    if (unsupported !== undefined)
      return { problem: `ssh_config has "${unsupported}", which only the ssh program supports: see client: system` };
    const jump = ssh.proxy_jump ?? config.proxyJump ?? "none";
    return jump === "none" ? { route } : this.through(jump, route, ssh, behind);
  }

  /** The last of the jumps is the nearest; those before it are the way to that one, as for ssh's -J. */
  private async through(
    jump: string,
    route: SshRoute,
    ssh: SshSettings,
    behind: readonly SshRoute[],
  ): Promise<Found<SshRoute>> {
    const jumps = parseJumps(jump);
    const nearest = jumps?.at(-1);
    if (!jumps || !nearest) return { problem: `"${jump}" is not a list of bastions` };
    const via = await this.find(nearest.host, settingsOf(nearest, jumps.slice(0, -1), ssh), [...behind, route]);
    // The plan or ssh_config sends all hosts through a bastion, and this is the bastion.
    if (via === "itself") return { route };
    return "route" in via ? { route: { ...route, via: via.route } } : via;
  }

  private async configOf(address: string, ssh: SshSettings): Promise<ReadSshConfig> {
    const { homeDirectory: home = homedir(), configFile } = this.options;
    const file = ssh.config_file ?? configFile;
    const key = JSON.stringify([address, ssh.user, ssh.port, file]);
    const asked = this.configs.get(key) ?? readSshConfig(address, ssh, { home, file });
    this.configs.set(key, asked);
    const read = await asked;
    // A file that could not be read may be fixed before the next attempt.
    if ("problem" in read) this.configs.delete(key);
    return read;
  }

  private routeTo(address: string, ssh: SshSettings, config: SshConfig, isBastion: boolean): SshRoute {
    const { homeDirectory = homedir(), keepalive = DEFAULT_KEEPALIVE } = this.options;
    const chosen = config.identityFiles ?? [];
    const own = ssh.identity_file === undefined ? [] : [ssh.identity_file];
    // The plan's key is for the hosts behind a bastion; the bastion's own stands in ssh_config.
    const identityFiles = isBastion || own.length === 0 ? [...new Set([...own, ...chosen])] : own;
    const port = config.port ?? ssh.port ?? 22;
    const where = config.hostName ?? address;
    return {
      host: this.host,
      address: where,
      port,
      user: config.user ?? ssh.user ?? localUser(),
      connectTimeoutMs: connectTimeoutMs(ssh, config),
      identityFiles:
        identityFiles.length > 0 ? identityFiles : DEFAULT_IDENTITIES.map((file) => join(homeDirectory, ".ssh", file)),
      identityIsChosen: identityFiles.length > 0,
      identitiesOnly: config.identitiesOnly,
      agentSocket: this.agentSocket(config),
      hostKeys: hostKeyRules({ name: where, port }, ssh, config, homeDirectory),
      // Of the two that notice that a bastion fell silent, it and the host behind it, it is to be the first.
      keepalive: isBastion ? { ...keepalive, unanswered: Math.max(1, keepalive.unanswered - 1) } : keepalive,
      isBastion,
    };
  }

  private agentSocket({ identityAgent }: SshConfig): string | undefined {
    const ofEnvironment = (this.options.agentSocket ?? process.env["SSH_AUTH_SOCK"]) || undefined;
    if (identityAgent === undefined || identityAgent === "SSH_AUTH_SOCK") return ofEnvironment;
    if (identityAgent.startsWith("$")) return process.env[identityAgent.slice(1)] || undefined;
    return identityAgent === "none" ? undefined : identityAgent;
  }
}

/** What a plan says of a host is said of its bastions as well, but for who and where. */
function settingsOf({ user, port }: Jump, before: readonly Jump[], ssh: SshSettings): SshSettings {
  const { user: _user, port: _port, proxy_jump: _jump, ...shared } = ssh;
  return {
    ...shared,
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port }),
    ...(before.length > 0 && { proxy_jump: before.map(jumpText).join(",") }),
  };
}

function unsupportedIn({ proxyCommand, revokedHostKeys }: SshConfig, ssh: SshSettings): string | undefined {
  if (revokedHostKeys !== undefined) return `RevokedHostKeys ${revokedHostKeys}`;
  // A plan that says which way to go overrides what ssh_config says of it.
  return proxyCommand === undefined || ssh.proxy_jump !== undefined ? undefined : `ProxyCommand ${proxyCommand}`;
}

/** How long a connection may take to be made, from the first packet to the end of the authentication. */
export function connectTimeoutMs(ssh: SshSettings, config: SshConfig): number {
  return ssh.connect_timeout_ms ?? config.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
}

/** How an unknown host key is treated. */
export function hostKeyChecking(ssh: SshSettings, config: SshConfig): HostKeyChecking {
  return ssh.host_key_checking ?? config.hostKeyChecking ?? "strict";
}

function hostKeyRules(
  at: { readonly name: string; readonly port: number },
  ssh: SshSettings,
  config: SshConfig,
  homeDirectory: string,
): HostKeyRules {
  const defaults = ["known_hosts", "known_hosts2"].map((file) => join(homeDirectory, ".ssh", file));
  const ofUser = ssh.known_hosts_file === undefined ? (config.userKnownHostsFiles ?? defaults) : [ssh.known_hosts_file];
  const [newKeysTo] = ofUser;
  return {
    // An alias is looked for as it stands, without a port.
    ...(config.hostKeyAlias === undefined ? at : { name: config.hostKeyAlias, port: 22 }),
    checking: hostKeyChecking(ssh, config),
    files: [...ofUser, ...(config.globalKnownHostsFiles ?? SYSTEM_KNOWN_HOSTS)],
    ...(newKeysTo !== undefined && { newKeysTo }),
    hashed: config.hashKnownHosts,
    ...(config.hostKeyAlgorithms && { algorithms: config.hostKeyAlgorithms }),
  };
}

/** `10.0.0.5:22`, `[fe80::1]:22`: where a route leads, for messages. */
export function endpointText({ address, port }: Pick<SshRoute, "address" | "port">): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}
