import assert from "node:assert/strict";
import { itInFull, sampled } from "../amount.ts";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet, type GroupOptions } from "../fleet/fleet.ts";
import { eventsOf, orchestrate, writePlan } from "./orchestrate.ts";

/** One that needs no file called after it. */
const sleeping = (name: string, processName: string): GroupOptions => ({
  name,
  processes: 1,
  extraLines: ["command=/bin/sleep 900", `process_name=${processName}`, "stdout_logfile=NONE", "stderr_logfile=NONE"],
});

const groups: readonly GroupOptions[] = [
  { name: "web", processes: 2 },
  { name: "all", processes: 1, bare: true },
  { name: "*", processes: 1, bare: true },
  sleeping("blank", "%(ENV_APP)s_%(process_num)02d"),
  sleeping("slash", "%(ENV_SLASH)s"),
  // What supervisorctl would take the name with a blank for.
  { name: "app_00", processes: 1, bare: true },
];

/** The ways to supervisord, one for each host. */
const WAYS = ["one supervisorctl for all", "one for each command", "XML-RPC", "no ssh"];

describe("what supervisorctl takes names for", () => {
  let fleet: Fleet;
  let hosts: Record<string, unknown>;

  before(async () => {
    fleet = await raiseFleet({ hosts: WAYS.length, groups, env: { APP: "my app", SLASH: "a/b" } });
    const noSession = join(fleet.dir, "no-session");
    await writeFile(noSession, '#!/bin/sh\n[ $# -gt 2 ] || exit 1\nexec supervisorctl "$@"\n', { mode: 0o755 });
    const [one, each, xmlRpc, local] = fleet.hosts.map(({ address, supervisorConfig: config, dir }) => {
      return { address, config, server_url: `unix://${join(dir, "s.sock")}` };
    });
    hosts = {
      "host-1": { address: one!.address, supervisor: { config: one!.config } },
      "host-2": { address: each!.address, supervisor: { config: each!.config, command: noSession } },
      "host-3": { address: xmlRpc!.address, supervisor: { config: xmlRpc!.config, server_url: xmlRpc!.server_url } },
      "host-4": { connection: "local", supervisor: { config: local!.config } },
    };
  });
  after(() => fleet.down());

  async function pids(): Promise<Map<string, number>> {
    const all = await Promise.all(
      fleet.hosts.map(async (host) =>
        (await host.processes()).map(({ instance, pid }) => [`${host.name} ${instance}`, pid] as const),
      ),
    );
    return new Map(all.flat());
  }

  /** Runs a plan for these programs and tells what runs on another pid after it. */
  async function roll(programs: string | readonly string[]) {
    const before = await pids();
    const plan = await writePlan(fleet, { programs, hosts, batches: { hosts: "100%" } });
    const ended = await orchestrate(plan, "--output", "json");
    const after = await pids();
    return { ended, restarted: [...before].flatMap(([name, pid]) => (after.get(name) === pid ? [] : [name])) };
  }

  const onEach = (...names: string[]) => fleet.hosts.flatMap((host) => names.map((name) => `${host.name} ${name}`));

  it("are the four ways that they are called", async () => {
    const plan = await writePlan(fleet, { programs: "web", hosts });
    const { stdout } = await orchestrate(plan, "--dry-run", "--verbose");
    for (const way of ["host-[1,4] by session", "host-2 by exec", "host-3 by xml-rpc"])
      assert.ok(stdout.includes(way), stdout);
  });

  it("restarts a program called `all` and nothing else, and shows it as Supervisor does", async () => {
    const { ended, restarted } = await roll("all");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual(restarted, onEach("all"));
    const shown = eventsOf(ended).flatMap((event) => (event.type === "instance.healthy" ? [event.instance] : []));
    assert.deepEqual(new Set(shown), new Set(["all"]));
  });

  itInFull("restarts a name with a slash like any other", async () => {
    const { ended, restarted } = await roll("slash");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual(restarted, onEach("slash:a/b"));
  });

  for (const [selected, name] of sampled([
    ["blank", "blank:my app_00"],
    ["[*]", "*"],
  ] as const))
    it(`refuses by name, before the first change, the process ${name} that it cannot be given alone`, async () => {
      const { ended, restarted } = await roll(["web", selected]);
      assert.equal(ended.code, 3, ended.stdout + ended.stderr);
      const finished = eventsOf(ended).find((event) => event.type === "rollout.finished");
      const refusals = finished?.refusals ?? [];
      assert.deepEqual(
        refusals.map(({ host, code }) => [host, code]),
        fleet.hosts.map((host) => [host.name, "not_addressable"]),
      );
      for (const { reason } of refusals) assert.ok(reason.includes(`"${name}"`), reason);
      assert.deepEqual(restarted, []);
    });

  it("warns of such processes where the plan does not select them, and restarts the others", async () => {
    const { ended, restarted } = await roll("web");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const planned = eventsOf(ended).find((event) => event.type === "rollout.planned");
    const warned = planned?.warnings.filter(({ message }) => message.includes("by itself"));
    assert.deepEqual(
      warned?.map(({ host, instance }) => `${host} ${instance}`),
      onEach("*", "blank:my app_00"),
    );
    assert.deepEqual(restarted, onEach("web:web_00", "web:web_01"));
  });
});
