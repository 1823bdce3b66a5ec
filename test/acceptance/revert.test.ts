import assert from "node:assert/strict";
import { itInFull } from "../amount.ts";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RecordedEvent } from "../../src/domain/events.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import type { FleetHost } from "../fleet/host.ts";
import { until } from "../fleet/until.ts";
import { eventsOf, orchestrate, quickTimings, restartedIn, startOrchestrate, writePlan } from "./orchestrate.ts";

/** What an instance is told to do by each release. Both run; their logs tell them apart. */
const OLD = "healthy";
const NEW = "slow_stop 0";
/** The new release where it is broken: it dies after it was RUNNING. */
const DIES = "crash_after 1.8";

const PROCESSES = ["web_00", "web_01"];

/** Every host has both releases, and a link `current` to the old one, which its instances read when they start. */
async function install(host: FleetHost, newRelease = NEW): Promise<void> {
  for (const [release, behaviour] of [
    ["old", OLD],
    ["new", newRelease],
  ] as const) {
    await mkdir(join(host.dir, "releases", release), { recursive: true });
    for (const name of PROCESSES) await writeFile(join(host.dir, "releases", release, name), behaviour);
  }
  await symlink("releases/old", join(host.dir, "current"));
  for (const name of PROCESSES) {
    await rm(join(host.dir, "behaviour", name));
    await symlink(`../current/${name}`, join(host.dir, "behaviour", name));
  }
}

/** Which release the process of an instance has started with, by its own log. */
async function releaseOf(host: FleetHost, name: string): Promise<string> {
  const { pid, state } = await host.process(`web:${name}`);
  const log = await host.instanceLog(`web:${name}`, "stdout");
  const kind = new RegExp(`started, pid ${pid}, (\\w+)`).exec(log)?.[1];
  if (state !== "RUNNING") return state;
  return kind === "healthy" ? "old" : `new (${kind})`;
}

async function releases(fleet: Fleet): Promise<Record<string, string>> {
  const serving: Record<string, string> = {};
  for (const host of fleet.hosts)
    for (const name of PROCESSES) serving[`${host.name} ${name}`] = await releaseOf(host, name);
  return serving;
}

async function assertAllOld(fleet: Fleet, said: string): Promise<void> {
  for (const [instance, release] of Object.entries(await releases(fleet)))
    assert.equal(release, "old", `${instance}\n${said}`);
  for (const host of fleet.hosts)
    assert.equal(await readFile(join(host.dir, "current", "web_00"), "utf8"), OLD, `the link of ${host.name}\n${said}`);
}

function activate(fleet: Fleet, release: string): string {
  return `ln -sfn releases/${release} ${fleet.dir}/{host}/current`;
}

function keysOf(fleet: Fleet): Record<string, unknown> {
  return {
    timings: { ...quickTimings, min_healthy_time: "2500ms" },
    batches: { instances: 2 },
    on_failure: "revert",
    hooks: { before_host: activate(fleet, "new") },
    revert: { before_host: activate(fleet, "old") },
  };
}

/** The events of each of the rollouts that a process has carried out, in their order. */
function byRollout(events: readonly RecordedEvent[]): RecordedEvent[][] {
  const ids = [...new Set(events.map(({ rollout }) => rollout))];
  return ids.map((id) => events.filter(({ rollout }) => rollout === id));
}

