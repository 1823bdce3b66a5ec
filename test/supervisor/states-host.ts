import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareNaturally } from "../../src/domain/ids.ts";
import { Daemon } from "../fleet/daemon.ts";
import { claimLoopback } from "../fleet/loopback.ts";
import { findProgram } from "../fleet/prerequisites.ts";
import { descendantsOf, signal } from "../fleet/process-table.ts";
import { allProcesses, callSupervisor, type ProcessInfo } from "../fleet/supervisor-rpc.ts";
import { until } from "../fleet/until.ts";

/**
 * Names that Supervisor takes, and that a shell, a session or XML would take for something else. (`*` is one only
 * where the group is called so too: supervisord with a `group:*` of that name can list nothing at all.)
 */
export const ODD_INSTANCES = [
  "*",
  "-y",
  "odd:-x",
  "odd:é",
  "odd:we$ird'q;z",
  "odd:a<b&c>",
  "odd:[1]",
  "odd:a*b",
] as const;

/** A real supervisord that has an instance in every state. */
export interface StatesHost {
  readonly config: string;
  readonly socketUrl: string;
  /** For a supervisorctl that is to know the password of {@link serverUrl}. */
  readonly passwordConfig: string;
  /** Where it listens as well, and asks for `someone` and `secret`. */
  readonly serverUrl: string;
  /** All its instances, as people count. */
  readonly names: readonly string[];
  readonly daemon: Daemon;
  /** The stderr log of one of {@link ODD_INSTANCES}. */
  log(odd: (typeof ODD_INSTANCES)[number]): string;
  /** What supervisord says of it, asked past what is tested. */
  truth(instance: string): Promise<ProcessInfo>;
  /** Starts it, and brings its instances into their states. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Ends all that belongs to it. */
  down(): Promise<void>;
}

const SETTLE_MS = 20_000;

/** Raises it and waits until all its instances are in the states that they are called after. */
export async function raiseStatesHost(): Promise<StatesHost> {
  const dir = await mkdtemp(join(tmpdir(), "states-"));
  const claim = await claimLoopback(1);
  const config = join(dir, "supervisord.conf");
  const socket = join(dir, "s.sock");
  const ignoring = join(dir, "ignoring");
  const address = `${claim.addresses[0]}:${claim.port}`;
  await writeFile(config, configText(dir, { socket, ignoring, address }));
  const passwordConfig = join(dir, "supervisorctl.conf");
  await writeFile(passwordConfig, "[supervisorctl]\nusername=someone\npassword=secret\n");
  const daemon = new Daemon({
    name: "the supervisord of all states",
    command: [findProgram("supervisord") ?? "supervisord", "-n", "-c", config],
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: dir },
    outputFile: join(dir, "output"),
  });
  const kill = async () => {
    if (daemon.pid === undefined) return;
    // Frozen first: between the look for its processes and its end it must not start another.
    daemon.signal("SIGSTOP");
    await daemon.frozen();
    const pids = descendantsOf([daemon.pid]).map(({ pid }) => pid);
    daemon.signal("SIGKILL");
    for (const pid of pids) signal(pid, "SIGKILL");
    await daemon.ended();
  };
  const host: StatesHost = {
    config,
    socketUrl: `unix://${socket}`,
    passwordConfig,
    serverUrl: `http://${address}`,
    names: ALL_NAMES,
    daemon,
    log: (odd) => join(dir, `odd-${ODD_INSTANCES.indexOf(odd)}.err`),
    async truth(instance) {
      const found = (await allProcesses(socket)).find((each) => each.instance === instance);
      if (!found) throw new Error(`there is no ${instance}`);
      return found;
    },
    async start() {
      for (const left of [socket, ignoring]) await rm(left, { force: true });
      daemon.start();
      await daemon.ready(async () => (await allProcesses(socket)).length > 0, { deadlineMs: SETTLE_MS });
      await settle(socket, ignoring);
    },
    kill,
    async down() {
      await kill();
      claim.release();
      await rm(dir, { recursive: true, force: true });
    },
  };
  await host.start().catch(async (error: unknown) => {
    await host.down();
    throw error;
  });
  return host;
}

