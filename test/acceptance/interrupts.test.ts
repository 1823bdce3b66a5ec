import assert from "node:assert/strict";
import { itInFull, sampled } from "../amount.ts";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import {
  BUNDLE,
  Gate,
  eventsOf,
  quickTimings,
  orchestrate,
  restartedIn,
  startOrchestrate,
  writePlan,
} from "./orchestrate.ts";
import { Terminal } from "../views/terminal.ts";

describeEachWay("what may happen to the controller in the middle of a rollout", (reachedBy) => {
  let fleet: Fleet;
  beforeEach(
    async () =>
      void (fleet = await raiseFleet({
        hosts: 2,
        groups: [{ name: "web", processes: 2, stopwaitsecs: 600 }],
        reachedBy,
      })),
  );
  afterEach(() => fleet.down());

  for (const signal of sampled(["SIGTERM", "SIGHUP"] as const))
    it(`${signal} is like a first Ctrl-C: what is under way is proven healthy, nothing further begins, exit 4`, async () => {
      const gate = new Gate(fleet.dir);
      const plan = await writePlan(fleet, { checks: gate.checks });
      const running = startOrchestrate([plan, "--output", "json"]);
      await until(() => running.stdout().includes('"instance.restarting"'), { deadlineMs: 60_000 });
      running.child.kill(signal);
      await until(() => running.stdout().includes('"rollout.interrupted"'), { deadlineMs: 60_000 });
      await gate.open();
      const ended = await running.ended;
      assert.equal(ended.code, 4, ended.stdout + ended.stderr);
      assert.deepEqual(restartedIn(eventsOf(ended)), ["host-1 web:web_00"]);
      assert.ok(eventsOf(ended).some(({ type }) => type === "instance.healthy"));
    });

  it("a Ctrl-C before the first restart ends with exit 4 where a supervisord on this very machine does not answer", async () => {
    const asked = join(fleet.dir, "asked");
    const command = join(fleet.dir, "hangs");
    await writeFile(command, `#!/bin/sh\necho "$@" >> ${asked}\nwhile [ -e ${asked} ]; do sleep 0.2; done\n`, {
      mode: 0o755,
    });
    const here = { connection: "local", supervisor: { command } };
    const timings = { ...quickTimings, command_timeout: "10m" };
    for (const way of [["--output", "json"], ["--dry-run"]]) {
      await writeFile(asked, "");
      const running = startOrchestrate([await writePlan(fleet, { hosts: { here }, timings }), ...way]);
      await until(async () => (await readFile(asked, "utf8")).includes("status"), { deadlineMs: 60_000 });
      running.child.kill("SIGINT");
      const ended = await running.ended;
      assert.equal(ended.code, 4, ended.stdout + ended.stderr);
      assert.match(ended.stderr, /nothing was changed/);
    }
  });

  itInFull("a second Ctrl-C leaves at once, and a hook of the rollout that runs here goes on by itself", async () => {
    const gate = new Gate(fleet.dir);
    const ended = join(fleet.dir, "hook-ended");
    const plan = await writePlan(fleet, { hooks: { before_rollout: `${gate.waiting}; touch ${ended}` } });
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(() => running.stdout().includes('"hook.started"'), { deadlineMs: 60_000 });
    running.child.kill("SIGINT");
    await until(() => running.stdout().includes('"rollout.interrupted"'), { deadlineMs: 60_000 });
    running.child.kill("SIGINT");
    assert.equal((await running.ended).code, 4);
    await gate.open();
    // One that was waited for until its time was up would have been killed.
    await until(() => existsSync(ended), { deadlineMs: 60_000, what: "the hook has ended by itself" });
  });

  it("a second Ctrl-C leaves at once where the restart under way is on this very machine, and that goes on by itself", async () => {
    const host = fleet.host("host-1");
    await host.restartAs("web:web_00", { kind: "held_stop" });
    const here = { connection: "local", supervisor: { config: host.supervisorConfig } };
    // Some machines have this for everybody: then it writes, to nobody, between its stop and its start.
    const env = { PYTHONUNBUFFERED: "1" };
    const running = startOrchestrate([await writePlan(fleet, { hosts: { here } }), "--output", "json"], { env });
    await until(async () => (await host.process("web:web_00")).state === "STOPPING", { deadlineMs: 60_000 });
    running.child.kill("SIGINT");
    await until(() => running.stdout().includes('"rollout.interrupted"'), { deadlineMs: 60_000 });
    running.child.kill("SIGINT");
    assert.equal((await running.ended).code, 4);
    await host.letStop("web:web_00");
    await until(async () => (await host.process("web:web_00")).state === "RUNNING", { deadlineMs: 60_000 });
  });

  itInFull("a second Ctrl-C leaves at once while a check from here is not answered", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const checks = [{ http: `http://127.0.0.1:${port}/`, from: "controller", timeout: "10m" }];
    const timings = { ...quickTimings, healthy_deadline: "10m" };
    const asked = once(server, "connection");
    const running = startOrchestrate([await writePlan(fleet, { checks, timings }), "--output", "json"]);
    await asked;
    running.child.kill("SIGINT");
    await until(() => running.stdout().includes('"rollout.interrupted"'), { deadlineMs: 60_000 });
    running.child.kill("SIGINT");
    assert.equal((await running.ended).code, 4);
    server.close();
  });

  itInFull(
    "a closed terminal is like a first Ctrl-C: the instance under way is finished, and --resume goes on",
    async () => {
      const gate = new Gate(fleet.dir);
      const plan = await writePlan(fleet, { checks: gate.checks });
      const terminal = await Terminal.run(
        `'${process.execPath}' '${BUNDLE}' '${plan}' --state-dir '${fleet.dir}/state'`,
        { columns: 100, rows: 30 },
        { SSH_AUTH_SOCK: "" },
      );
      await terminal.shows(/1 to go|web_00/);
      await until(async () => (await fleet.host("host-1").supervisordLog()).includes("stopped: web_00"), {
        deadlineMs: 60_000,
      });
      await terminal.close();
      await gate.open();
      const state = ["--state-dir", `${fleet.dir}/state`];
      await until(async () => (await orchestrate("history", ...state)).stdout.includes("interrupted"), {
        deadlineMs: 60_000,
      });
      // It is written down before the locks are let go.
      const resumed = await orchestrate(plan, "--output", "json", "--resume", "--wait-for-lock", "1m", ...state);
      assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
      assert.deepEqual(restartedIn(eventsOf(resumed)), ["host-1 web:web_01", "host-2 web:web_00", "host-2 web:web_01"]);
    },
  );

  if (reachedBy === "ssh")
    it("the loss of its network is waited out: it connects and locks again, looks, and goes on", async () => {
      const host = fleet.host("host-1");
      await host.restartAs("web:web_00", { kind: "held_stop" });
      const plan = await writePlan(fleet, { timings: { ...quickTimings, command_timeout: "30s" } });
      const running = startOrchestrate([plan, "--output", "json"]);
      await until(async () => (await host.process("web:web_00")).state === "STOPPING", { deadlineMs: 60_000 });
      for (const each of fleet.hosts) await each.kill("sshd");
      await until(() => running.stdout().includes('"instance.indeterminate"'), { deadlineMs: 60_000 });
      await host.letStop("web:web_00");
      for (const each of fleet.hosts) await each.revive("sshd");
      const ended = await running.ended;
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      for (const each of fleet.hosts) {
        const log = await each.supervisordLog();
        for (const process of ["web_00", "web_01"]) {
          const byTheTest = each === host && process === "web_00" ? 1 : 0;
          assert.equal(log.match(new RegExp(`stopped: ${process} `, "g"))?.length, 1 + byTheTest);
        }
      }
    });
});
