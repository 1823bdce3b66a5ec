import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as rest } from "node:timers/promises";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import {
  BUNDLE,
  Gate,
  eventsOf,
  orchestrate,
  quickTimings,
  restartedIn,
  startOrchestrate,
  writePlan,
  type Ended,
} from "./orchestrate.ts";
import { FULL, itInFull } from "../amount.ts";
import { ownStateDir } from "../own-state-dir.ts";

/** How often supervisord says that it stopped each of a host's instances. */
async function stopsOf(fleet: Fleet): Promise<Record<string, number>> {
  const stops: Record<string, number> = {};
  for (const host of fleet.hosts) {
    const log = await host.supervisordLog();
    for (const { instance } of await host.processes()) {
      const process = instance.slice(instance.indexOf(":") + 1);
      stops[`${host.name} ${instance}`] = log.match(new RegExp(`(stopped|exited): ${process} `, "g"))?.length ?? 0;
    }
  }
  return stops;
}

describeEachWay("a rollout that was cut off", (reachedBy) => {
  const [hosts, processes, kills] = FULL ? [5, 4, 10] : [2, 3, 2];

  it(`after kill -9 at ${kills} random moments, each followed by --resume, has restarted every instance exactly once`, async () => {
    const fleet = await raiseFleet({ hosts, groups: [{ name: "web", processes }], reachedBy });
    try {
      const plan = await writePlan(fleet, { batches: { hosts: 2, instances: 2 } });
      const moments: string[] = [];
      for (let kill = 0; kill < kills; kill++) {
        const events = 2 + Math.floor(Math.random() * 8);
        const delayMs = Math.floor(Math.random() * 600);
        moments.push(`${events} events after the start + ${delayMs} ms`);
        const running = startOrchestrate([plan, "--output", "json", ...resumeArguments(kill)]);
        const begun = () => eventsAfterStart(running.stdout()) >= events || running.child.exitCode !== null;
        await until(begun, { deadlineMs: 60_000 });
        await rest(delayMs);
        running.child.kill("SIGKILL");
        await running.ended;
      }
      const last = await orchestrate(plan, "--output", "json", "--resume", "--wait-for-lock", "1m");
      const nothingLeft = last.code === 2 && last.stderr.includes("no unfinished rollout");
      assert.ok(last.code === 0 || nothingLeft, `${moments.join(", ")}\n${last.stdout}${last.stderr}`);
      for (const [instance, stops] of Object.entries(await stopsOf(fleet)))
        assert.equal(stops, 1, `${instance} was stopped ${stops} times, with kills at ${moments.join(", ")}`);
      for (const host of fleet.hosts) for (const { state } of await host.processes()) assert.equal(state, "RUNNING");
    } finally {
      await fleet.down();
    }
  });

  /** The first is a new rollout, unless it was killed before it had a journal. */
  function resumeArguments(kill: number): string[] {
    return kill === 0 ? [] : ["--resume", "--wait-for-lock", "1m"];
  }
});

/** Runs a command that calls orchestrate, as somebody who has copied it. */
async function inShell(command: string): Promise<Ended> {
  const script = `orchestrate() { '${process.execPath}' '${BUNDLE}' "$@"; }; ${command}`;
  const env = { ...process.env, ORCHESTRATE_STATE_DIR: ownStateDir() };
  const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "pipe"], env });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** The first command that a report names. */
function commandIn(report: string): string {
  return /^ {4}(orchestrate .*)$/m.exec(report)?.[1] ?? assert.fail(report);
}

function eventsAfterStart(stdout: string): number {
  const lines = stdout.split("\n");
  const started = lines.findIndex((line) => line.includes('"rollout.started"'));
  return started === -1 ? -1 : lines.length - started;
}

