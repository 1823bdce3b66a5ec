import type { ConfigFile, InstanceConfig } from "../domain/fleet.ts";
import type { InstanceName, ProgramName } from "../domain/ids.ts";
import type { SupervisorSettings } from "../domain/target.ts";
import type { HostAccess } from "../executor/ports.ts";
import { isSupervisorctl } from "./commands.ts";
import { CONFIG_SCRIPT } from "./config-script.ts";
import { ConfigSections } from "./config-sections.ts";

/** Supervisor's configuration as it stands in its files: what supervisord has loaded may be older. */
export interface FilesOnHost {
  readonly files: readonly ConfigFile[];
  /** How long ago supervisord was started, where its pid is known and the host says it. */
  readonly supervisorAgeS?: number;
  /** How an instance is configured, as far as the files say it; undefined if it is in none. */
  readonly configOf: (instance: InstanceName) => InstanceConfig | undefined;
}

const TIMEOUT_MS = 5000;

/**
 * Reads the files of Supervisor's configuration on a host, as the login and without sudo: what may not be read is not
 * known. Whether supervisord has loaded them cannot be asked without a change: `reread` would replace what
 * it would start next.
 *
 * @param supervisorPid to find out how long supervisord has been running
 */
export async function configFiles(
  access: HostAccess,
  settings: SupervisorSettings,
  timeoutMs: number,
  supervisorPid?: number,
): Promise<FilesOnHost> {
  // A script may go into a container, where the same path is another file.
  if (!isSupervisorctl(settings)) return parseConfigFiles("");
  const { command, config = "" } = settings;
  const argv = ["sh", "-c", CONFIG_SCRIPT, "sh", config, command, String(supervisorPid ?? "")] as const;
  const outcome = await access.run(argv, { timeoutMs: Math.min(TIMEOUT_MS, timeoutMs) });
  return parseConfigFiles(outcome.kind === "exited" && outcome.code === 0 ? outcome.stdout : "");
}

/** Reads what the script printed. */
export function parseConfigFiles(text: string): FilesOnHost {
  const lines = text.split("\n");
  const files: { path: string; age_s: number; sections: string[] }[] = [];
  const sections = new ConfigSections();
  for (const line of lines) {
    const [, age, path] = /^file (-|-?\d+) (.+)$/.exec(line) ?? [];
    if (age !== undefined && path !== undefined)
      files.push({ path, age_s: age === "-" ? Infinity : Number(age), sections: [] });
    // A shell profile may print before it.
    if (files.length === 0) continue;
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    const [, key, value] = /^([a-z_]+)=(.*)$/.exec(line) ?? [];
    if (header !== undefined) {
      sections.open(header);
      files.at(-1)?.sections.push(header);
    } else if (key !== undefined && value !== undefined) sections.set(key, value);
  }
  // Cut off in the middle: what the last section lacks is not at its default.
  if (!lines.includes("end")) sections.dropLast();
  const supervisorAge = /^supervisord (\d+)$/m.exec(text)?.[1];
  return {
    ...(supervisorAge !== undefined && { supervisorAgeS: Number(supervisorAge) }),
    files: files.map(({ path, age_s, sections: headers }) => {
      const programs = new Set(headers.flatMap((header) => sections.groupsOf(header)));
      return { path, age_s, programs: [...programs] as ProgramName[] };
    }),
    configOf: (instance) => sections.configOf(instance),
  };
}
