import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { itInFull } from "../amount.ts";
import { observe } from "../fleet/observer.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { eventsOf, orchestrate, writePlan } from "./orchestrate.ts";

const SLEEPS = "command=/bin/sleep 100000";

/** A program that is not there when the fleet is raised. */
const API = `[program:api]
command=/bin/sleep 100000
stdout_logfile=NONE
stderr_logfile=NONE
`;

async function edit({ supervisorConfig }: FleetHost, change: (text: string) => string): Promise<void> {
  await writeFile(supervisorConfig, change(await readFile(supervisorConfig, "utf8")));
}

/** `web:web_00 RUNNING`, of each host alike. */
async function running(fleet: Fleet): Promise<string[]> {
  const each = await Promise.all(
    fleet.hosts.map(async (host) => (await host.processes()).map(({ instance, state }) => `${instance} ${state}`)),
  );
  const [first = []] = each;
  for (const other of each) assert.deepEqual(other, first);
  return first;
}

function logsOf(fleet: Fleet): Promise<string[]> {
  return Promise.all(fleet.hosts.map((host) => host.supervisordLog()));
}

const webs = (count: number) => Array.from({ length: count }, (_, number) => `web:web_0${number} RUNNING`);

describe("a configuration that has changed on four hosts", () => {
  let fleet: Fleet;
  let plan: string;
  before(async () => {
    fleet = await raiseFleet({ hosts: 4, groups: [{ name: "web", processes: 2, extraLines: [SLEEPS] }] });
    plan = await writePlan(fleet, {
      action: "update",
      programs: [{ web: { limits: { min_healthy: 6 } } }, "api"],
    });
  });
  after(() => fleet.down());

  it("is previewed without a stop, a start or a spawn: four processes in the place of two, and a new program", async () => {
    for (const host of fleet.hosts) await edit(host, (text) => `${text.replace("numprocs=2", "numprocs=4")}${API}`);
    const before = await logsOf(fleet);
    const { code, stdout, stderr } = await orchestrate(plan, "--dry-run");
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /update web: 2 -> 4 instances, all 2 down together/);
    assert.match(stdout, /reread/);
    assert.deepEqual(await logsOf(fleet), before);
  });

  it("is applied group by group, and never with fewer healthy than the floor", async () => {
    const observed = await observe(fleet);
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const observation = await observed();
    assert.equal(observation.stops().length, 8);
    assert.equal(observation.mostDown().perProgram["web"], 2);
    assert.deepEqual(await running(fleet), ["api RUNNING", ...webs(4)]);
    const updates = eventsOf(ended).filter((event) => event.type === "group.updating");
    assert.equal(updates.length, 8);
  });

  itInFull(
    "is applied with another command and two processes fewer; a program that has disappeared is named and keeps running",
    async () => {
      for (const host of fleet.hosts)
        await edit(host, (text) =>
          text
            .replace(API, "")
            .replace("numprocs=4", "numprocs=2")
            .replace(SLEEPS, `${SLEEPS.slice(0, -1)}1`),
        );
      const observed = await observe(fleet);
      const ended = await orchestrate(plan, "--output", "plain");
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      assert.match(ended.stdout, /api: its group is no longer configured, and is left running/);
      // Of 16 and api's 4, those that were taken away are down in the end.
      assert.ok((await observed()).mostDown().perProgram["web"]! <= 10);
      assert.deepEqual(await running(fleet), ["api RUNNING", ...webs(2)]);
      for (const host of fleet.hosts) {
        const { pid } = await host.process("web:web_00");
        assert.match(await readFile(`/proc/${pid}/cmdline`, "utf8"), /10000.?1/);
      }
    },
  );

  itInFull(
    "restarts the instances of unchanged groups one by one, and updates the changed one, where a restart applies it",
    async () => {
      const mixed = await writePlan(fleet, { config_changes: "apply", limits: { min_healthy: 4 } }, "mixed");
      const [first] = fleet.hosts;
      assert.ok(first);
      await edit(first, (text) => text.replace("numprocs=2", "numprocs=3"));
      const ended = await orchestrate(mixed, "--output", "json");
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      const actions = eventsOf(ended).flatMap((event) =>
        event.type === "instance.restarting" ? [`${event.host} ${event.action}`] : [],
      );
      assert.deepEqual([...new Set(actions)].sort(), [
        "host-1 update",
        ...["host-2", "host-3", "host-4"].map((host) => `${host} restart`),
      ]);
      await until(async () => (await first.processes()).length === 4, {
        deadlineMs: 20_000,
        what: "three of web, and api",
      });
    },
  );

  it("refuses before the first change what one host cannot read, with its place", async () => {
    const [, second] = fleet.hosts;
    assert.ok(second);
    await edit(second, (text) => `${text}[program:broken]\nnumprocs=x\n`);
    const before = await logsOf(fleet);
    const { code, stderr } = await orchestrate(plan, "--output", "plain");
    assert.equal(code, 3, stderr);
    assert.match(stderr, /config_unreadable/);
    assert.match(stderr, /host-2/);
    assert.match(stderr, /program:broken/);
    assert.deepEqual(await logsOf(fleet), before);
  });
});
