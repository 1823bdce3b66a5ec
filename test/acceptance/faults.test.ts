import assert from "node:assert/strict";
import { itInFull } from "../amount.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { eventsOf, quickTimings, startOrchestrate, writePlan } from "./orchestrate.ts";

describe("what goes wrong on the way to the hosts in the middle of a rollout", () => {
  let fleet: Fleet;
  beforeEach(
    async () =>
      void (fleet = await raiseFleet({ hosts: 2, groups: [{ name: "web", processes: 2, stopwaitsecs: 600 }] })),
  );
  afterEach(() => fleet.down());

  async function startRollout(timings = {}) {
    const plan = await writePlan(fleet, { timings: { ...quickTimings, ...timings } });
    // Things are broken while the restart is under way: it is held in its stop.
    const host = fleet.host("host-1");
    await host.restartAs("web:web_00", { kind: "held_stop" });
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(async () => (await host.process("web:web_00")).state === "STOPPING", { deadlineMs: 60_000 });
    return { host, running };
  }

  it("a connection that is lost during a restart: it is found out what became of it, and nothing is restarted twice", async () => {
    const { host, running } = await startRollout();
    await host.dropConnections();
    await until(() => running.stdout().includes('"instance.indeterminate"'), { deadlineMs: 60_000 });
    await host.letStop("web:web_00");
    const ended = await running.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const events = eventsOf(ended);
    assert.equal(events.filter(({ type }) => type === "instance.indeterminate").length, 1);
    // Once for the test's own stop, once for the restart.
    const stops = (await host.supervisordLog()).match(/stopped: web_00 /g) ?? [];
    assert.equal(stops.length, 2);
  });

  itInFull(
    "an sshd that is gone for good: the rollout halts with indeterminate, and nothing further is touched",
    async () => {
      const { host, running } = await startRollout({ healthy_deadline: "10s", stop_deadline: "10s" });
      await host.kill("sshd");
      const ended = await running.ended;
      assert.equal(ended.code, 1, ended.stdout + ended.stderr);
      const events = eventsOf(ended);
      assert.deepEqual(
        events.flatMap((event) => (event.type === "rollout.halted" ? [event.code] : [])),
        ["indeterminate"],
      );
      assert.equal(events.filter(({ type }) => type === "instance.restarting").length, 1);
      // The restart itself completes on its host.
      await host.letStop("web:web_00");
      await until(async () => (await host.process("web:web_00")).state === "RUNNING", { deadlineMs: 60_000 });
    },
  );

  itInFull("a supervisord that hangs: the wait is told, and the rollout halts at the deadline", async () => {
    const { host, running } = await startRollout({
      command_timeout: "4s",
      healthy_deadline: "15s",
      stop_deadline: "15s",
    });
    await host.freeze("supervisord");
    const ended = await running.ended;
    await host.thaw("supervisord");
    await host.letStop("web:web_00");
    assert.equal(ended.code, 1, ended.stdout + ended.stderr);
    const events = eventsOf(ended);
    assert.ok(events.some((event) => event.type === "host.unreachable" && event.code === "supervisor_unavailable"));
    assert.equal(events.filter(({ type }) => type === "instance.restarting").length, 1);
  });
});
