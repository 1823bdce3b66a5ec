import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, realpath, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import pLimit from "p-limit";
import { FleetHost } from "./host.ts";
import { hostDirVariable, knownHostsLine, makeKey, type GroupOptions, type HostSpec } from "./host-files.ts";
import { sweepAtExit } from "./last-resort.ts";
import { claimLoopback, type LoopbackChoice, type LoopbackClaim } from "./loopback.ts";
import { findProgram } from "./prerequisites.ts";
import { tearDown, tearDownNow } from "./teardown.ts";

export type { FleetHost } from "./host.ts";
export type { GroupOptions } from "./host-files.ts";
export type { ProcessInfo, ProcessStateName } from "./supervisor-rpc.ts";

export interface FleetOptions {
  /** How many. */
  readonly hosts: number;
  /** On every host. Default: one group `web` of 4. */
  readonly groups?: readonly GroupOptions[];
  /** Made if need be, must be empty, removed by `down()`. Default: a new one among the temporary files. */
  readonly dir?: string;
  /** Default `host-`, for host-1, host-2… */
  readonly namePrefix?: string;
  /** Default: a net and a port at random that nobody has. */
  readonly loopback?: LoopbackChoice;
  /** How a plan for it reaches its hosts, which are all on this machine. Default: by ssh. */
  readonly reachedBy?: "ssh" | "local";
  /** Lines for every sshd_config, `MaxSessions 1`; they win over the fleet's own. */
  readonly sshdConfig?: readonly string[];
  /** Every supervisord, and only that, runs on a clock that `FleetHost.setClock` sets. */
  readonly ownClock?: boolean;
  /** Each supervisord is started in its own folder, all by the same command line. */
  readonly sameCommandLine?: boolean;
  /** Called with the folder of each host before its daemons are started, to write more files there. */
  readonly prepare?: (dir: string, index: number) => void;
  /** Variables of every supervisord, for `%(ENV_NAME)s`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The `hosts:` of a plan, as far as a fleet has something to say. */
export type PlanHosts = Record<string, { address: string; supervisor: { config: string }; connection?: "local" }>;

/** The `ssh:` of a plan. */
export interface PlanSsh {
  user: string;
  port: number;
  identity_file: string;
  known_hosts_file: string;
}

export interface Fleet {
  readonly dir: string;
  readonly hosts: readonly FleetHost[];
  /** The private key that every host lets in, as the user who raised the fleet. */
  readonly identityFile: string;
  readonly knownHostsFile: string;
  /** @throws Error when the fleet has no host of this name */
  host(name: string): FleetHost;
  planHosts(): PlanHosts;
  planSsh(): PlanSsh;
  /** Ends every process of the fleet, whatever happened to it, and removes its folder. */
  down(): Promise<void>;
}

const run = promisify(execFile);
/** More at once only compete for the processor: each supervisord costs some 0.2 s of it. */
const raisedAtOnce = 16;
const defaultGroups: readonly GroupOptions[] = [{ name: "web", processes: 4 }];

/**
 * Raises hosts that are real in all that matters here: each an sshd with its own key on its own
 * loopback address, and a supervisord whose processes are all RUNNING when this returns. Works for
 * root and for any other user, who is also the one to log in. Does not outlive this process.
 *
 * @throws Error with the end of a daemon's log when one does not come up; nothing is left then
 */
export async function raiseFleet(options: FleetOptions): Promise<Fleet> {
  const programs = { sshd: requiredProgram("sshd"), supervisord: requiredProgram("supervisord") };
  const sshdConfig = [...(options.sshdConfig ?? []), ...(await forgivingSshd(programs.sshd))];
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });

  const claim = await claimLoopback(options.hosts, options.loopback);
  const dir = await fleetDir(options.dir);
  const specs = hostSpecs(dir, claim, { ...options, sshdConfig });
  const hosts = specs.map((spec) => new FleetHost(spec, programs));
  const forgetSweep = sweepAtExit(() => tearDownNow({ dir, hosts }));
  const { reachedBy = "ssh" } = options;
  const forgetMark = reachedBy === "local" ? markOurChildren(dir) : () => undefined;
  const end = () =>
    tearDown({ dir, hosts }).finally(() => {
      forgetMark();
      forgetSweep();
      claim.release();
    });

  try {
    const identityFile = path.join(dir, "identity");
    const knownHostsFile = path.join(dir, "known_hosts");
    await makeKey(identityFile);
    await copyFile(`${identityFile}.pub`, authorizedKeysFile(dir));
    await raiseAll(hosts);
    await writeFile(knownHostsFile, (await Promise.all(specs.map(knownHostsLine))).join(""));
    return fleetOf({ dir, hosts, reachedBy, identityFile, knownHostsFile, port: claim.port, end });
  } catch (error) {
    await end();
    throw error;
  }
}

