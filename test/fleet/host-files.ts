import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { writeBehaviour, type InstanceFiles } from "./behaviour.ts";

/** A Supervisor group of one program. */
export interface GroupOptions {
  readonly name: string;
  /** How many processes: `web:web_00`, `web:web_01`… */
  readonly processes: number;
  /** Its one process is named like the group, so that supervisorctl prints just `web`. */
  readonly bare?: boolean;
  /** Default true. False: it begins STOPPED. */
  readonly autostart?: boolean;
  /** It ends by itself: it may begin EXITED. */
  readonly endsByItself?: true;
  /** Default 1. */
  readonly startsecs?: number;
  readonly startretries?: number;
  readonly stopwaitsecs?: number;
  /** More lines of its section, `autorestart=false`; they win over all others. */
  readonly extraLines?: readonly string[];
}

/** As far as its sshd has to know it. */
export interface SshdSpec {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly dir: string;
  /** Lines for sshd_config; they win over ours. No `Match` and no `SetEnv`. */
  readonly sshdConfig: readonly string[];
  readonly authorizedKeysFile: string;
  /** Of its supervisord, beside ours. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface HostSpec extends SshdSpec {
  readonly groups: readonly GroupOptions[];
  readonly ownClock: boolean;
  /** Its supervisord is started in the host's folder by a relative path. */
  readonly sameCommandLine: boolean;
  /** Writes more files into its folder before its daemons are started. */
  readonly prepare?: (() => void) | undefined;
}

/** Every file of a host, by its purpose. */
export interface HostFiles extends InstanceFiles {
  readonly sshdConfig: string;
  readonly sshdOutput: string;
  readonly hostKey: string;
  readonly supervisorConfig: string;
  readonly supervisorSocket: string;
  readonly supervisorLog: string;
  readonly supervisorOutput: string;
  readonly readyDir: string;
  readonly logDir: string;
  /** By how many seconds its supervisord's clock is off, where that has one of its own. */
  readonly clock: string;
}

const run = promisify(execFile);
const longestSocketPath = 107;
const instanceProgram = path.join(import.meta.dirname, "instance.pl");

/**
 * Set in whatever runs on a host: supervisord, its processes, and commands that come by ssh. It tells
 * them their host's folder, and it tells a teardown what belongs to the fleet.
 */
export const hostDirVariable = "FLEET_HOST_DIR";

export function hostFiles(dir: string): HostFiles {
  return {
    sshdConfig: path.join(dir, "sshd_config"),
    sshdOutput: path.join(dir, "sshd.log"),
    hostKey: path.join(dir, "host_key"),
    supervisorConfig: path.join(dir, "supervisord.conf"),
    supervisorSocket: path.join(dir, "s.sock"),
    supervisorLog: path.join(dir, "supervisord.log"),
    supervisorOutput: path.join(dir, "supervisord.out"),
    program: path.join(dir, "instance.pl"),
    commandDir: path.join(dir, "bin"),
    behaviourDir: path.join(dir, "behaviour"),
    readyDir: path.join(dir, "ready"),
    logDir: path.join(dir, "log"),
    clock: path.join(dir, "clock"),
  };
}

/** Names of a group's processes within the group: `web_00`… */
export function processNames({ name, processes, bare }: GroupOptions): string[] {
  if (bare) return [name];
  return Array.from({ length: processes }, (_, number) => `${name}_${String(number).padStart(2, "0")}`);
}

/** Writes all that a host's daemons and processes read, and makes its host key. */
export async function writeHostFiles(spec: HostSpec): Promise<void> {
  const files = hostFiles(spec.dir);
  // supervisord first binds a temporary name with its pid appended.
  if (files.supervisorSocket.length + ".4194304".length > longestSocketPath) {
    throw new Error(`${files.supervisorSocket}: too long for a unix socket; choose a shorter dir`);
  }
  for (const dir of [files.commandDir, files.behaviourDir, files.readyDir, files.logDir]) {
    await mkdir(dir, { recursive: true });
  }
  await copyFile(instanceProgram, files.program);
  await chmod(files.program, 0o755);
  await writeSupervisorConfig(spec, spec.groups);
  await writeSshdFiles(spec);
}

