import assert from "node:assert/strict";
import { itInFull } from "../amount.ts";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { describeEachWay } from "./each-way.ts";
import { Gate, eventsOf, orchestrate, startOrchestrate, writePlan } from "./orchestrate.ts";

describeEachWay("the page of a rollout", (reachedBy) => {
  let fleet: Fleet;
  before(async () => void (fleet = await raiseFleet({ hosts: 2, groups: [{ name: "web", processes: 2 }], reachedBy })));
  after(() => fleet.down());

  const page = (name: string) => join(fleet.dir, name);

  it("is written at the end, and is the same when it is made from the journal", async () => {
    const plan = await writePlan(fleet);
    await writeFile(page("live.html"), "of the rollout before");
    const ended = await orchestrate(plan, "--output", "json", "--report", page("live.html"));
    assert.equal(ended.code, 0, ended.stderr);
    const live = await readFile(page("live.html"), "utf8");
    assert.match(live, /<b data-count="healthy">4<\/b>/);
    const id = eventsOf(ended)[0]?.rollout ?? "";
    const retold = await orchestrate("report", id, "--html", page("retold.html"));
    assert.deepEqual([retold.code, retold.stdout, retold.stderr], [0, "", ""]);
    assert.equal(await readFile(page("retold.html"), "utf8"), live);
    const left = (await readdir(fleet.dir)).filter((name) => name.endsWith(".tmp"));
    assert.deepEqual(left, []);
  });

  itInFull("is written when the rollout is refused or interrupted, too", async () => {
    const refused = await orchestrate(
      await writePlan(fleet, { programs: "nothing" }),
      "--report",
      page("refused.html"),
    );
    assert.equal(refused.code, 3);
    assert.match(await readFile(page("refused.html"), "utf8"), /program_not_found/);
    const gate = new Gate(fleet.dir);
    const plan = await writePlan(fleet, { checks: gate.checks });
    const running = startOrchestrate([plan, "--output", "json", "--report", page("stopped.html")]);
    await until(() => running.stdout().includes("instance.restarting"), { deadlineMs: 60_000 });
    running.child.kill("SIGINT");
    await until(() => running.stdout().includes("rollout.interrupted"), { deadlineMs: 60_000 });
    await gate.open();
    assert.equal((await running.ended).code, 4);
    assert.match(await readFile(page("stopped.html"), "utf8"), /interrupted[^]*<b data-count="untouched">3<\/b>/);
  });

  it("has a summary beside it on the page of a job under GitHub Actions", async () => {
    const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: page("summary.md") };
    await writeFile(page("summary.md"), "what other steps said\n");
    const ended = await startOrchestrate([await writePlan(fleet)], { env }).ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /^::group::\S+ wave 1 .*\n[^]*^::endgroup::$/m);
    assert.match(await readFile(page("summary.md"), "utf8"), /^what other steps said\n<h2>✅ succeeded: plan<\/h2>/);
  });

  it("that cannot be written is told before anything is contacted", async () => {
    const plan = await writePlan(fleet);
    for (const path of [fleet.dir, join(plan, "page.html"), join(fleet.dir, "no", "page.html")]) {
      const ended = await orchestrate(plan, "--output", "json", "--report", path);
      assert.deepEqual([ended.code, ended.stdout], [2, ""], path);
      assert.match(ended.stderr, /^orchestrate: --report: the page cannot be written to .*\n$/);
    }
    const dry = await orchestrate(plan, "--dry-run", "--report", page("dry.html"));
    assert.equal(dry.code, 2);
  });
});
