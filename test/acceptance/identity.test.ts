import assert from "node:assert/strict";
import { itInFull } from "../amount.ts";
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { Daemon } from "../fleet/daemon.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { findProgram } from "../fleet/prerequisites.ts";
import { descendantsOf } from "../fleet/process-table.ts";
import { allProcesses } from "../fleet/supervisor-rpc.ts";
import { until } from "../fleet/until.ts";
import { eventsOf, Gate, orchestrate, quickTimings, restartedIn, startOrchestrate, writePlan } from "./orchestrate.ts";

const SUPERVISORD = findProgram("supervisord") ?? "supervisord";
const SUPERVISORCTL = findProgram("supervisorctl") ?? "supervisorctl";
const IS_ROOT = process.getuid?.() === 0;

/** Supervisords beside each other on this machine, each with a folder of its own, and all with one command line. */
class Neighbours {
  readonly dir: string;
  private readonly daemons: (readonly [Daemon, NodeJS.Signals])[] = [];

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<Neighbours> {
    const dir = await mkdtemp(join(tmpdir(), "neighbours-"));
    await chmod(dir, 0o1777);
    return new Neighbours(dir);
  }

  folder(name: string): string {
    return join(this.dir, name);
  }

  /** @param within what the supervisord is started in, such as `setpriv --reuid=1`; @param uid whose its folder is */
  async raise(
    name: string,
    { within = "", uid, endsBy = "SIGTERM" }: { within?: string; uid?: number; endsBy?: NodeJS.Signals } = {},
  ): Promise<Daemon> {
    const folder = this.folder(name);
    await mkdir(folder);
    await writeFile(join(folder, "supervisord.conf"), configText());
    if (uid !== undefined) await chown(folder, uid, uid);
    const daemon = new Daemon({
      name,
      command: ["/bin/sh", "-c", `cd ${folder} && exec ${within} ${SUPERVISORD} -n -c supervisord.conf`],
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: folder },
      outputFile: join(this.dir, `${name}.out`),
    });
    this.daemons.push([daemon, endsBy]);
    daemon.start();
    const isUp = async () => (await allProcesses(join(folder, "s.sock"))).every(({ state }) => state === "RUNNING");
    await daemon.ready(() => isUp().catch(() => false), { deadlineMs: 60_000 });
    return daemon;
  }

  /** A command that leads to one of them, as a script around `docker exec` does. */
  async wrapper(name: string, within: string): Promise<string> {
    const file = join(this.dir, `in-${name}`);
    await writeFile(
      file,
      `#!/bin/sh\ncd ${this.folder(name)}\nexec ${within} ${SUPERVISORCTL} -c ${this.folder(name)}/supervisord.conf "$@"\n`,
    );
    await chmod(file, 0o755);
    return file;
  }

  async plan(hosts: Record<string, object>, keys: object = {}): Promise<string> {
    const file = join(this.dir, "plan.yaml");
    const lock = { directory: this.dir };
    await writeFile(file, stringify({ version: 1, programs: "web", hosts, timings: quickTimings, lock, ...keys }));
    return file;
  }

  async down(): Promise<void> {
    for (const [daemon, signal] of this.daemons) {
      if (daemon.pid === undefined) continue;
      daemon.signal(signal);
      await daemon.ended(60_000);
    }
    await rm(this.dir, { recursive: true, force: true });
  }
}

function configText(): string {
  return [
    "[supervisord]",
    "logfile=%(here)s/supervisord.log",
    "pidfile=%(here)s/supervisord.pid",
    "childlogdir=%(here)s",
    "[unix_http_server]",
    "file=%(here)s/s.sock",
    "[rpcinterface:supervisor]",
    "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    "[supervisorctl]",
    "serverurl=unix://%(here)s/s.sock",
    "[program:web]",
    "command=/bin/sleep 900",
    "process_name=web_%(process_num)02d",
    "numprocs=2",
    "",
  ].join("\n");
}

/** Both hosts of a plan are rolled, and neither stands in the way of the other. */
async function rollsBoth(plan: string): Promise<void> {
  const ended = await orchestrate(plan, "--output", "json");
  assert.equal(ended.code, 0, ended.stderr);
  assert.deepEqual(restartedIn(eventsOf(ended)), [
    "blue web:web_00",
    "blue web:web_01",
    "green web:web_00",
    "green web:web_01",
  ]);
}

