import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FULL, itInFull } from "../amount.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import { eventsOf, orchestrate, quickTimings, startOrchestrate, writePlan } from "./orchestrate.ts";

describeEachWay("what counts as healthy, on a host whose clock can be set", (reachedBy) => {
  let fleet: Fleet;
  const groups = [{ name: "web", processes: 1 }];
  before(async () => void (fleet = await raiseFleet({ hosts: 1, groups, ownClock: true, reachedBy })));
  after(() => fleet.down());

  it("RUNNING on pid 0 is not a process: it is warned of, and never healthy", async () => {
    const command = join(fleet.dir, "supervisorctl");
    const { supervisor, ...host } = fleet.planHosts()["host-1"]!;
    await writeFile(command, `#!/bin/sh\nsupervisorctl "$@" | sed 's/pid [0-9]*/pid 0/'\n`, { mode: 0o755 });
    const plan = await writePlan(fleet, { hosts: { "host-1": { ...host, supervisor: { ...supervisor, command } } } });
    const preview = await orchestrate(plan, "--dry-run");
    assert.match(preview.stdout, /host-1 web:web_00: it is RUNNING on pid 0, which is not a process/);
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    const failed = eventsOf(ended).flatMap((event) => (event.type === "instance.failed" ? [event] : []));
    assert.deepEqual(
      failed.map(({ code, reason }) => [code, reason]),
      [["unknown_state", "it is RUNNING on pid 0, which is not a process"]],
    );
  });

  itInFull("--started-before is not misled by a clock that was set back since the start", async () => {
    const host = fleet.host("host-1");
    await host.setClock(0);
    const plan = await writePlan(fleet);
    const isOldEnough = async () => (({ start, now }) => now - start >= 4)(await host.process("web:web_00"));
    await until(isOldEnough, { deadlineMs: 20_000, what: "it has been up for 4 s" });
    await host.setClock(-3600);
    const old = await orchestrate(plan, "--dry-run", "--started-before", "2s");
    assert.match(old.stdout, /^plan: 1 instance on 1 host would be restarted/);
    const status = await orchestrate("status", plan, "--started-before", "2s", "--output", "json");
    const { hosts } = JSON.parse(status.stdout) as { hosts: { instances: { uptime_s: number }[] }[] };
    assert.ok((hosts[0]?.instances[0]?.uptime_s ?? 0) >= 4, status.stdout);
    const young = await orchestrate(plan, "--dry-run", "--started-before", "1h");
    assert.match(young.stdout, /nothing to do: 1 instance skipped/);
  });

  const steps = [
    ["by a little", -2],
    ["by an hour", -3600],
  ] as const;
  for (const [what, seconds] of FULL ? steps : steps.slice(0, 1))
    it(`a clock that is set back ${what} while an instance is proven does not fail it`, async () => {
      const host = fleet.host("host-1");
      await host.setClock(0);
      const plan = await writePlan(fleet, { timings: { ...quickTimings, min_healthy_time: "8s" } });
      const running = startOrchestrate([plan, "--output", "json"]);
      const isProven = async () => {
        const { start, now } = await host.process("web:web_00");
        return running.stdout().includes(`"state":"RUNNING"`) && now - start >= 4;
      };
      await until(isProven, { deadlineMs: 60_000, what: "the new process has been up for 4 s" });
      await host.setClock(seconds);
      const ended = await running.ended;
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      assert.deepEqual(
        eventsOf(ended).flatMap((event) => (event.type === "instance.healthy" ? [event.instance] : [])),
        ["web:web_00"],
      );
    });
});