describeEachWay("--resume", (reachedBy) => {
  let fleet: Fleet;
  beforeEach(
    async () => void (fleet = await raiseFleet({ hosts: 2, groups: [{ name: "web", processes: 2 }], reachedBy })),
  );
  afterEach(() => fleet.down());

  async function haltedRollout(keys: Record<string, unknown> = {}): Promise<{ plan: string; ended: Ended }> {
    await fleet.host("host-1").behave("web:web_01", { kind: "file_gone" });
    const plan = await writePlan(fleet, keys);
    const ended = await orchestrate(plan, "--output", "json", "--reason", "deploy 42");
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    await fleet.host("host-1").behave("web:web_01", { kind: "healthy" });
    return { plan, ended };
  }

  it("goes on after a halt: what is healthy is left alone, what failed is brought up, the rest follows", async () => {
    const { plan, ended } = await haltedRollout();
    const report = await orchestrate("report", eventsOf(ended)[0]?.rollout ?? "");
    assert.match(report.stdout, /orchestrate \S+plan\.yaml --resume/);
    const told = await orchestrate(plan, "--dry-run", "--resume");
    assert.equal(told.code, 0, told.stderr);
    const resumed = await orchestrate(plan, "--output", "json", "--resume");
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    assert.deepEqual(restartedIn(eventsOf(resumed)), ["host-1 web:web_01", "host-2 web:web_00", "host-2 web:web_01"]);
    const again = await orchestrate(plan, "--resume");
    assert.equal(again.code, 2);
    assert.match(again.stderr, /no unfinished rollout/);
  });

  itInFull("is offered, with both commands, when a plan is run that has an unfinished rollout", async () => {
    const { plan } = await haltedRollout();
    const running = startOrchestrate([plan, "--output", "plain"]);
    const ended = await running.ended;
    assert.match(ended.stderr, /is unfinished \(halted\)/);
    assert.match(ended.stderr, /--resume\n/);
    assert.match(ended.stderr, /--started-before \d{4}-/);
  });

  it("is what the report says, word for word, with the folder of the journal, and says it again when it is refused", async () => {
    await fleet.host("host-1").behave("web:web_01", { kind: "file_gone" });
    const plan = await writePlan(fleet);
    const halted = await orchestrate(plan, "--output", "plain", "--state-dir", join(fleet.dir, "our state"));
    const command = commandIn(halted.stdout);
    assert.match(command, /--resume \S+ --state-dir '.*our state'$/);
    await fleet.host("host-1").behave("web:web_01", { kind: "healthy" });
    const socket = join(fleet.host("host-2").dir, "s.sock");
    await rename(socket, `${socket}.away`);
    const refused = await inShell(command);
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    assert.equal(commandIn(refused.stderr), command);
    await rename(`${socket}.away`, socket);
    const resumed = await inShell(command);
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  });

  itInFull(
    "rolls out a fixed release: what failed its check is restarted again, and what was healthy is left alone",
    async () => {
      await fleet.host("host-1").behave("web:web_01", { kind: "slow_start", seconds: 3600 });
      const plan = await writePlan(fleet, {
        checks: [{ command: `test -e ${fleet.dir}/{host}/ready/{process}` }],
        timings: { ...quickTimings, healthy_deadline: "5s" },
      });
      const halted = await orchestrate(plan, "--output", "json");
      assert.equal(halted.code, 1, halted.stdout + halted.stderr);
      const failure = eventsOf(halted).find((event) => event.type === "instance.failed");
      assert.deepEqual([failure?.code, failure?.state], ["check_failed", "RUNNING"]);
      // Not fixed yet: it fails once more, and can be resumed once more.
      const again = await orchestrate(plan, "--output", "json", "--resume");
      assert.equal(again.code, 1, again.stdout + again.stderr);
      assert.deepEqual(restartedIn(eventsOf(again)), ["host-1 web:web_01"]);
      await fleet.host("host-1").behave("web:web_01", { kind: "healthy" });
      const preview = await orchestrate(plan, "--resume", "--dry-run");
      assert.match(
        preview.stdout,
        /3 instances on 2 hosts would be restarted \(1 of them again\); nothing was changed/,
      );
      assert.match(preview.stdout, /web:web_01 \(again, as it failed\)/);
      assert.match(preview.stdout, /1 instance is healthy and stays on the release that it was proven on/);
      const resumed = await orchestrate(plan, "--output", "json", "--resume");
      assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
      assert.deepEqual(restartedIn(eventsOf(resumed)), ["host-1 web:web_01", "host-2 web:web_00", "host-2 web:web_01"]);
    },
  );

  itInFull("leaves to the gate what an operator has started by hand meanwhile", async () => {
    const { plan } = await haltedRollout();
    await fleet.host("host-1").start("web:web_01");
    const resumed = await orchestrate(plan, "--output", "json", "--resume");
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    assert.deepEqual(restartedIn(eventsOf(resumed)), ["host-2 web:web_00", "host-2 web:web_01"]);
  });

  itInFull("takes new timings and fewer hosts, and refuses other programs, hosts and addresses by name", async () => {
    const { plan } = await haltedRollout();
    const hosts = fleet.planHosts();
    const host1 = hosts["host-1"];
    assert.ok(host1);
    for (const [keys, refusal] of [
      [{ programs: "web:web_00" }, /the programs of all were web and are web:web_00/],
      [{ hosts: { ...hosts, "host-9": { address: "127.9.9.9" } } }, /hosts were added: host-9/],
      [
        { hosts: { ...hosts, "host-1": { ...host1, address: "127.9.9.9" } } },
        /the address of host-1 was .* and is 127\.9\.9\.9/,
      ],
    ] as const) {
      await writePlan(fleet, keys);
      const refused = await orchestrate(plan, "--resume");
      assert.equal(refused.code, 2, refused.stdout);
      assert.match(refused.stderr, refusal);
    }
    await writePlan(fleet, { hosts: { "host-1": host1 }, timings: { ...quickTimings, min_healthy_time: "100ms" } });
    const resumed = await orchestrate(plan, "--output", "json", "--resume");
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    assert.deepEqual(restartedIn(eventsOf(resumed)), ["host-1 web:web_01"]);
  });

  itInFull("narrowed to a part ends incomplete, exit 1, and what it names finishes the rest", async () => {
    const { plan, ended } = await haltedRollout();
    const first = eventsOf(ended)[0]?.rollout ?? "";
    for (const narrowing of [
      ["--limit", "host-1"],
      ["--exclude", "host-2"],
    ]) {
      const preview = await orchestrate(plan, "--resume", "--dry-run", ...narrowing);
      assert.match(preview.stdout, /\nnot in this resume\n {2}untouched: host-2 web:web_\[00-01\]\n/);
    }
    const part = await orchestrate(plan, "--output", "plain", "--resume", "--limit", "host-1");
    assert.equal(part.code, 1, part.stdout + part.stderr);
    assert.match(part.stdout, /^incomplete: .*: 1 healthy, 0 failed, 1 skipped$/m);
    assert.match(part.stdout, /\nnot in this resume\n {2}untouched: host-2 web:web_\[00-01\]\n/);
    assert.match(part.stdout, /\nhow to continue\n {2}Resume the rest:\n {4}orchestrate \S+ --resume \S+\n/);
    const again = await orchestrate(plan, "--resume", first);
    assert.equal(again.code, 2);
    assert.match(
      again.stderr,
      new RegExp(`rollout ${first} was already resumed as \\S+\\. Resume that one: --resume `),
    );
    // Nothing is left to do there: the chain is still open.
    const nothing = await orchestrate(plan, "--output", "plain", "--resume", "--limit", "host-1");
    assert.equal(nothing.code, 1, nothing.stdout + nothing.stderr);
    const rest = await inShell(`${commandIn(nothing.stdout)} --output json`);
    assert.equal(rest.code, 0, rest.stdout + rest.stderr);
    assert.deepEqual(restartedIn(eventsOf(rest)), ["host-2 web:web_00", "host-2 web:web_01"]);
    const over = await orchestrate(plan, "--resume");
    assert.equal(over.code, 2);
    assert.match(over.stderr, /no unfinished rollout/);
  });

  itInFull("keeps to what its rollout was narrowed to", async () => {
    await fleet.host("host-1").behave("web:web_01", { kind: "file_gone" });
    const plan = await writePlan(fleet);
    assert.equal((await orchestrate(plan, "--limit", "host-1")).code, 1);
    await fleet.host("host-1").behave("web:web_01", { kind: "healthy" });
    const resumed = await orchestrate(plan, "--output", "json", "--resume");
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    assert.deepEqual(restartedIn(eventsOf(resumed)), ["host-1 web:web_01"]);
  });

  itInFull(
    "enables what was left drained by a controller that was killed between healthy and after_healthy",
    async () => {
      const gate = new Gate(fleet.dir);
      const hooks = { before_restart: "true", after_healthy: gate.waiting };
      const plan = await writePlan(fleet, { hooks, timings: { ...quickTimings, command_timeout: "1m" } });
      const running = startOrchestrate([plan, "--output", "json"]);
      await until(() => running.stdout().includes('"instance.healthy"'), { deadlineMs: 60_000 });
      running.child.kill("SIGKILL");
      await once(running.child, "close");
      await gate.open();
      const resumed = await orchestrate(plan, "--output", "json", "--resume", "--wait-for-lock", "1m");
      assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
      const enabled = eventsOf(resumed).flatMap((event) =>
        event.type === "hook.finished" && event.hook === "after_healthy" ? [event.instance] : [],
      );
      assert.equal(enabled.length, 4);
      assert.equal(restartedIn(eventsOf(resumed)).length, 3);
    },
  );
});
