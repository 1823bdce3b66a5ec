import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { parseDuration } from "../domain/duration.ts";
import type { SshSettings, SupervisorSettings } from "../domain/target.ts";
import type { Path } from "./path.ts";
import { readDuration } from "./durations.ts";
import type { Findings } from "./findings.ts";
import { defaultsOf } from "./plan-schema.ts";
import type { RawSsh, RawSupervisor } from "./raw-plan.ts";

/** What one level of the plan (the plan itself, a group, a host) says of the way onto a host. */
export interface OwnSettings {
  readonly ssh: Partial<SshSettings>;
  readonly supervisor: Partial<SupervisorSettings>;
}

/** A level that leaves everything to those around it. */
export const NO_SETTINGS: OwnSettings = { ssh: {}, supervisor: {} };

/** What the paths in a plan are relative to. */
export interface PathBase {
  /** The plan's folder. */
  readonly folder: string;
  readonly home: string;
}

interface SettingsSections {
  readonly ssh?: RawSsh | null | undefined;
  readonly supervisor?: RawSupervisor | null | undefined;
}

/** Home and plan folder, by the environment and the plan's absolute path. */
export function pathBase(folder: string, env: Readonly<Record<string, string | undefined>>): PathBase {
  return { folder, home: env["HOME"] || homedir() };
}

/** Reads the `ssh` and `supervisor` of one level as far as they go. */
export function readSettings(level: SettingsSections, path: Path, base: PathBase, findings: Findings): OwnSettings {
  const { user, port, identity_file, known_hosts_file, connect_timeout } = level.ssh ?? {};
  const { command, sudo, config, server_url } = level.supervisor ?? {};
  const connect_timeout_ms =
    connect_timeout === undefined ? undefined : readDuration(connect_timeout, [...path, "ssh", "connect_timeout"], findings, "above zero");
  return {
    ssh: given({
      user,
      port,
      identity_file: identity_file === undefined ? undefined : localPath(identity_file, base),
      known_hosts_file: known_hosts_file === undefined ? undefined : localPath(known_hosts_file, base),
      connect_timeout_ms,
    }),
    supervisor: given({ command, sudo, config, server_url }),
  };
}

/** Lays levels over each other and the defaults; the later ones are nearer and win. */
export function mergeSettings(...levels: readonly OwnSettings[]): { readonly ssh: SshSettings; readonly supervisor: SupervisorSettings } {
  const { connect_timeout } = defaultsOf("ssh");
  const { command, sudo } = defaultsOf("supervisor");
  return {
    ssh: Object.assign({ connect_timeout_ms: parseDuration(connect_timeout) ?? 0 }, ...levels.map(({ ssh }) => ssh)) as SshSettings,
    supervisor: Object.assign({ command, sudo }, ...levels.map(({ supervisor }) => supervisor)) as SupervisorSettings,
  };
}

/** Only the keys that have a value. */
function given<Settings extends object>(settings: Settings): { [Key in keyof Settings]?: NonNullable<Settings[Key]> } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as { [Key in keyof Settings]?: NonNullable<Settings[Key]> };
}

function localPath(path: string, { folder, home }: PathBase): string {
  if (path === "~" || path.startsWith("~/")) return join(home, path.slice(1));
  return isAbsolute(path) ? path : resolve(folder, path);
}
