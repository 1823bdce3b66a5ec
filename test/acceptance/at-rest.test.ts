import assert from "node:assert/strict";
import { itInFull } from "../amount.ts";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet, type GroupOptions } from "../fleet/fleet.ts";
import { describeEachWay } from "./each-way.ts";
import { eventsOf, orchestrate, restartedIn, writePlan } from "./orchestrate.ts";

const RUNS = "%(here)s/%(program_name)s.runs";

/** Writes down that it was run, and ends with 0. */
function once(name: string, ...lines: readonly string[]): GroupOptions {
  const command = `command=/bin/sh -c 'echo run >> ${RUNS}'`;
  return { name, processes: 1, bare: true, startsecs: 0, endsByItself: true, extraLines: [command, ...lines] };
}

const LISTENER = [
  "[eventlistener:watchdog]",
  `command=/bin/sh -c 'echo run >> %(here)s/watchdog.runs; printf "READY\\n"; exec sleep 3600'`,
  "events=TICK_3600",
];

function server(name: string, priority: number, ...lines: readonly string[]): GroupOptions {
  return { name, processes: 1, bare: true, extraLines: [`priority=${priority}`, ...lines] };
}

describeEachWay("a host with one-shots that are done, a listener and priorities", (reachedBy) => {
  let fleet: Fleet;
  before(async () => {
    fleet = await raiseFleet({
      hosts: 1,
      groups: [
        once("migrate", "autorestart=false"),
        once("seed", "priority=1"),
        server("a-late", 20),
        server("b-soon", 5),
        server("c-first", 1, ...LISTENER),
      ],
      reachedBy,
    });
  });
  after(() => fleet.down());

  it("is in order for status, which exits 0 and says why they are down", async () => {
    const plan = await writePlan(fleet, { programs: ["migrate", "seed", "a-late", "b-soon"] });
    const seen = await orchestrate("status", plan);
    assert.equal(seen.code, 0, seen.stdout);
    assert.match(seen.stdout, /^plan: 2 of 4 RUNNING and 2 down as configured, on 1 host\n/);
    assert.match(seen.stdout, /^EXITED +host-1 +migrate .*as configured: /m);
    await fleet.host("host-1").stop("a-late");
    assert.equal((await orchestrate("status", plan)).code, 1);
    await fleet.host("host-1").start("a-late");
  });

  async function runsOf(name: string): Promise<number> {
    return (await readFile(join(fleet.host("host-1").dir, `${name}.runs`), "utf8")).trim().split("\n").length;
  }

  it("what `*` takes is restarted in Supervisor's order; one-shots and the listener are left alone, and the preview says so", async () => {
    const plan = await writePlan(fleet, { programs: "*" });
    const preview = await orchestrate(plan, "--dry-run");
    assert.equal(preview.code, 0, preview.stderr);
    assert.match(preview.stdout, /^ {4}host-1 {2}c-first, then b-soon, then a-late$/m);
    assert.match(preview.stdout, /^ {2}host-1 seed migrate: it was EXITED before the rollout$/m);
    assert.match(preview.stdout, /^ {2}host-1 watchdog: it is an event listener, and no program names it$/m);
    assert.match(
      preview.stdout,
      /^ {2}host-1 seed migrate: it is EXITED and is left as it is: .* set exited: restart$/m,
    );
    assert.doesNotMatch(preview.stdout, /changed after it was started/);
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual(restartedIn(eventsOf(ended)), ["host-1 c-first", "host-1 b-soon", "host-1 a-late"]);
    for (const name of ["migrate", "seed", "watchdog"]) assert.equal(await runsOf(name), 1, name);
  });

  itInFull("the listener is restarted where it is named", async () => {
    const plan = await writePlan(fleet, { programs: ["watchdog"] });
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual(restartedIn(eventsOf(ended)), ["host-1 watchdog"]);
    assert.equal(await runsOf("watchdog"), 2);
  });

  it("one-shots are planned where the plan says exited: restart", async () => {
    const plan = await writePlan(fleet, { programs: ["migrate", "seed"], exited: "restart" });
    const ended = await orchestrate(plan, "--dry-run");
    assert.match(ended.stdout, /^plan: 2 instances on 1 host would be restarted; nothing was changed$/m);
    assert.equal(await runsOf("migrate"), 1);
  });
});
