import { itInFull } from "../amount.ts";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { describeEachWay } from "./each-way.ts";
import { processOf } from "../../src/domain/ids.ts";
import { eventsOf, orchestrate, quickTimings, writePlan } from "./orchestrate.ts";

describeEachWay("checks on a real host", (reachedBy) => {
  let fleet: Fleet;
  before(async () => void (fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 1 }], reachedBy })));
  after(() => fleet.down());

  async function healthyEvent(keys: Record<string, unknown>) {
    const ended = await orchestrate(await writePlan(fleet, keys), "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const healthy = eventsOf(ended).find((event) => event.type === "instance.healthy");
    return healthy ?? assert.fail(ended.stdout);
  }

  itInFull(
    "with passes: what serves for a moment and then not is healthy only once it has served as often in a row",
    async () => {
      // The age of the process that was started, in whole seconds: it serves up to 3, and from 9 on.
      const serves = "age=$(ps -o etimes= -p {pid}); test $age -lt 3 || test $age -ge 9";
      const { seconds } = await healthyEvent({ checks: [{ command: serves, passes: 6 }] });
      assert.ok(seconds >= 9, `healthy after ${seconds} s`);
    },
  );

  it("that can never pass for the process that was started fail it at once, not at healthy_deadline", async () => {
    // What stands for a pid in the preview makes a port of it; two pids in a row make none.
    const checks = [{ tcp: "127.0.0.1:{pid}{pid}" }];
    const timings = { healthy_deadline: "1h", between_checks: "30m" };
    const { code, stdout, stderr } = await orchestrate(await writePlan(fleet, { checks, timings }), "--output", "json");
    assert.equal(code, 1, stdout + stderr);
    const failed = eventsOf({ stdout }).find((event) => event.type === "instance.failed") ?? assert.fail(stdout);
    assert.equal(failed.code, "check_failed");
    assert.match(
      failed.reason,
      /^with its placeholders filled in, it is not an address with a port: this check can never pass: tcp 127\.0\.0\.1:\d+$/,
    );
  });

  it("are named with the reason and all placeholders filled in while they fail, and the reason comes first in the end", async () => {
    const checks = [{ command: "echo not yet on {host} for {process}; test {pid} -lt 0" }];
    const timings = { ...quickTimings, healthy_deadline: "2s" };
    const plan = await writePlan(fleet, { checks, timings });
    const { code, stdout, stderr } = await orchestrate(plan, "--output", "json");
    assert.equal(code, 1, stdout + stderr);
    const events = eventsOf({ stdout });
    const failing = events.find((event) => event.type === "check.failing") ?? assert.fail(stdout);
    const running = events.find((event) => event.type === "instance.observed" && event.state === "RUNNING");
    const { pid } = running?.type === "instance.observed" ? running : assert.fail(stdout);
    const asked = `echo not yet on ${failing.host} for ${processOf(failing.instance)}; test ${pid} -lt 0`;
    const said = `exit code 1: not yet on ${failing.host} for ${processOf(failing.instance)}`;
    assert.deepEqual([failing.check, failing.reason, failing.tries], [asked, said, 1]);
    const failed = events.find((event) => event.type === "instance.failed") ?? assert.fail(stdout);
    assert.equal(failed.reason, `${said}, still so at healthy_deadline (2s): ${asked}`);
    const plain = await orchestrate(plan, "--output", "plain");
    assert.match(
      plain.stdout,
      / a check fails: exit code 1: not yet on \S+ for web_00 \(try 1\): echo not yet on \S+ for web_00; test \d+ -lt 0/,
    );
  });

  it("are asked before anything is taken down: by a dry run and by status with --checks, and by each run", async () => {
    const asked = join(fleet.dir, "asked");
    const checks = [{ command: `echo {process} >> ${asked}; echo not now; exit 1` }, { command: "true" }];
    const plan = await writePlan(fleet, { checks, timings: { ...quickTimings, healthy_deadline: "2s" } });
    const times = async () => (await readFile(asked, "utf8").catch(() => "")).split("\n").length - 1;
    const warning = /does not pass even before the restart: exit code 1: not now/;
    const without = await orchestrate(plan, "--dry-run");
    assert.doesNotMatch(without.stdout, warning);
    assert.equal(await times(), 0);
    const dry = await orchestrate(plan, "--dry-run", "--checks");
    assert.equal(dry.code, 0, dry.stdout + dry.stderr);
    assert.match(dry.stdout, warning);
    assert.match(dry.stdout, /^1 of 2 checks pass now$/m);
    assert.equal(await times(), 1);
    const seen = await orchestrate("status", plan, "--checks");
    assert.equal(seen.code, 1, seen.stdout + seen.stderr);
    assert.match(seen.stdout, /^1 of 2 checks pass\n {2}host-1 web:web_00: exit code 1: not now: echo web_00 >> /m);
    assert.equal(await times(), 2);
    const json = JSON.parse((await orchestrate("status", plan, "--checks", "--output", "json")).stdout) as {
      checks: { passes: boolean }[];
    };
    assert.deepEqual(
      json.checks.map(({ passes }) => passes),
      [false, true],
    );
    const ran = await orchestrate(plan, "--output", "json");
    const planned = eventsOf(ran).find((event) => event.type === "rollout.planned") ?? assert.fail(ran.stdout);
    assert.ok(
      planned.warnings.some(({ message }) => warning.test(message)),
      ran.stdout,
    );
    // It is a warning: the rollout goes on to find out.
    assert.ok(eventsOf(ran).some((event) => event.type === "instance.restarting"));
  });

  it("and hooks name the process that was started, and the one that it has replaced", async () => {
    const said = (file: string) => readFile(join(fleet.dir, file), "utf8");
    const { pid, previous_pid } = await healthyEvent({
      hooks: {
        before_restart: `echo {pid} "$ORCHESTRATE_PID" > ${fleet.dir}/before`,
        after_healthy: `echo {pid} {old_pid} "$ORCHESTRATE_OLD_PID" > ${fleet.dir}/after`,
      },
      checks: [{ command: `echo {pid} {old_pid} > ${fleet.dir}/checked` }],
      timings: quickTimings,
    });
    assert.notEqual(pid, previous_pid);
    assert.equal(await said("before"), `${previous_pid} ${previous_pid}\n`);
    assert.equal(await said("checked"), `${pid} ${previous_pid}\n`);
    assert.equal(await said("after"), `${pid} ${previous_pid} ${previous_pid}\n`);
  });
});
