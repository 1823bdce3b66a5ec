import type { HostName } from "./ids.ts";

/** How to reach a host by ssh. What is left out is OpenSSH's to say: its config and its defaults. */
export interface SshSettings {
  readonly user?: string;
  readonly port?: number;
  /** Absolute path of a private key; keys of the agent are tried as well. */
  readonly identity_file?: string;
  /** Absolute path; default `~/.ssh/known_hosts`. */
  readonly known_hosts_file?: string;
  /** `user@host:port`, or several with commas between them, first to last. */
  readonly proxy_jump?: string;
  /** Default strict. */
  readonly host_key_checking?: "strict" | "accept-new" | "off";
  /** Absolute path, or `none`: in place of OpenSSH's own configuration. */
  readonly config_file?: string;
  /** ssh2: built in, the default. system: the ssh program, for what only that can do. */
  readonly client?: "ssh2" | "system";
  readonly connect_timeout_ms: number;
}

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
