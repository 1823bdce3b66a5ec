import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Daemon } from "../fleet/daemon.ts";
import { forgivingSshd, requiredProgram } from "../fleet/fleet.ts";
import { knownHostsLine, makeKey, writeSshdFiles, type SshdSpec } from "../fleet/host-files.ts";
import { daemonEnvironment, raiseSshd, sshdDaemon } from "../fleet/host-daemons.ts";
import { sweepAtExit } from "../fleet/last-resort.ts";
import { claimLoopback } from "../fleet/loopback.ts";
import { tearDown, tearDownNow, type HostRemains } from "../fleet/teardown.ts";
import { until } from "../fleet/until.ts";
import type { Configuration } from "./configuration.ts";

const run = promisify(execFile);
const stub = join(import.meta.dirname, "stub.py");
const restDeadlineMs = 90_000;

/** What a program that fails complains about. */
export const COMPLAINT = "cannot connect to the database at 10.0.0.9:5432";

/**
 * One host that runs a configuration as its project does: an sshd of its own, and a supervisord in the foreground with
 * a pipe for its output, as in a container. Does not outlive this process.
 */
export class RealHost implements HostRemains {
  readonly address: string;
  readonly port: number;
  readonly dir: string;
  readonly sshd: Daemon;
  readonly supervisord: Daemon;
  /** For `supervisorctl -c`. */
  readonly config: string;
  readonly identityFile: string;
  readonly knownHostsFile: string;
  private readonly configuration: Configuration;
  private readonly spec: SshdSpec;
  private readonly consoleStream: Daemon;

  constructor(configuration: Configuration, spec: SshdSpec) {
    const { dir } = spec;
    this.configuration = configuration;
    this.spec = spec;
    this.address = spec.address;
    this.port = spec.port;
    this.dir = dir;
    this.config = join(dir, configuration.expected.config ?? "supervisord.conf");
    this.identityFile = join(dir, "identity");
    this.knownHostsFile = join(dir, "known_hosts");
    this.sshd = sshdDaemon(spec, requiredProgram("sshd"));
    const env = { ...daemonEnvironment(dir), ...configuration.expected.environment };
    const pipe = join(dir, "console");
    // Opened for both, it has no end when supervisord has one.
    this.consoleStream = new Daemon({
      name: `${configuration.name}'s console`,
      command: ["/bin/sh", "-c", 'exec cat <>"$0"', pipe],
      env,
      outputFile: join(dir, "console.log"),
    });
    const supervisord = [requiredProgram("supervisord"), "-n", "-c", this.config];
    this.supervisord = new Daemon({
      name: `${configuration.name}'s supervisord`,
      command: ["/bin/sh", "-c", 'exec "$@" >"$0" 2>&1', pipe, ...supervisord],
      env,
      outputFile: join(dir, "supervisord.out"),
    });
  }

  /** Writes its files and starts both daemons. Rejects with the end of a log. */
  async raise(): Promise<void> {
    const { dir } = this;
    for (const each of ["log", "broken"]) await mkdir(join(dir, each));
    for (const [path, text] of this.configuration.files) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), this.filledIn(text));
    }
    await copyFile(stub, join(dir, "stub.py"));
    await chmod(join(dir, "stub.py"), 0o755);
    await writeFile(join(dir, "ledger"), "");
    await run("mkfifo", [join(dir, "console")]);
    await makeKey(this.identityFile);
    await copyFile(`${this.identityFile}.pub`, this.spec.authorizedKeysFile);
    await writeSshdFiles(this.spec);
    await writeFile(this.knownHostsFile, await knownHostsLine(this.spec));
    this.consoleStream.start();
    await Promise.all([raiseSshd(this.sshd, this.spec), this.startSupervisord()]);
  }

  /** Starts supervisord, for the first time or again, and waits until all is at rest. */
  async startSupervisord(): Promise<void> {
    this.supervisord.start();
    await this.atRest();
  }

  /** Waits until each process is in the state that the configuration expects. */
  async atRest(): Promise<void> {
    let restless = "nothing was seen";
    const settled = async () => {
      if (this.supervisord.pid === undefined) throw new Error(`supervisord ended\n${await this.console()}`);
      const states = await this.states();
      const { at_rest = {} } = this.configuration.expected;
      const others = [...states].filter(([name, state]) => state !== (at_rest[name] ?? "RUNNING"));
      restless = others.map(([name, state]) => `${name} is ${state}`).join(", ");
      return states.size > 0 && others.length === 0;
    };
    await until(settled, {
      deadlineMs: restDeadlineMs,
      everyMs: 500,
      what: `${this.configuration.name} at rest`,
    }).catch((error: unknown) => {
      throw new Error(`${(error as Error).message} (${restless})`, { cause: error });
    });
  }

  /** From its next start on it fails at once, and complains. */
  async break(process: string): Promise<void> {
    await writeFile(join(this.dir, "broken", process), `${process}: ${COMPLAINT}\n${process}: giving up\n`);
  }

  async repair(process: string): Promise<void> {
    await rm(join(this.dir, "broken", process));
  }

  /** What supervisord and the programs that log there printed: what `docker logs` would show. */
  console(): Promise<string> {
    return readFile(join(this.dir, "console.log"), "utf8");
  }

  ledger(): Promise<string> {
    return readFile(join(this.dir, "ledger"), "utf8");
  }

  /** A text of the configuration with what stands for this host in it. */
  filledIn(text: string): string {
    return text
      .replaceAll("@DIR@", this.dir)
      .replaceAll("@STUB@", join(this.dir, "stub.py"))
      .replaceAll("@ADDRESS@", this.address);
  }

  shutDownSupervisord(): Promise<boolean> {
    if (this.supervisord.pid === undefined) return Promise.resolve(false);
    this.supervisord.signal("SIGTERM");
    return Promise.resolve(true);
  }

  private async states(): Promise<Map<string, string>> {
    const { server_url } = this.configuration.expected.supervisor ?? {};
    const where = server_url === undefined ? ["-c", this.config] : ["-s", this.filledIn(server_url)];
    // It exits with 3 while something is not RUNNING.
    const { stdout } = await run("supervisorctl", [...where, "status"]).catch(
      (error: unknown) => error as { stdout: string },
    );
    const lines = stdout.split("\n").map((line) => /^(?:\S+:)?(\S+) +([A-Z]+)\b/.exec(line));
    return new Map(lines.flatMap((match) => (match?.[1] && match[2] ? [[match[1], match[2]] as const] : [])));
  }
}

/** Gives a host that is up and at rest to `use`, and takes it down after that, whatever happened. */
export async function onRealHost<T>(configuration: Configuration, use: (host: RealHost) => Promise<T>): Promise<T> {
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const sshdConfig = await forgivingSshd(requiredProgram("sshd"));
  const claim = await claimLoopback(1);
  const dir = await realpath(await mkdtemp(join(tmpdir(), "real-")));
  const [address = ""] = claim.addresses;
  const authorizedKeysFile = join(dir, "authorized_keys");
  const spec = { name: "host-1", address, port: claim.port, dir, sshdConfig, authorizedKeysFile };
  const host = new RealHost(configuration, spec);
  const remains = { dir, hosts: [host] };
  const forgetSweep = sweepAtExit(() => tearDownNow(remains));
  try {
    await host.raise();
    return await use(host);
  } finally {
    await tearDown(remains).finally(() => {
      forgetSweep();
      claim.release();
    });
  }
}
