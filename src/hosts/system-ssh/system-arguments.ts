import type { HostTarget } from "../../domain/target.ts";
import { DEFAULT_KEEPALIVE, type SshOptions } from "../ssh-config/ssh-route.ts";

/** What ssh prints when commands can be run. */
export const READY = "orchestrate: connected";

/**
 * The arguments of an ssh that connects, prints {@link READY}, and then serves its control socket until it is ended.
 * Of the plan's settings each becomes an option; the rest is ssh_config's to say, but for what would make another kind
 * of ssh of it: a password prompt, forwardings of its own, a command.
 */
export function masterArguments(
  { address, ssh }: HostTarget,
  controlSocket: string,
  { connectTimeoutMs, ...options }: SshOptions & { readonly connectTimeoutMs: number },
): string[] {
  const keepalive = options.keepalive ?? DEFAULT_KEEPALIVE;
  const configFile = ssh.config_file ?? options.configFile;
  return [
    ...(configFile === undefined ? [] : ["-F", configFile]),
    ...(ssh.user === undefined ? [] : ["-l", ssh.user]),
    ...(ssh.port === undefined ? [] : ["-p", String(ssh.port)]),
    ...(ssh.identity_file === undefined ? [] : ["-i", literally(ssh.identity_file)]),
    ...(ssh.proxy_jump === undefined ? [] : ["-J", ssh.proxy_jump]),
    ...option("BatchMode", "yes"),
    ...hostKeyOptions(ssh),
    ...option("ConnectTimeout", String(wholeSeconds(connectTimeoutMs))),
    ...option("ServerAliveInterval", String(wholeSeconds(keepalive.intervalMs))),
    ...option("ServerAliveCountMax", String(keepalive.unanswered)),
    ...(options.agentSocket === undefined ? [] : option("IdentityAgent", options.agentSocket || "none")),
    ...option("ControlMaster", "yes"),
    ...option("ControlPersist", "no"),
    ...option("ControlPath", literally(controlSocket)),
    ...option("PermitLocalCommand", "yes"),
    ...option("LocalCommand", `echo ${READY}`),
    ...option("ClearAllForwardings", "yes"),
    ...option("RemoteCommand", "none"),
    // Below it, ssh does not say that the host no longer answers.
    ...option("LogLevel", "INFO"),
    "-N",
    "--",
    address,
  ];
}

/** What the plan leaves out is ssh_config's to say; as there is nobody to ask, `ask` is strict. */
function hostKeyOptions({ host_key_checking, known_hosts_file }: HostTarget["ssh"]): string[] {
  return [
    ...(host_key_checking === undefined ? [] : option("StrictHostKeyChecking", CHECKING[host_key_checking])),
    ...(known_hosts_file === undefined ? [] : option("UserKnownHostsFile", `"${literally(known_hosts_file)}"`)),
  ];
}

const CHECKING = { strict: "yes", "accept-new": "accept-new", off: "no" } as const;

function option(name: string, value: string): string[] {
  return ["-o", `${name}=${value}`];
}

/** Not as a token of ssh's. */
function literally(path: string): string {
  return path.replaceAll("%", "%%");
}

/** ssh counts in these, and takes 0 for never. */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
