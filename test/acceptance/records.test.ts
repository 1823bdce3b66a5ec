import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { describeEachWay } from "./each-way.ts";
import { eventsOf, orchestrate, writePlan } from "./orchestrate.ts";
import { problemsOf } from "../views/event-validator.ts";
import { readJournal } from "../../src/state/read-journal.ts";

describeEachWay("what is kept of a rollout", (reachedBy) => {
  let fleet: Fleet;
  before(async () => void (fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 2 }], reachedBy })));
  after(() => fleet.down());

  it("is every event, in a journal that only its owner can read, told again by history and report", async () => {
    const plan = await writePlan(fleet);
    const state = join(fleet.dir, "state");
    const ended = await orchestrate(plan, "--output", "json", "--state-dir", state, "--reason", "release 4711");
    assert.equal(ended.code, 0, ended.stderr);
    const [folder = ""] = await readdir(state);
    assert.match(folder, /^plan-[0-9a-f]{12}$/);
    const [name = ""] = await readdir(join(state, folder));
    const file = join(state, folder, name);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(readJournal(file), { events: eventsOf(ended) });
    assert.deepEqual(problemsOf(eventsOf(ended)), []);
    const id = name.replace(/\.ndjson$/, "");
    const history = await orchestrate("history", plan, "--state-dir", state);
    assert.match(history.stdout, new RegExp(`^${id}  plan  succeeded after .*2 healthy.*release 4711\n$`));
    const report = await orchestrate("report", id, "--state-dir", state);
    assert.equal(report.code, 0);
    assert.match(report.stdout, new RegExp(`^succeeded: plan \\(${id}\\) in .*2 healthy`));
  });

  it("must be kept: where it cannot be, the rollout is refused before the first change", async () => {
    const plan = await writePlan(fleet);
    const pids = (await fleet.hosts[0]!.processes()).map(({ pid }) => pid);
    // Not even root can make a folder below a file.
    const ended = await orchestrate(plan, "--state-dir", join(plan, "state"));
    assert.equal(ended.code, 3, ended.stdout);
    assert.match(ended.stderr, /journal_unwritable/);
    assert.deepEqual(
      (await fleet.hosts[0]!.processes()).map(({ pid }) => pid),
      pids,
    );
  });

  it("that is damaged stops nothing but a resume, which cannot know what was done", async () => {
    const plan = await writePlan(fleet);
    const state = join(fleet.dir, "damaged");
    const kept = ["--state-dir", state];
    assert.equal((await orchestrate(plan, ...kept)).code, 0);
    const [folder = ""] = await readdir(state);
    const [name = ""] = await readdir(join(state, folder));
    const lines = (await readFile(join(state, folder, name), "utf8")).split("\n");
    await writeFile(join(state, folder, name), [...lines.slice(0, 5), "{rubbish", ...lines.slice(5)].join("\n"));
    assert.match((await orchestrate("history", ...kept)).stdout, /damaged: .*\.ndjson:6: is no event/);
    const report = await orchestrate("report", name.replace(/\.ndjson$/, ""), ...kept);
    assert.match(report.stderr, /the report ends where the journal can no longer be read/);
    const resumed = await orchestrate(plan, "--resume", ...kept);
    assert.equal(resumed.code, 2);
    assert.match(resumed.stderr, /:6: is no event: it is not known what that rollout has done/);
    const again = await orchestrate(plan, ...kept);
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.match(again.stderr, /an earlier journal of this plan is damaged/);
  });

  it("says which rollouts there are when one is asked for that there is not", async () => {
    const ended = await orchestrate("report", "20200101T000000Z-0000", "--state-dir", join(fleet.dir, "none"));
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /orchestrate history/);
  });
});
