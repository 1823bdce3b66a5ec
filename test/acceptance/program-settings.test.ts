import assert from "node:assert/strict";
import type { RecordedEvent } from "../../src/domain/events.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { eventsOf, orchestrate, quickTimings, writePlan, type Ended } from "./orchestrate.ts";

type Of<Type extends RecordedEvent["type"]> = Extract<RecordedEvent, { type: Type }>;

function only<Type extends RecordedEvent["type"]>(ended: Ended, type: Type): Of<Type>[] {
  return eventsOf(ended).filter((event): event is Of<Type> => event.type === type);
}

describe("a host with several programs, on a real host", () => {
  let fleet: Fleet;
  before(async () => {
    fleet = await raiseFleet({
      hosts: 1,
      groups: [
        { name: "migrate", processes: 1, bare: true },
        { name: "web", processes: 2 },
        { name: "worker", processes: 1, extraLines: ["autorestart=true"] },
      ],
    });
  });
  after(() => fleet.down());

  it("has each restarted with its own settings, in the order of the list, without what it excludes", async () => {
    const host = fleet.host("host-1");
    await host.restartAs("worker:worker_00", { kind: "exit_after", seconds: 3 });
    const check = { command: "echo {process} {vars.greeting}; test {pid} -gt 0" };
    const plan = await writePlan(fleet, {
      timings: { ...quickTimings, between_checks: "300ms", min_healthy_time: "1s", progress_deadline: "30s" },
      vars: { greeting: "from the plan" },
      // No instance of the worker would pass it.
      checks: [{ command: "false" }],
      programs: [
        { web: { checks: [check], vars: { greeting: "from web" }, batches: { instances: 2 } } },
        { "*": { checks: [], on_expected_exit: "accept" } },
        "!migrate",
      ],
    });
    const preview = await orchestrate(plan, "--dry-run");
    assert.equal(preview.code, 0, preview.stdout + preview.stderr);
    assert.match(
      preview.stdout,
      / {2}web each: .*\n {4}with vars\.greeting: from web\n {4}check from the host: echo \{process\} \{vars\.greeting\}/,
    );
    assert.match(preview.stdout, / {2}worker each: .*\n {4}with on_expected_exit: accept/);
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const restarted = only(ended, "instance.restarting").map(({ instance }) => instance);
    assert.deepEqual(restarted, ["web:web_00", "web:web_01", "worker:worker_00"]);
    assert.deepEqual(only(ended, "instance.failed"), []);
    assert.equal(only(ended, "instance.healthy").length, 3);
  });
});