/** What runs on a host without sshd is started by a controller, and so by us: it has to be found at the end as well. */
function markOurChildren(dir: string): () => void {
  Object.assign(process.env, { [hostDirVariable]: path.join(dir, "here") });
  return () => void Reflect.deleteProperty(process.env, hostDirVariable);
}

/** Settles when no host is starting any more; after a failure none is begun. */
async function raiseAll(hosts: readonly FleetHost[]): Promise<void> {
  const limit = pLimit(raisedAtOnce);
  const failures: unknown[] = [];
  await Promise.all(
    hosts.map((host) =>
      limit(async () => {
        if (failures.length === 0) await host.raise().catch((error: unknown) => failures.push(error));
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
}

function fleetOf(parts: {
  dir: string;
  hosts: readonly FleetHost[];
  reachedBy: "ssh" | "local";
  identityFile: string;
  knownHostsFile: string;
  port: number;
  end: () => Promise<void>;
}): Fleet {
  const { dir, hosts, reachedBy, identityFile, knownHostsFile, port, end } = parts;
  const way = reachedBy === "local" ? { connection: reachedBy } : {};
  let ending: Promise<void> | undefined;
  return {
    dir,
    hosts,
    identityFile,
    knownHostsFile,
    host(name) {
      const found = hosts.find((each) => each.name === name);
      if (found === undefined) throw new Error(`the fleet has no host ${name}`);
      return found;
    },
    planHosts: () =>
      Object.fromEntries(
        hosts.map(({ name, address, supervisorConfig }) => [
          name,
          { ...way, address, supervisor: { config: supervisorConfig } },
        ]),
      ),
    planSsh: () => ({
      user: userInfo().username,
      port,
      identity_file: identityFile,
      known_hosts_file: knownHostsFile,
    }),
    down: () => (ending ??= end()),
  };
}

function hostSpecs(dir: string, { addresses, port }: LoopbackClaim, options: FleetOptions): HostSpec[] {
  const {
    groups = defaultGroups,
    namePrefix = "host-",
    sshdConfig = [],
    ownClock = false,
    env = {},
    sameCommandLine = false,
    prepare,
  } = options;
  return addresses.map((address, index) => {
    const name = `${namePrefix}${index + 1}`;
    const ownDir = path.join(dir, name);
    return {
      name,
      address,
      port,
      dir: ownDir,
      ...(prepare && { prepare: () => prepare(ownDir, index) }),
      groups,
      sshdConfig,
      ownClock,
      sameCommandLine,
      env,
      authorizedKeysFile: authorizedKeysFile(dir),
    };
  });
}

function authorizedKeysFile(dir: string): string {
  return path.join(dir, "authorized_keys");
}

async function fleetDir(wished: string | undefined): Promise<string> {
  if (wished !== undefined) await mkdir(wished, { recursive: true, mode: 0o700 });
  const dir = await realpath(wished ?? (await mkdtemp(path.join(tmpdir(), "fleet-"))));
  if ((await readdir(dir)).length > 0) throw new Error(`${dir}: not empty`);
  // It stands in two configurations, each with its own idea of quotes and of %.
  if (!/^[\w./@+-]+$/.test(dir)) throw new Error(`${dir}: choose a dir without spaces or odd characters`);
  return dir;
}

/** From 9.8 on sshd shuts out an address with failed logins for a while: the tests' own, here. */
export async function forgivingSshd(sshd: string): Promise<string[]> {
  // Before 9.2 it did not know -V, but names its version in what it complains.
  const { stdout, stderr } = await run(sshd, ["-V"]).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  );
  const [, major = 0, minor = 0] = (/OpenSSH_(\d+)\.(\d+)/.exec(stdout + stderr) ?? []).map(Number);
  return major > 9 || (major === 9 && minor >= 8) ? ["PerSourcePenalties no"] : [];
}

/** Where it is. @throws Error when it is not installed */
export function requiredProgram(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Error(`${name} is missing: run test/fleet/prerequisites.ts`);
  return found;
}
