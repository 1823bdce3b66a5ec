import { itInFull } from "../amount.ts";
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { describeEachWay } from "./each-way.ts";
import { eventsOf, orchestrate, restartedIn, writePlan } from "./orchestrate.ts";

describeEachWay("hooks of batches, on real hosts", (reachedBy) => {
  let fleet: Fleet;
  /** What a load balancer is here: a file for each host that is in service, and a line for each change. */
  let balancer: string;
  let log: string;

  beforeEach(async () => {
    fleet = await raiseFleet({ hosts: 3, groups: [{ name: "web", processes: 2 }], reachedBy });
    balancer = join(fleet.dir, "in-service");
    log = join(fleet.dir, "balancer.log");
    await mkdir(balancer);
    for (const host of ["host-1", "host-2", "host-3"]) await writeFile(join(balancer, host), "");
  });
  afterEach(() => fleet.down());

  /** Each drains or enables all hosts of its batch with one command; what is restarted must be out of service. */
  function planWith(smokeTest: string): Promise<string> {
    const lines = (what: string) => `echo ${what} {wave} {hosts} "$ORCHESTRATE_HOSTS_LIST" >>${log}`;
    return writePlan(fleet, {
      groups: { shop: { hosts: "host-[1-3]" } },
      batches: { hosts: [1, 2], instances: 2 },
      checks: [{ command: `test ! -e ${balancer}/{host}`, from: "controller" }],
      hooks: {
        before_batch: {
          command: `${lines("drain")}; for h in {hosts_list}; do rm ${balancer}/"$h"; done`,
          timeout: "5m",
        },
        after_batch: `${smokeTest} && ${lines("enable")} && for h in {hosts_list}; do touch ${balancer}/"$h"; done`,
      },
    });
  }

  it("take all hosts of a batch out of service before it is touched, and put them back after it", async () => {
    const plan = await planWith("true");
    const ended = await orchestrate(plan, "--output", "json");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.equal(restartedIn(eventsOf(ended)).length, 6);
    assert.deepEqual((await readFile(log, "utf8")).trim().split("\n"), [
      "drain shop host-1 host-1",
      "enable shop host-1 host-1",
      "drain shop host-[2-3] host-2 host-3",
      "enable shop host-[2-3] host-2 host-3",
    ]);
    assert.deepEqual(await readdir(balancer), ["host-1", "host-2", "host-3"]);
  });

  itInFull("halt after a batch whose smoke test fails, name it as drained, and a resume puts it back", async () => {
    const plan = await planWith(`test ! -e ${fleet.dir}/broken`);
    await writeFile(join(fleet.dir, "broken"), "");
    const halted = await orchestrate(plan);
    assert.equal(halted.code, 1, halted.stdout);
    assert.match(halted.stdout, /wave 1 \(shop\) batch 1: hook after_batch failed: exit code 1/);
    assert.match(halted.stdout, /\nstill drained\n {2}shop: host-1\n/);
    assert.match(halted.stdout, /\nuntouched\n {2}host-\[2-3\] web:web_\[00-01\]\n/);
    assert.deepEqual(await readdir(balancer), ["host-2", "host-3"]);

    await rm(join(fleet.dir, "broken"));
    const preview = await orchestrate(plan, "--resume", "--dry-run");
    assert.match(
      preview.stdout,
      /after_batch on the controller: .*\n +also for host-1, which an earlier rollout left drained\n/,
    );
    const resumed = await orchestrate(plan, "--resume", "--output", "json");
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    const restarted = restartedIn(eventsOf(resumed));
    assert.equal(restarted.length, 4);
    assert.ok(restarted.every((one) => !one.startsWith("host-1")));
    assert.deepEqual(await readdir(balancer), ["host-1", "host-2", "host-3"]);
  });
});
