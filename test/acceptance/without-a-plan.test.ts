import assert from "node:assert/strict";
import { itInFull } from "../amount.ts";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { eventsOf, orchestrate, restartedIn, writePlan } from "./orchestrate.ts";

describe("a rollout without a plan file", () => {
  let fleet: Fleet;
  let words: string[];
  let state: string[];
  before(async () => {
    fleet = await raiseFleet({
      hosts: 2,
      groups: [
        { name: "web", processes: 2 },
        { name: "api", processes: 1 },
      ],
    });
    const settings = {
      hosts: fleet.planHosts(),
      ssh: fleet.planSsh(),
      lock: { directory: fleet.dir },
      timings: { between_checks: "500ms", between_restarts: "0s", min_healthy_time: "300ms" },
    };
    const set = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${JSON.stringify(value)}`]);
    words = ["--hosts", "host-1", "host-2", "--program", "web", ...set];
    state = ["--state-dir", join(fleet.dir, "state")];
  });
  after(() => fleet.down());

  it("does what the loop of a shell does, and shows before that what it will do", async () => {
    const dry = await orchestrate(...words, "--dry-run", ...state);
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /^web: 4 instances on 2 hosts would be restarted; nothing was changed\n/);
    const ended = await orchestrate(...words, "--output", "plain", ...state);
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /web: 4 instances on 2 hosts would be restarted[^]*\nsucceeded: web .*4 healthy/);
    const events = eventsOf(await orchestrate(...words, "--output", "json", "--set", "batches.hosts=2", ...state));
    assert.equal(restartedIn(events).length, 4);
    assert.equal(events.find((event) => event.type === "batch.started")?.hosts.length, 2);
  });

  itInFull("can be resumed by the plan that its report names, which is kept with the journals", async () => {
    await fleet.host("host-2").behave("web:web_01", { kind: "file_gone" });
    const halted = await orchestrate(...words, "--output", "plain", ...state);
    assert.equal(halted.code, 1);
    const [, plan = "", id = ""] = /orchestrate (\S+) --resume (\S+)/.exec(halted.stdout) ?? assert.fail(halted.stdout);
    assert.match(await readFile(plan, "utf8"), /^version: 1\nprograms:\n {2}- web\n/);
    await fleet.host("host-2").behave("web:web_01", { kind: "healthy" });
    const resumed = await orchestrate(plan, "--resume", id, ...state);
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  });

  it("is written down as a plan, which runs nothing and says how to run it", async () => {
    const file = join(fleet.dir, "saved", "web.yaml");
    const pids = async () => (await fleet.host("host-1").processes()).map(({ instance, pid }) => `${instance} ${pid}`);
    const before = await pids();
    const saved = await orchestrate(...words, "--save-plan", file, ...state);
    assert.equal(saved.code, 0, saved.stderr);
    assert.ok(saved.stdout.includes(`orchestrate ${file} --dry-run`), saved.stdout);
    assert.deepEqual(await pids(), before);
    assert.equal((await orchestrate("validate", file)).code, 0);
    assert.equal((await orchestrate(file, ...state)).code, 0);
    const again = await orchestrate(...words, "--save-plan", file);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /it is there already/);
  });
});

describe("--set with a plan", () => {
  itInFull("is recorded, repeated by the commands of the report, and needed by a resume as the plan is", async () => {
    const fleet = await raiseFleet({
      hosts: 1,
      groups: [
        { name: "web", processes: 2 },
        { name: "api", processes: 1 },
      ],
    });
    try {
      const plan = await writePlan(fleet);
      await fleet.host("host-1").behave("api:api_00", { kind: "file_gone" });
      const set = ["--set", "programs=[web, api]"];
      const halted = await orchestrate(plan, ...set, "--output", "plain");
      assert.equal(halted.code, 1, halted.stdout);
      assert.match(halted.stdout, /orchestrate \S+ --resume \S+ --set 'programs=\[web, api\]'/);
      const without = await orchestrate(plan, "--resume");
      assert.equal(without.code, 2);
      assert.match(without.stderr, /cannot be resumed: the programs of all were web, api and are web/);
      await fleet.host("host-1").behave("api:api_00", { kind: "healthy" });
      const resumed = await orchestrate(plan, ...set, "--resume", "--output", "json");
      assert.equal(resumed.code, 0, resumed.stderr);
      assert.deepEqual(eventsOf(resumed).find((event) => event.type === "rollout.planned")?.set, [
        "programs=[web, api]",
      ]);
    } finally {
      await fleet.down();
    }
  });
});