/** Its Supervisor's configuration, with these groups, and what their processes are made of where that is not there yet. */
export async function writeSupervisorConfig(spec: HostSpec, groups: readonly GroupOptions[]): Promise<void> {
  const files = hostFiles(spec.dir);
  await writeFile(files.supervisorConfig, supervisorConfig({ ...spec, groups }, files));
  const known = await readdir(files.behaviourDir);
  for (const processName of groups.flatMap(processNames))
    if (!known.includes(processName)) await writeBehaviour(files, processName, { kind: "healthy" });
}

/** What a host's sshd reads: its configuration and its own key. */
export async function writeSshdFiles(spec: SshdSpec): Promise<void> {
  const files = hostFiles(spec.dir);
  await writeFile(files.sshdConfig, sshdConfig(spec, files));
  await makeKey(files.hostKey);
}

/** Makes an ed25519 key without a passphrase: `FILE` and `FILE.pub`. */
export async function makeKey(file: string): Promise<void> {
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "fleet", "-f", file]);
}

/** The line of known_hosts for a host: `[127.4.5.1]:20022 ssh-ed25519 …`. */
export async function knownHostsLine({ address, port, dir }: SshdSpec): Promise<string> {
  const [type, key] = (await readFile(`${hostFiles(dir).hostKey}.pub`, "utf8")).split(" ");
  return `[${address}]:${port} ${type} ${key}\n`;
}

function sshdConfig(spec: SshdSpec, files: HostFiles): string {
  return lines(
    // sshd takes the first value that it meets.
    ...spec.sshdConfig,
    `ListenAddress ${spec.address}:${spec.port}`,
    `HostKey ${files.hostKey}`,
    `PidFile ${path.join(spec.dir, "sshd.pid")}`,
    `AuthorizedKeysFile ${spec.authorizedKeysFile}`,
    // A home of its own: bash reads ~/.bashrc for a command by ssh, and that of whoever runs the tests may do anything.
    `SetEnv ${hostDirVariable}=${spec.dir} HOME=${spec.dir}`,
    "StrictModes no",
    "UsePAM no",
    "UseDNS no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "PrintMotd no",
    // Of this one it takes the last value that it meets.
    ...(spec.sshdConfig.some((line) => line.startsWith("MaxStartups ")) ? [] : ["MaxStartups 1000"]),
  );
}

function supervisorConfig(spec: HostSpec, files: HostFiles): string {
  const asRoot = process.getuid?.() === 0;
  return lines(
    "[supervisord]",
    `logfile=${files.supervisorLog}`,
    "logfile_maxbytes=0",
    "loglevel=info",
    `pidfile=${path.join(spec.dir, "supervisord.pid")}`,
    `childlogdir=${files.logDir}`,
    // Without it supervisord warns that it runs as root.
    ...(asRoot ? ["user=root"] : []),
    "[unix_http_server]",
    `file=${files.supervisorSocket}`,
    "chmod=0700",
    "[rpcinterface:supervisor]",
    "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    "[supervisorctl]",
    `serverurl=unix://${files.supervisorSocket}`,
    ...spec.groups.flatMap((group) => programSection(group, files)),
  );
}

function programSection(group: GroupOptions, files: HostFiles): string[] {
  const processName = group.bare ? group.name : `${group.name}_%(process_num)02d`;
  const optional = (["startretries", "stopwaitsecs"] as const).flatMap((key) =>
    group[key] === undefined ? [] : [`${key}=${group[key]}`],
  );
  return [
    `[program:${group.name}]`,
    `command=${path.join(files.commandDir, processName)}`,
    `process_name=${processName}`,
    `numprocs=${group.processes}`,
    `autostart=${group.autostart ?? true}`,
    `startsecs=${group.startsecs ?? 1}`,
    ...optional,
    "stopasgroup=true",
    "killasgroup=true",
    `stdout_logfile=${path.join(files.logDir, `${processName}.out`)}`,
    `stderr_logfile=${path.join(files.logDir, `${processName}.err`)}`,
    ...(group.extraLines ?? []),
  ];
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
