import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RecordedEvent } from "../../src/domain/events.ts";
import { itInFull } from "../amount.ts";
import { freePort } from "../fleet/free-port.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import type { GroupOptions } from "../fleet/host-files.ts";
import { isRunning } from "../fleet/process-table.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import { eventsOf, orchestrate, quickTimings, startOrchestrate, writePlan } from "./orchestrate.ts";

const SERVER = join(import.meta.dirname, "..", "fleet", "server.py");
const RELEASE = "%(ENV_FLEET_HOST_DIR)s/release";

/** A program that is a shell around a server, as many are. */
function wrapped(name: string, command: string, asGroup = false): GroupOptions {
  const extraLines = [`command=/bin/sh -c '${command} & wait'`, `stopasgroup=${asGroup}`, `killasgroup=${asGroup}`];
  // The release that it reads has a place only once the fleet is there.
  return { name, processes: 1, bare: true, autostart: false, extraLines };
}

type Of<Type extends RecordedEvent["type"]> = Extract<RecordedEvent, { type: Type }>;

describeEachWay("the old code that still answers: what outlives a restart, on a real host", (reachedBy) => {
  let fleet: Fleet;
  const ports = { plain: 0, whole: 0, brief: 0 };

  before(async () => {
    for (const name of ["plain", "whole", "brief"] as const) ports[name] = await freePort();
    const server = (port: number, seconds = "") => `exec python3 ${SERVER} ${port} ${RELEASE} ${seconds}`;
    const groups = [
      wrapped("plain", server(ports.plain)),
      wrapped("brief", server(ports.brief, "1")),
      wrapped("whole", server(ports.whole), true),
      // Its child keeps what the next instance needs, which therefore ends at once.
      {
        ...wrapped("rival", ""),
        extraLines: [
          `command=/bin/sh -c 'mkdir ${RELEASE}.taken || exit 1; sleep 3600 & wait'`,
          ...["startsecs=0", "autorestart=false", "stopasgroup=false", "killasgroup=false"],
        ],
      },
    ];
    fleet = await raiseFleet({ hosts: 1, groups, reachedBy });
    await deploy("1");
    for (const name of ["plain", "whole", "brief"] as const) {
      await fleet.host("host-1").start(name);
      await serves(name);
    }
  });
  after(() => fleet.down());

  const serves = (name: keyof typeof ports) =>
    until(async () => (await answer(ports[name])) !== "", { deadlineMs: 20_000, what: `${name} serves` });

  const deploy = (release: string) => writeFile(join(fleet.host("host-1").dir, "release"), release);

  async function answer(port: number): Promise<string> {
    return fetch(`http://127.0.0.1:${port}/`).then(
      (response) => response.text(),
      () => "",
    );
  }

  const planOf = (program: keyof typeof ports, keys: Record<string, unknown> = {}) =>
    writePlan(
      fleet,
      {
        programs: program,
        checks: [{ http: `http://127.0.0.1:${ports[program]}/` }],
        timings: { ...quickTimings, min_healthy_time: "1500ms" },
        ...keys,
      },
      `plan-${program}`,
    );

  function only<Type extends RecordedEvent["type"]>(events: readonly RecordedEvent[], type: Type): Of<Type>[] {
    return events.filter((event): event is Of<Type> => event.type === type);
  }

  /** An operator ends what is left, as the remedy says. */
  async function endLeftovers(events: readonly RecordedEvent[]): Promise<void> {
    const pids = only(events, "instance.leftovers").flatMap(({ processes }) => processes.map(({ pid }) => pid));
    assert.ok(pids.length > 0, "nothing was left");
    for (const pid of pids) process.kill(pid);
    await until(() => !pids.some(isRunning), { deadlineMs: 10_000, what: "what was left has ended" });
  }

  it("fails the instance, names the processes, and is not passed by a check that the old one answers", async () => {
    await deploy("2");
    const ended = await orchestrate(await planOf("plain"), "--output", "json");
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    const events = eventsOf(ended);
    assert.equal(await answer(ports.plain), "1", "the old code does not answer");
    const [left] = only(events, "instance.leftovers");
    assert.deepEqual([left?.host, left?.program, left?.instance], ["host-1", "plain", "plain"]);
    assert.equal(left?.processes.length, 1);
    const { pid, command } = left.processes[0] ?? { pid: 0, command: "" };
    assert.match(command, /python3 \S*server\.py \d+ /);
    const [failed] = only(events, "instance.failed");
    assert.equal(failed?.code, "leftovers");
    assert.ok(failed.reason.includes(`pid ${pid} (${command})`), failed.reason);
    const report = await orchestrate("report", events[0]?.rollout ?? "");
    assert.match(report.stdout, new RegExp(`pid ${pid}: .*python3`));
    assert.match(report.stdout, /stopasgroup=true/);
  });

  it("a resume restarts it again, and fails it for as long as what the first restart left is there", async () => {
    const plan = await planOf("plain");
    const first = only(
      eventsOf(await orchestrate(plan, "--dry-run", "--resume", "--output", "json")),
      "rollout.planned",
    );
    const planned = first[0]?.waves[0]?.batches[0]?.hosts[0]?.batches[0]?.instances[0];
    assert.deepEqual([planned?.action, planned?.failed_as], ["restart", "leftovers"]);
    const resumed = await orchestrate(plan, "--resume", "--output", "json");
    assert.equal(resumed.code, 1, resumed.stdout + resumed.stderr);
    assert.equal(await answer(ports.plain), "1", "the code of before the first restart does not answer");
    // It has left one behind as well by now, which waits for the port.
    assert.equal(only(eventsOf(resumed), "instance.leftovers")[0]?.processes.length, 2);
    assert.equal(only(eventsOf(resumed), "instance.failed")[0]?.code, "leftovers");
    await endLeftovers(eventsOf(resumed));
  });

  itInFull("after kill -9 in the middle, a resume finds what the restart of the killed one left behind", async () => {
    await serves("plain");
    const plan = await planOf("plain", { timings: { ...quickTimings, min_healthy_time: "30s" } });
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(() => /"instance.observed".*"RUNNING"/.test(running.stdout()), { deadlineMs: 60_000 });
    running.child.kill("SIGKILL");
    await running.ended;
    await planOf("plain");
    const resumed = await orchestrate(plan, "--resume", "--wait-for-lock", "1m", "--output", "json");
    assert.equal(resumed.code, 1, resumed.stdout + resumed.stderr);
    assert.equal(only(eventsOf(resumed), "instance.restarting").length, 0);
    assert.equal(only(eventsOf(resumed), "instance.failed")[0]?.code, "leftovers");
    await endLeftovers(eventsOf(resumed));
  });

  it("with `warn` the instance is healthy, and what is left is reported", async () => {
    await serves("plain");
    const ended = await orchestrate(await planOf("plain", { leftovers: "warn" }), "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const events = eventsOf(ended);
    assert.equal(only(events, "instance.healthy").length, 1);
    assert.equal(only(events, "instance.leftovers")[0]?.processes.length, 1);
    const report = await orchestrate("report", events[0]?.rollout ?? "");
    assert.match(report.stdout, /^left behind by old instances\n {2}host-1 plain\n {4}pid \d+: .*python3/m);
    await endLeftovers(events);
  });

  itInFull("with `ignore`, on the host that says so, nobody looks", async () => {
    await serves("plain");
    const hosts = { "host-1": { ...fleet.planHosts()["host-1"], leftovers: "ignore" } };
    const ended = await orchestrate(await planOf("plain", { hosts }), "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual(only(eventsOf(ended), "instance.leftovers"), []);
  });

  it("names what is left also where the new process ended before anybody could look, since that may be why", async () => {
    await fleet.host("host-1").start("rival");
    await until(() => existsSync(join(fleet.host("host-1").dir, "release.taken")), { deadlineMs: 10_000 });
    const plan = await writePlan(
      fleet,
      { programs: "rival", timings: { ...quickTimings, min_healthy_time: "5s" } },
      "plan-rival",
    );
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    const events = eventsOf(ended);
    const [failed] = only(events, "instance.failed");
    assert.equal(failed?.code, "exited");
    assert.match(failed.reason, /pid \d+ \(sleep 3600\) of its old process group was still running/);
    assert.match(
      only(events, "rollout.halted")[0]?.reason ?? "",
      /pid \d+ \(sleep 3600\) of its old process group was still running/,
    );
    await endLeftovers(events);
  });

  itInFull("none is left with stopasgroup, and none that ends within min_healthy_time counts", async () => {
    for (const program of ["whole", "brief"] as const) {
      await deploy("3");
      const plan = await planOf(program, { timings: { ...quickTimings, min_healthy_time: "4s" } });
      const ended = await orchestrate(plan, "--output", "json");
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      assert.deepEqual(only(eventsOf(ended), "instance.leftovers"), []);
      assert.equal(await answer(ports[program]), "3");
    }
  });

  itInFull("says once in the preview where they cannot be seen, and does not fail for it", async () => {
    // A container counts pids of its own: what supervisorctl tells of is not what the login's process table has.
    const command = join(fleet.dir, "supervisorctl-in-a-container");
    const script = `#!/bin/sh\nsupervisorctl "$@" | sed 's/ pid \\([0-9]*\\),/ pid 99\\1,/'\n`;
    await writeFile(command, script, { mode: 0o755 });
    const { "host-1": host } = fleet.planHosts();
    const supervisor = { ...host?.supervisor, command };
    const plan = await planOf("brief", { hosts: { "host-1": { ...host, supervisor } } });
    const preview = await orchestrate(plan, "--dry-run");
    assert.equal(preview.stdout.match(/cannot be seen/g)?.length, 1, preview.stdout);
    assert.match(preview.stdout, /host-1: processes that outlive a restart cannot be seen/);
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const quiet = await orchestrate(await planOf("brief"), "--dry-run");
    assert.doesNotMatch(quiet.stdout, /cannot be seen/);
  });
});