describe("a release that dies after RUNNING at the third of six hosts, with on_failure: revert", () => {
  let fleet: Fleet;
  beforeEach(async () => {
    fleet = await raiseFleet({ hosts: 6, groups: [{ name: "web", processes: PROCESSES.length }] });
    for (const host of fleet.hosts) await install(host, host.name === "host-3" ? DIES : NEW);
  });
  afterEach(() => fleet.down());

  it("leaves every instance on the old release: exit 1, and report, page and history show both halves", async () => {
    const plan = await writePlan(fleet, keysOf(fleet));
    const page = join(fleet.dir, "page.html");
    const ended = await orchestrate(plan, "--output", "plain", "--report", page);
    const said = ended.stdout + ended.stderr;
    assert.equal(ended.code, 1, said);
    await assertAllOld(fleet, said);
    assert.match(ended.stdout, /^halted: plan \(\S+\).*: 4 healthy, .*[12] failed/m);
    assert.match(ended.stdout, /What it has restarted is reverted now/);
    assert.match(ended.stdout, /^succeeded: plan \(\S+\).*: 6 healthy, 0 failed$/m);
    assert.match(ended.stdout, /^every host after the revert\n {2}old \(reverted, or never touched\): host-\[1-6\]$/m);
    const html = await readFile(page, "utf8");
    assert.match(html, /class="outcome halted"[^]*class="outcome succeeded"/);
    assert.match(html, /Every host after the revert/);
    const [revert = "", failed = ""] = (await orchestrate("history", plan)).stdout
      .split("\n")
      .slice(1)
      .map((line) => line.split(" ")[0] ?? "");
    const { stdout } = await orchestrate("history", plan);
    assert.match(stdout, new RegExp(`revert of ${failed}`));
    const again = await orchestrate("report", revert);
    assert.match(again.stdout, new RegExp(`it reverts rollout ${failed}`));
    const resumed = await orchestrate(plan, "--resume");
    assert.equal(resumed.code, 2, resumed.stdout);
    assert.match(resumed.stderr, /no unfinished rollout/);
    const named = await orchestrate(plan, "--resume", failed);
    assert.match(named.stderr, new RegExp(`was already reverted as ${revert} \\(succeeded\\)`));
  });

  itInFull(
    "is reverted in the end though its controller is killed in the middle of the revert: --resume completes it",
    async () => {
      const plan = await writePlan(fleet, keysOf(fleet));
      const running = startOrchestrate([plan, "--output", "json"]);
      const healthyInRevert = () => {
        const text = running.stdout();
        const at = text.indexOf('"rollout.reverting"');
        return at === -1 ? 0 : text.slice(at).split('"instance.healthy"').length - 1;
      };
      await until(() => healthyInRevert() >= 3 || running.child.exitCode !== null, { deadlineMs: 120_000 });
      running.child.kill("SIGKILL");
      await running.ended;
      const [, cut = []] = byRollout(eventsOf({ stdout: running.stdout().replace(/\n[^\n]*$/, "\n") }));
      const resumed = await orchestrate(plan, "--output", "json", "--resume", "--wait-for-lock", "1m");
      const said = resumed.stdout + resumed.stderr;
      assert.equal(resumed.code, 0, said);
      await assertAllOld(fleet, said);
      const events = eventsOf(resumed);
      const planned = events.find((event) => event.type === "rollout.planned");
      assert.equal(planned?.resumes, cut[0]?.rollout);
      assert.ok(planned?.reverts !== undefined && planned.reverts !== planned.resumes);
      const restarted = [...restartedIn(cut), ...restartedIn(events)];
      assert.equal(new Set(restarted).size, restarted.length, `restarted twice by one revert: ${restarted.join(", ")}`);
    },
  );

  itInFull(
    "starts nothing more of the revert after Ctrl-C, and nothing at all after one before it: --resume and --revert do the rest",
    async () => {
      const early = await writePlan(fleet, keysOf(fleet), "early");
      const before = startOrchestrate([early, "--output", "json"]);
      await until(() => before.stdout().includes('"rollout.halted"'), { deadlineMs: 60_000, everyMs: 1 });
      before.child.kill("SIGINT");
      const notReverted = await before.ended;
      assert.equal(notReverted.code, 1, notReverted.stdout + notReverted.stderr);
      const [, ofRevert = []] = byRollout(eventsOf(notReverted));
      assert.deepEqual(restartedIn(ofRevert), [], notReverted.stdout);
      const plan = await writePlan(fleet, { ...keysOf(fleet), batches: { instances: 1 } });
      const running = startOrchestrate([plan, "--output", "json"]);
      const hasBegun = () =>
        running.stdout().split('"rollout.reverting"')[1]?.includes('"instance.restarting"') === true;
      await until(hasBegun, { deadlineMs: 120_000 });
      running.child.kill("SIGINT");
      const ended = await running.ended;
      assert.equal(ended.code, 1, ended.stdout + ended.stderr);
      const [failed = [], revert = []] = byRollout(eventsOf(ended));
      assert.equal(restartedIn(revert).length, 1, ended.stdout);
      const finished = revert.at(-1);
      assert.equal(finished?.type === "rollout.finished" && finished.outcome, "interrupted");
      const resumed = await orchestrate(plan, "--output", "json", "--resume");
      assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
      const restarted = new Set(restartedIn([...revert, ...eventsOf(resumed)]));
      assert.deepEqual(restarted, new Set(restartedIn(failed)), "all that was touched, and nothing else");
      const reverted = await orchestrate(early, "--output", "json", "--revert");
      assert.equal(reverted.code, 0, reverted.stdout + reverted.stderr);
      await assertAllOld(fleet, reverted.stdout);
    },
  );
});
