import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { beganAt } from "../../src/domain/ids.ts";
import { until } from "../fleet/until.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { describeEachWay } from "./each-way.ts";
import { eventsOf, Gate, orchestrate, startOrchestrate, writePlan } from "./orchestrate.ts";
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
    const date = beganAt(id)!.replace("T", " ").replace("Z", "");
    const who = `${userInfo().username}@${hostname()}`;
    assert.match(
      history.stdout,
      new RegExp(
        `^ID +DATE \\(UTC\\) +PLAN +WHO +OUTCOME +COUNTS +DURATION +REASON\n${id} +${date} +plan +${who} +succeeded +2 healthy, 0 failed +\\d+s +release 4711\n$`,
      ),
    );
    const [listed, ...others] = eventsOf(await orchestrate("history", "--state-dir", state, "--output", "json"));
    const finished = eventsOf(ended).at(-1);
    assert.deepEqual(others, []);
    assert.deepEqual(listed, {
      v: 1,
      id,
      at: beganAt(id),
      plan: "plan",
      plan_file: plan,
      who,
      outcome: "succeeded",
      counts: { healthy: 2, failed: 0, skipped: 0, untouched: 0 },
      seconds: finished?.type === "rollout.finished" && finished.seconds,
      reason: "release 4711",
    });
    const report = await orchestrate("report", id, "--state-dir", state);
    assert.equal(report.code, 0);
    assert.match(
      report.stdout,
      new RegExp(`^succeeded: plan \\(${id}\\) in .*2 healthy.*\nstarted by ${who}: release 4711\n`),
    );
    const selected = async (...words: string[]) =>
      eventsOf(await orchestrate("history", "--state-dir", state, "--output", "json", ...words)).length;
    assert.equal(await selected("--since", "1h", "--outcome", "succeeded", "--host", "host-1"), 1);
    assert.equal(await selected("--since", new Date(Date.now() + 60_000).toISOString()), 0);
    assert.equal(await selected("--outcome", "halted"), 0);
    assert.equal(await selected("--host", "host-2"), 0);
  });

  it("says of a rollout that still runs since when and where, and of one that was killed that it is cut off", async () => {
    const gate = new Gate(fleet.dir, "running");
    const plan = await writePlan(fleet, { checks: gate.checks });
    const kept = ["--state-dir", join(fleet.dir, "running-state")];
    const running = startOrchestrate([plan, "--output", "json", ...kept]);
    await until(() => running.stdout().includes('"instance.restarting"'), { deadlineMs: 60_000 });
    const [{ rollout: id } = assert.fail()] = eventsOf({ stdout: running.stdout().replace(/[^\n]*$/, "") });
    const date = beganAt(id)!.replace("T", " ").replace("Z", "");
    const where = `since ${date} UTC, pid ${running.child.pid} on ${hostname()}`;
    assert.match(
      (await orchestrate("history", ...kept)).stdout,
      new RegExp(` running ${where} +0 healthy.* in progress`),
    );
    const told = (await orchestrate("report", id, ...kept)).stdout;
    assert.match(told, new RegExp(`^running: plan \\(${id}\\) ${where}: [^]*nothing to repair or to resume`));
    assert.doesNotMatch(told, /did not finish|abandoned|--resume/);
    const second = await orchestrate(plan, ...kept);
    assert.equal(second.code, 3);
    assert.match(second.stderr, new RegExp(`rollout ${id} of this plan is running ${where}`));
    running.child.kill("SIGKILL");
    await running.ended;
    assert.match((await orchestrate("history", ...kept)).stdout, / cut off +0 healthy, 1 failed, 1 untouched +-\n$/);
    assert.match(
      (await orchestrate("report", id, ...kept)).stdout,
      /^did not finish \(its process was killed\): plan /,
    );
    await gate.open();
    assert.equal((await orchestrate(plan, "--resume", "--wait-for-lock", "1m", ...kept)).code, 0);
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
