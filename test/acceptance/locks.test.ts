import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as rest } from "node:timers/promises";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import { eventsOf, orchestrate, restartedIn, startOrchestrate, writePlan, type Running } from "./orchestrate.ts";
import { FULL, itInFull } from "../amount.ts";

describeEachWay("two operators at once", (reachedBy) => {
  let fleet: Fleet;
  beforeEach(
    async () =>
      void (fleet = await raiseFleet({
        hosts: 2,
        groups: [
          { name: "web", processes: 2, stopwaitsecs: 600 },
          { name: "jobs", processes: 1 },
        ],
        reachedBy,
      })),
  );
  afterEach(() => fleet.down());

  /** The first operator, in the middle of the restart of an instance that stops when it is let. */
  async function first(): Promise<Running> {
    const host = fleet.host("host-1");
    await host.restartAs("web:web_00", { kind: "held_stop" });
    await host.behave("web:web_00", { kind: "healthy" });
    const plan = await writePlan(fleet, {}, "first");
    const running = startOrchestrate([plan, "--output", "json", "--reason", "deploy 42"], { env: { USER: "alice" } });
    await until(async () => (await host.process("web:web_00")).state === "STOPPING", { deadlineMs: 60_000 });
    return running;
  }
  const letStop = () => fleet.host("host-1").letStop("web:web_00");

  it("the second is refused with the name and the reason of the first, changes nothing, and a dry run tells the same", async () => {
    const running = await first();
    const plan = await writePlan(fleet, { hosts: { "host-1": fleet.planHosts()["host-1"] } }, "second");
    const refused = await orchestrate(plan, "--output", "json");
    assert.equal(refused.code, 3, refused.stdout);
    assert.match(refused.stderr, /host-1.*web has been locked by \S+@\S+ since \S+Z \(rollout \S+\): deploy 42/);
    assert.match(refused.stderr, /--wait-for-lock/);
    const told = await orchestrate(plan, "--dry-run");
    assert.equal(told.code, 0);
    assert.match(told.stdout, /a run would be refused: web has been locked by .*deploy 42/);
    await letStop();
    const ended = await running.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(restartedIn(eventsOf(refused)), []);
  });

  itInFull("one who waits with --wait-for-lock says for whom, and goes on when the first has finished", async () => {
    const running = await first();
    const plan = await writePlan(fleet, {}, "second");
    const waiting = startOrchestrate([plan, "--output", "json", "--wait-for-lock", "1m"]);
    await until(() => waiting.stdout().includes("lock.waiting"), { deadlineMs: 60_000 });
    await letStop();
    const second = await waiting.ended;
    assert.equal(second.code, 0, second.stdout + second.stderr);
    assert.ok(eventsOf(second).some((event) => event.type === "lock.waiting" && event.reason.includes("deploy 42")));
    const firstEnd = eventsOf(await running.ended).at(-1);
    const secondRestart = eventsOf(second).find(({ type }) => type === "instance.restarting");
    assert.ok(firstEnd && secondRestart && secondRestart.at >= firstEnd.at);
  });

  itInFull("one who waits in vain is refused when the time is up; Ctrl-C ends the wait with exit 4", async () => {
    const running = await first();
    const plan = await writePlan(fleet, {}, "second");
    assert.equal((await orchestrate(plan, "--wait-for-lock", "500ms")).code, 3);
    const waiting = startOrchestrate([plan, "--output", "json", "--wait-for-lock", "1m"]);
    await until(() => waiting.stdout().includes("lock.waiting"), { deadlineMs: 60_000 });
    waiting.child.kill("SIGINT");
    assert.equal((await waiting.ended).code, 4);
    await letStop();
    await running.ended;
  });

  itInFull("with programs of their own do not stand in each other's way", async () => {
    const running = await first();
    const plan = await writePlan(fleet, { programs: "jobs" }, "second");
    const second = await orchestrate(plan, "--output", "json");
    assert.equal(second.code, 0, second.stderr);
    await letStop();
    assert.equal((await running.ended).code, 0);
  });

  it("after kill -9 of the first the second goes ahead as soon as the first's restart on that host has ended, not before", async () => {
    const running = await first();
    running.child.kill("SIGKILL");
    await once(running.child, "close");
    const plan = await writePlan(fleet, {}, "second");
    const refused = await orchestrate(plan, "--output", "json");
    assert.equal(refused.code, 3, refused.stdout);
    await letStop();
    const second = await orchestrate(plan, "--output", "json", "--wait-for-lock", "1m");
    assert.equal(second.code, 0, second.stdout + second.stderr);
    const log = await fleet.host("host-1").supervisordLog();
    // By the test, by the first, and by the second: one after the other.
    assert.equal(log.match(/stopped: web_00 /g)?.length, 3);
    assert.equal(log.match(/spawned: 'web_00'/g)?.length, 4);
  });

  it("two names of a plan that lead to one supervisord are refused before the first change", async () => {
    const host = fleet.planHosts()["host-1"];
    const config = host?.supervisor.config.replace("/supervisord.conf", "/./supervisord.conf");
    const plan = await writePlan(fleet, { hosts: { "host-1": host, alias: { ...host, supervisor: { config } } } });
    const refused = await orchestrate(plan, "--output", "json");
    assert.equal(refused.code, 3, refused.stdout);
    assert.match(refused.stderr, /host-1: .*under another name: alias/);
  });

  if (reachedBy === "ssh")
    it("a first that pauses is halted at once when the second has its lock, after a connection that was lost", async () => {
      const rollout = [{ group: "canary", pause: "1h" }, { group: "rest" }];
      const groups = { canary: { hosts: "host-1" }, rest: { hosts: "host-2" } };
      const running = startOrchestrate([await writePlan(fleet, { groups, rollout }, "first"), "--output", "json"]);
      await until(() => running.stdout().includes("rollout.paused"), { deadlineMs: 30_000 });
      const [host] = fleet.hosts;
      assert.ok(host);
      await host.kill("sshd");
      // By another way onto that host. It restarts nothing for now, so that nothing of what the first has restarted regresses.
      const go = join(fleet.dir, "go");
      const { supervisor } = fleet.planHosts()["host-1"] ?? assert.fail();
      const plan = await writePlan(
        fleet,
        {
          hosts: { "host-1": { connection: "local", supervisor } },
          hooks: { before_rollout: `while [ ! -e ${go} ]; do sleep 0.1; done` },
        },
        "second",
      );
      const second = startOrchestrate([plan, "--output", "json", "--wait-for-lock", "1m"]);
      await until(() => second.stdout().includes("hook.started"), { deadlineMs: 30_000 });
      await host.revive("sshd");
      const ended = await running.ended;
      assert.equal(ended.code, 1, ended.stdout + ended.stderr);
      const halted = eventsOf(ended).find((event) => event.type === "rollout.halted");
      assert.equal(halted?.code, "lock_lost");
      assert.match(halted.reason, /took the lock on host-1/);
      await writeFile(go, "");
      assert.equal((await second.ended).code, 0);
    });

  itInFull("without a lock, as the plan may say, nobody is refused", async () => {
    const running = await first();
    // So that it does nothing to what the second restarts: that is what locks are for.
    running.child.kill("SIGSTOP");
    const plan = await writePlan(fleet, { lock: { mode: "off" }, programs: "web:web_01" }, "second");
    const second = await orchestrate(plan, "--output", "json");
    running.child.kill("SIGKILL");
    await running.ended;
    assert.equal(second.code, 0, second.stdout + second.stderr);
  });

  it("a folder that is not there is a refusal with its remedy", async () => {
    const plan = await writePlan(fleet, { lock: { directory: "/no/such/folder" } });
    const refused = await orchestrate(plan);
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /no lock file can be made or opened in \/no\/such\/folder/);
    assert.match(refused.stderr, /lock\.directory/);
  });

  if (FULL)
    it("a first that is stopped for two minutes lets go, and when it is woken it changes nothing", async () => {
      const running = await first();
      running.child.kill("SIGSTOP");
      await letStop();
      const stoppedAtMs = performance.now();
      const plan = await writePlan(fleet, {}, "second");
      const second = await orchestrate(plan, "--output", "json", "--wait-for-lock", "2m");
      assert.equal(second.code, 0, second.stdout + second.stderr);
      const before = await Promise.all(fleet.hosts.map((host) => host.processes()));
      await rest(120_000 - (performance.now() - stoppedAtMs));
      running.child.kill("SIGCONT");
      const ended = await running.ended;
      assert.equal(ended.code, 1, ended.stdout + ended.stderr);
      assert.ok(eventsOf(ended).some((event) => event.type === "rollout.halted" && event.code === "lock_lost"));
      const after = await Promise.all(fleet.hosts.map((host) => host.processes()));
      assert.deepEqual(
        after.flat().map(({ pid }) => pid),
        before.flat().map(({ pid }) => pid),
      );
    }).timeout(300_000);
});