const ALL_NAMES = [
  "backoff",
  "bare",
  "exited",
  "fatal",
  "gone",
  "never",
  "starting",
  "stopped",
  "stopping",
  "web:web_2",
  "web:web_9",
  "web:web_10",
  ...ODD_INSTANCES,
].sort(compareNaturally);

/** @param ignoring the file that `stopping` makes as soon as it ignores a wish that it end */
async function settle(socket: string, ignoring: string): Promise<void> {
  // One that ends at once is refused as a spawn error, or not: it depends on when supervisord looks.
  const start = (name: string) => callSupervisor(socket, "startProcess", [name, false]).catch(() => undefined);
  const are = async (state: string, ...names: readonly string[]) => {
    const notYet = async () => {
      const all = await allProcesses(socket);
      return names.filter((name) => all.find((each) => each.instance === name)?.state !== state);
    };
    await until(async () => (await notYet()).length === 0, {
      deadlineMs: SETTLE_MS,
      what: `${names.join(", ")}: ${state}`,
    });
  };
  await are("RUNNING", "bare", "web:web_2", "web:web_9", "web:web_10", "stopping", "stopped", ...ODD_INSTANCES);
  await until(() => existsSync(ignoring), { deadlineMs: SETTLE_MS, what: "stopping ignores it" });
  await Promise.all(["backoff", "exited", "fatal", "starting"].map(start));
  await callSupervisor(socket, "stopProcess", ["stopped", true]);
  await callSupervisor(socket, "stopProcess", ["stopping", false]);
  await Promise.all([are("EXITED", "exited"), are("FATAL", "fatal", "gone"), are("STOPPING", "stopping")]);
}

/** They end by themselves if a test is killed. */
const SLEEP = "command=/bin/sleep 900";
const BY_HAND = "autostart=false";

interface Paths {
  readonly socket: string;
  readonly ignoring: string;
  readonly address: string;
}

function configText(dir: string, { socket, ignoring, address }: Paths): string {
  const programs: Record<string, readonly string[]> = {
    web: [SLEEP, "process_name=web_%(process_num)d", "numprocs=2", "numprocs_start=9"],
    web2: [SLEEP, "process_name=web_2"],
    bare: [SLEEP],
    never: [SLEEP, BY_HAND, "stderr_logfile=NONE"],
    fatal: ["command=/bin/false", BY_HAND, "startretries=0"],
    gone: ["command=/no/such/file", "startretries=0"],
    backoff: ["command=/bin/false", BY_HAND, "startretries=1000000"],
    exited: ["command=/bin/true", BY_HAND, "startsecs=0", "autorestart=false"],
    stopped: [SLEEP],
    starting: [SLEEP, BY_HAND, "startsecs=100000"],
    stopping: [
      `command=perl -e '$SIG{TERM} = q(IGNORE); open my $file, q(>), q(${ignoring}); sleep 900'`,
      "stopwaitsecs=100000",
    ],
  };
  const grouped: string[] = [];
  for (const [index, instance] of ODD_INSTANCES.entries()) {
    const [first = "", name = first] = instance.split(":");
    const program = first === name ? name : `odd${index}`;
    programs[program] = [SLEEP, `process_name=${name}`, `stderr_logfile=${dir}/odd-${index}.err`];
    if (first !== name) grouped.push(program);
  }
  return [
    "[supervisord]",
    `logfile=${dir}/supervisord.log`,
    `pidfile=${dir}/supervisord.pid`,
    `childlogdir=${dir}`,
    ...(process.getuid?.() === 0 ? ["user=root"] : []),
    "[unix_http_server]",
    `file=${socket}`,
    "chmod=0700",
    "[inet_http_server]",
    `port=${address}`,
    "username=someone",
    "password=secret",
    "[rpcinterface:supervisor]",
    "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    "[supervisorctl]",
    `serverurl=unix://${socket}`,
    "[group:web]",
    "programs=web,web2",
    "[group:odd]",
    `programs=${grouped.join(",")}`,
    ...Object.entries(programs).flatMap(([name, lines]) => [`[program:${name}]`, ...lines]),
    "",
  ].join("\n");
}