describe("two supervisords on one machine are two", () => {
  let neighbours: Neighbours;
  beforeEach(async () => void (neighbours = await Neighbours.make()));
  afterEach(() => neighbours.down());

  const config = (name: string) => join(neighbours.folder(name), "supervisord.conf");

  it("by their folders, where both were started by the same relative command line", async () => {
    await Promise.all([neighbours.raise("blue"), neighbours.raise("green")]);
    const host = (name: string) => ({ connection: "local", supervisor: { config: config(name) } });
    await rollsBoth(await neighbours.plan({ blue: host("blue"), green: host("green") }));
  });

  if (IS_ROOT) {
    itInFull("by their accounts, where each has its own in its own folder", async () => {
      const as = (uid: number) => `setpriv --reuid=${uid} --regid=${uid} --clear-groups`;
      await Promise.all([
        neighbours.raise("blue", { within: as(1), uid: 1 }),
        neighbours.raise("green", { within: as(2), uid: 2 }),
      ]);
      const host = async (name: string, uid: number) => ({
        connection: "local",
        supervisor: { command: await neighbours.wrapper(name, as(uid)) },
      });
      await rollsBoth(await neighbours.plan({ blue: await host("blue", 1), green: await host("green", 2) }));
    });

    it("by their containers, where wrappers lead into them at one address", async () => {
      // Its supervisord is the first process there, and all of it ends with the one that has made it.
      const container = "setpriv --pdeathsig KILL unshare --pid --mount --fork --kill-child --mount-proc";
      const host = async (name: string) => {
        const { pid } = await neighbours.raise(name, { within: container, endsBy: "SIGKILL" });
        const [init] = descendantsOf([pid ?? 0]).filter(({ command }) => !command.startsWith("unshare"));
        const command = await neighbours.wrapper(name, `nsenter --target ${init?.pid} --pid --mount`);
        return { connection: "local", supervisor: { command } };
      };
      await rollsBoth(await neighbours.plan({ blue: await host("blue"), green: await host("green") }));
    });
  }

  it("and one that two names of a plan lead to is refused, before the first change", async () => {
    await neighbours.raise("blue");
    const command = await neighbours.wrapper("blue", "");
    const ways = [
      { config: config("blue") },
      { config: `${neighbours.folder("blue")}/./supervisord.conf` },
      { command },
    ];
    for (const [first, second] of [
      [ways[0], ways[1]],
      [ways[0], ways[2]],
      [ways[2], ways[1]],
    ]) {
      const hosts = {
        blue: { connection: "local", supervisor: first },
        green: { connection: "local", supervisor: second },
      };
      const ended = await orchestrate(await neighbours.plan(hosts), "--output", "json");
      assert.equal(ended.code, 3, ended.stderr);
      assert.match(ended.stderr, /two_names/);
      assert.deepEqual(restartedIn(eventsOf(ended)), []);
    }
  });
});

describe("a lock outlives a restart of its supervisord", () => {
  let fleet: Fleet;
  before(async () => void (fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 2 }] })));
  after(() => fleet.down());

  itInFull("so that a second operator is refused by another way as well, with the name of the first", async () => {
    const go = new Gate(fleet.dir);
    const [host] = fleet.hosts;
    assert.ok(host);
    const first = startOrchestrate([
      await writePlan(fleet, { hooks: { before_rollout: go.waiting } }, "first"),
      "--output",
      "json",
      "--reason",
      "deploy 42",
    ]);
    await until(() => first.stdout().includes("hook.started"), { deadlineMs: 60_000 });
    await host.kill("supervisord");
    await host.revive("supervisord");
    const { supervisor } = fleet.planHosts()["host-1"] ?? assert.fail();
    const hosts = { elsewhere: { connection: "local", supervisor } };
    const second = await writePlan(fleet, { hosts }, "second");
    const refused = await orchestrate(second, "--output", "json");
    assert.equal(refused.code, 3, refused.stderr);
    assert.match(refused.stderr, /elsewhere: web has been locked by .*deploy 42/);
    const told = await orchestrate(second, "--dry-run");
    assert.match(told.stdout, /a run would be refused: web has been locked by .*deploy 42/);
    await go.open();
    assert.equal((await first.ended).code, 0);
    const third = await orchestrate(second, "--output", "json");
    assert.equal(third.code, 0, third.stderr);
  });
});
