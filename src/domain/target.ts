import type { HostName } from "./ids.ts";

/** How to reach a host by ssh. Keys that are left out are up to OpenSSH: its config and its defaults. */
export interface SshSettings {
  readonly user?: string;
  readonly port?: number;
  /** Absolute path of a private key; keys of the agent are tried as well. */
  readonly identity_file?: string;
  /** The hosts to go through, as ssh's -J has them: `[user@]host[:port]` with commas between; `none`: straight on. */
  readonly proxy_jump?: string;
  /** Absolute path; default `~/.ssh/known_hosts`. */
  readonly known_hosts_file?: string;
  readonly host_key_checking?: HostKeyChecking;
  /** Absolute path of an ssh_config to read in place of all others; `none`: read none. */
  readonly config_file?: string;
  /** ssh2: built in, the default. system: the ssh program, for what only that can do. */
  readonly client?: "ssh2" | "system";
  readonly connect_timeout_ms?: number;
}

/** What becomes of a host whose key is not known: refused, known from now on, or let in, and so whatever its key. */
export type HostKeyChecking = "strict" | "accept-new" | "off";

/** How supervisorctl is called on a host. */
export interface SupervisorSettings {
  /** The program, without arguments. */
  readonly command: string;
  /** True: through `sudo -n`. */
  readonly sudo: boolean;
  /** A path on the host, for `-c`. */
  readonly config?: string;
  /** For `-s`: `unix:///run/supervisor.sock` or `http://127.0.0.1:9001`. */
  readonly server_url?: string;
}

/** A host and the way onto its supervisord. */
export interface HostTarget {
  readonly name: HostName;
  readonly address: string;
  readonly connection: "ssh" | "local";
  readonly ssh: SshSettings;
  readonly supervisor: SupervisorSettings;
}
