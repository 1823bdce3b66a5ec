import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { Environment } from "../../domain/environment.ts";
import type { SshSettings, SupervisorSettings } from "../../domain/target.ts";
import type { PlanDocument } from "../text/document.ts";
import type { Path } from "../text/path.ts";
import { readDuration } from "./durations.ts";
import type { Findings } from "../text/findings.ts";
import { defaultsOf } from "../schema/plan-schema.ts";
import type { RawSsh, RawSupervisor } from "../schema/raw-plan.ts";

/** The ssh and supervisor settings of one level: of the plan itself, a group or a host. */
export interface OwnSettings {
  readonly ssh: Partial<SshSettings>;
  readonly supervisor: Partial<SupervisorSettings>;
}

/** A level without settings. */
export const NO_SETTINGS: OwnSettings = { ssh: {}, supervisor: {} };

/** How paths in a plan are resolved. */
export interface PathBase {
  /** The directory of the file in which the value at a path stands: a plan may be in several files. */
  readonly folderOf: (path: Path) => string;
  readonly home: string;
}

interface SettingsSections {
  readonly ssh?: RawSsh | null | undefined;
  readonly supervisor?: RawSupervisor | null | undefined;
}

/** Home from the environment, directories from the files of the document. */
export function pathBase(document: PlanDocument, env: Environment): PathBase {
  return {
    folderOf: (path) => dirname(resolve(document.rangeOfValue(path).file)),
    home: env["HOME"] || homedir(),
  };
}

/** Reads the `ssh` and `supervisor` of one level. */
export function readSettings(level: SettingsSections, path: Path, base: PathBase, findings: Findings): OwnSettings {
  const { user, port, proxy_jump, host_key_checking, config_file, client, connect_timeout } = level.ssh ?? {};
  const { command, sudo, config, server_url } = level.supervisor ?? {};
  const connect_timeout_ms =
    connect_timeout === undefined
      ? undefined
      : readDuration(connect_timeout, [...path, "ssh", "connect_timeout"], findings, "above zero");
  const fileAt = (key: "identity_file" | "known_hosts_file" | "config_file") => {
    const written = level.ssh?.[key];
    return written === undefined ? undefined : resolvePath(written, [...path, "ssh", key], base);
  };
  if (command?.startsWith("~"))
    findings.atValue([...path, "supervisor", "command"], {
      code: "home_in_command",
      message: "~ does not stand for a home directory here, as no shell reads this",
      suggestion: "write the full path on the host, such as /home/deploy/venv/bin/supervisorctl",
    });
  return {
    ssh: given({
      user,
      port,
      identity_file: fileAt("identity_file"),
      proxy_jump,
      known_hosts_file: fileAt("known_hosts_file"),
      host_key_checking,
      config_file: config_file === "none" ? config_file : fileAt("config_file"),
      client,
      connect_timeout_ms,
    }),
    supervisor: given({ command, sudo, config, server_url }),
  };
}

/** Merges levels over the defaults; later ones are nearer and win. */
export function mergeSettings(...levels: readonly OwnSettings[]): {
  readonly ssh: SshSettings;
  readonly supervisor: SupervisorSettings;
} {
  const { command, sudo } = defaultsOf("supervisor");
  return {
    // No defaults: ssh_config supplies what no level sets.
    ssh: Object.assign({}, ...levels.map(({ ssh }) => ssh)) as SshSettings,
    supervisor: Object.assign({ command, sudo }, ...levels.map(({ supervisor }) => supervisor)) as SupervisorSettings,
  };
}

/** Only the keys that have a value. */
export function given<Settings extends object>(
  settings: Settings,
): { [Key in keyof Settings]?: NonNullable<Settings[Key]> } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Settings]?: NonNullable<Settings[Key]>;
  };
}

/** A path on this machine as an absolute one; `path` is where it stands. */
export function resolvePath(written: string, path: Path, { folderOf, home }: PathBase): string {
  if (written === "~" || written.startsWith("~/")) return join(home, written.slice(1));
  return isAbsolute(written) ? written : resolve(folderOf(path), written);
}
