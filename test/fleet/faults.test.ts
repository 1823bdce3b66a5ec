import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { raiseFleet, type Fleet, type FleetHost } from "./fleet.ts";
import { isRunning } from "./process-table.ts";
import { runOverSsh, startOverSsh } from "./ssh.ts";
import { until } from "./until.ts";

describe("a fault of a host", () => {
  let fleet: Fleet;
  let host: FleetHost;

  before(async () => {
    fleet = await raiseFleet({ hosts: 2 });
    host = fleet.host("host-1");
  });
  after(() => fleet.down());

  // Every test undoes its fault, and none may reach the host beside it.
  afterEach(async () => {
    for (const each of fleet.hosts) assert.equal(await runOverSsh(fleet, each, "echo here"), "here\n");
    assert.equal((await fleet.host("host-2").supervisordLog()).match(/spawned/g)?.length, 4);
  });

  const pids = async () => (await host.processes()).map(({ pid }) => pid);

  /** A command that comes by ssh and ticks: into a file, and if wished to its client as well. */
  async function startTicking(name: string, { aloud }: { aloud: boolean }) {
    const file = path.join(host.dir, name);
    const client = startOverSsh(
      fleet,
      host,
      `while :; do echo tick >> ${file}; ${aloud ? "echo tick; " : ""}sleep 0.02; done`,
    );
    let heard = 0;
    client.stdout?.on("data", (ticks: Buffer) => (heard += ticks.length / "tick\n".length));
    const ticks = async () => (await readFile(file, "utf8")).length / "tick\n".length;
    const tickOn = async (count: number) => {
      const enough = (await ticks().catch(() => 0)) + count;
      await until(async () => (await ticks()) >= enough, { deadlineMs: 10_000, what: "ticks" });
    };
    await tickOn(5);
    return { client, heard: () => heard, ticks, tickOn };
  }

  it("sshd frozen: its connections fall silent, their commands go on, and when thawed all is told", async () => {
    const { client, heard, ticks, tickOn } = await startTicking("frozen", { aloud: true });
    await host.freeze("sshd");
    const atFreeze = await ticks();
    await tickOn(20);
    assert.ok(heard() <= atFreeze + 1, `heard ${heard()} ticks, of ${atFreeze} before the freeze`);
    await host.thaw("sshd");
    await until(() => heard() >= atFreeze + 20, { deadlineMs: 5_000, what: "the client hears the rest" });
    client.kill();
  });

  it("sshd killed: its connections break, a new one is refused, and revived it is its old self", async () => {
    const { client } = await startTicking("killed", { aloud: false });
    const closed = once(client, "close");
    await host.kill("sshd");
    assert.deepEqual(await closed, [255, null]);
    await assert.rejects(runOverSsh(fleet, host, "true"), /Connection refused/);
    await host.revive("sshd");
  });

  it("connections dropped: the client is told nothing of its command, which goes on", async () => {
    const { client, tickOn } = await startTicking("dropped", { aloud: false });
    const closed = once(client, "close");
    await host.dropConnections();
    assert.deepEqual(await closed, [255, null]);
    await tickOn(10);
  });

  it("supervisord frozen: gives no answer, its processes run, and it is the same when thawed", async () => {
    const before = await pids();
    await host.freeze("supervisord");
    await assert.rejects(host.processes({ timeoutMs: 200 }), /no answer to getAllProcessInfo within 200 ms/);
    assert.ok(before.every(isRunning));
    await host.thaw("supervisord");
    assert.deepEqual(await pids(), before);
  });

  it("supervisord killed: its processes live on as orphans, until it is revived with new ones", async () => {
    const orphans = await pids();
    await host.kill("supervisord");
    await assert.rejects(host.processes(), /ECONNREFUSED/);
    assert.ok(orphans.every(isRunning));
    await host.revive("supervisord");
    assert.ok(!orphans.some(isRunning));
    assert.ok((await host.processes()).every(({ state, pid }) => state === "RUNNING" && isRunning(pid)));
  });

  it("cannot be made twice: what is killed is not there to be killed", async () => {
    await host.kill("sshd");
    await assert.rejects(host.kill("sshd"), /host-1's sshd is not up/);
    await host.revive("sshd");
    await assert.rejects(host.revive("sshd"), /host-1's sshd is up already/);
  });
});
