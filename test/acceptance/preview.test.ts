import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { unfoldedRestarts } from "../planner/preview/unfold.ts";
import { Terminal } from "../views/terminal.ts";
import { BUNDLE, eventsOf, inFolder, orchestrate, restartedIn, startOrchestrate, writePlan } from "./orchestrate.ts";
import { amount } from "../amount.ts";

const SCREEN = { columns: 100, rows: 40 };

async function supervisordLogs(fleet: Fleet): Promise<string[]> {
  return Promise.all(fleet.hosts.map((host) => host.supervisordLog()));
}

describe("looking at a real fleet before a rollout", () => {
  let fleet: Fleet;
  let logs: string[];
  before(async () => {
    fleet = await raiseFleet({
      hosts: 3,
      groups: [
        { name: "web", processes: 3 },
        { name: "mail", processes: 2 },
      ],
    });
    logs = await supervisordLogs(fleet);
  });
  after(() => fleet.down());
  afterEach(async () => assert.deepEqual(await supervisordLogs(fleet), logs, "supervisord has noticed something"));

  it("shows what is selected, folded, and exits 0", async () => {
    const plan = await writePlan(fleet, { programs: ["web", "mail:*"], batches: { hosts: 2 } });
    const ended = await orchestrate(plan, "--dry-run", "--limit", "host-[1-2]", "--program", "web");
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /^plan: 6 instances on 2 hosts would be restarted; nothing was changed\n/);
    assert.match(ended.stdout, /^ {4}host-\[1-2\] {2}web:web_\[00-02\] one at a time$/m);
  });

  it("prints the events with the whole rollout for machines", async () => {
    const plan = await writePlan(fleet);
    const ended = await orchestrate(plan, "--dry-run", "--output", "json", "--exclude", "host-3");
    const types = eventsOf(ended).map(({ type }) => type);
    assert.deepEqual(types, ["host.connected", "host.connected", "rollout.planned"]);
    const planned = eventsOf(ended).at(-1);
    assert.ok(planned?.type === "rollout.planned");
    assert.deepEqual(
      planned.waves.flatMap(({ batches }) => batches.flatMap(({ hosts }) => hosts.map(({ host }) => host))),
      ["host-1", "host-2"],
    );
  });

  it("looks at every host where there is a floor, whatever the limit", async () => {
    const plan = await writePlan(fleet, { limits: { min_healthy: 8 } });
    const ended = await orchestrate(plan, "--dry-run", "--limit", "host-1");
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /^ {2}web: 8 of 9 \(min_healthy: 8\)$/m);
  });

  it("has nothing to do where everything was started later", async () => {
    const plan = await writePlan(fleet);
    const ended = await orchestrate(plan, "--started-before", "2h");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.match(ended.stdout, /succeeded/);
  });

  it("tells of a refusal once, on stderr, whatever the view", async () => {
    const plan = await writePlan(fleet, { programs: "wep" });
    for (const output of ["plain", "json"]) {
      const ended = await orchestrate(plan, "--output", output, "--limit", "host-1");
      assert.equal(ended.code, 3);
      assert.equal(ended.stderr.split('"wep" is not on this host').length, 2, ended.stderr);
      if (output === "plain") assert.doesNotMatch(ended.stdout, /wep/);
      else assert.equal(eventsOf(ended).at(-1)?.type, "rollout.finished");
    }
  });

  it("has a status with exit 0 while everything is RUNNING, as a table and as JSON", async () => {
    const plan = await writePlan(fleet, { programs: ["web", "mail"] });
    const table = await orchestrate("status", plan);
    assert.equal(table.code, 0, table.stderr);
    assert.match(table.stdout, /^plan: 15 of 15 RUNNING on 3 hosts\n/);
    const json = await orchestrate("status", plan, "--output", "json", "--limit", "host-2");
    const { hosts } = JSON.parse(json.stdout) as { hosts: { host: string; instances: { state: string }[] }[] };
    assert.deepEqual(
      hosts.map(({ host, instances }) => [host, instances.length]),
      [["host-2", 5]],
    );
  });

  it("asks before it begins: no leaves everything as it is, exit 4", async () => {
    const plan = await writePlan(fleet);
    const terminal = await Terminal.run(`'${process.execPath}' '${BUNDLE}' '${plan}' --ask`, SCREEN);
    try {
      await terminal.shows(/9 instances on 3 hosts[^]*continue\? \[y\/N\]/);
      await terminal.press("n");
      await terminal.press("Enter");
      assert.match(await terminal.shows(/exit \d/), /nothing was changed[^]*nothing was changed\nexit 4/);
    } finally {
      await terminal.close();
    }
  });

  it("ends the question at Ctrl-C like a no", async () => {
    const plan = await writePlan(fleet);
    const terminal = await Terminal.run(`'${process.execPath}' '${BUNDLE}' '${plan}' --ask`, SCREEN);
    try {
      await terminal.shows(/continue\?/);
      await terminal.press("C-c");
      await terminal.shows(/exit 4/);
    } finally {
      await terminal.close();
    }
  });

  it("does not ask whether to do nothing", async () => {
    const args = `'${await writePlan(fleet)}' --ask --started-before 2h`;
    const terminal = await Terminal.run(`'${process.execPath}' '${BUNDLE}' ${args}`, SCREEN);
    try {
      assert.doesNotMatch(await terminal.shows(/succeeded: plan[^]*9 skipped[^]*exit 0/), /continue\?/);
    } finally {
      await terminal.close();
    }
  });

  it("refuses to ask where nobody can answer", async () => {
    const ended = await orchestrate(await writePlan(fleet), "--ask");
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /--ask needs a terminal/);
  });

  it("watches at a terminal until Ctrl-C, and gives the terminal back", async () => {
    const plan = await writePlan(fleet);
    const terminal = await Terminal.run(
      `echo before; '${process.execPath}' '${BUNDLE}' status '${plan}' --watch`,
      SCREEN,
    );
    try {
      const first = await terminal.shows(/every 2s, Ctrl-C to quit/);
      assert.doesNotMatch(first, /before/);
      const time = /\d\d:\d\d:\d\d UTC/.exec(first)?.[0];
      await terminal.shows(new RegExp(`^(?![^]*${time})[^]*UTC`));
      await terminal.press("C-c");
      assert.match(await terminal.shows(/exit \d/), /^before\n[^]*plan: 9 of 9 RUNNING on 3 hosts\n[^]*exit 0/);
      assert.ok(await terminal.cursorIsVisible());
    } finally {
      await terminal.close();
    }
  });
});

describe("the status of a fleet in trouble", () => {
  it("shows what is wrong first, and exits 1; 3 when a host cannot be reached", async () => {
    const fleet = await raiseFleet({ hosts: 3, groups: [{ name: "web", processes: 2 }] });
    try {
      const plan = await writePlan(fleet);
      await fleet.host("host-2").stop("web:web_01");
      const stopped = await orchestrate("status", plan);
      assert.equal(stopped.code, 1);
      assert.match(stopped.stdout, /^plan: 5 of 6 RUNNING on 3 hosts\n\nSTATE .*\nSTOPPED {2}host-2 +web:web_01 /);
      await fleet.host("host-3").kill("sshd");
      const lost = await orchestrate("status", plan);
      assert.equal(lost.code, 3);
      assert.match(lost.stdout, /1 more unreachable\n\nunreachable\n {2}host-3: .*\(unreachable\)/);
    } finally {
      await fleet.down();
    }
  });
});

describe("random plans on a real fleet", function () {
  const RUNS = amount(10, 1);
  this.timeout(RUNS * 60_000);
  let fleet: Fleet;
  before(async () => {
    fleet = await raiseFleet({
      hosts: 3,
      groups: [
        { name: "web", processes: 3 },
        { name: "mail", processes: 2 },
      ],
    });
  });
  after(() => fleet.down());

  const quantity = fc.constantFrom<number | string>(1, 2, "50%", "100%");
  const drawn = fc.record({
    programs: fc.uniqueArray(fc.constantFrom("web", "mail", "web:web_0[01]", "*:*_01", "*"), {
      minLength: 1,
      maxLength: 3,
    }),
    batches: fc.record({ hosts: quantity, instances: quantity, mode: fc.constantFrom("lockstep", "sliding") }),
    last: fc.constantFrom("host-1", "host-2", "host-[1,3]"),
  });

  it(`restart what their dry run named: per host in its order, batch by batch (${RUNS} plans)`, async () => {
    for (const [index, { programs, batches, last }] of fc
      .sample(drawn, { numRuns: RUNS, seed: 20_261_123 })
      .entries()) {
      const plan = await writePlan(fleet, {
        programs,
        batches,
        groups: { last: { hosts: last }, first: { hosts: ["*", "!@last"] } },
        rollout: [{ group: "first" }, { group: "last" }],
      });
      const preview = await orchestrate(plan, "--dry-run");
      const run = await orchestrate(plan, "--output", "json");
      const about = `plan ${index + 1}: ${JSON.stringify({ programs, batches, last })}\n${preview.stdout}${run.stderr}`;
      assert.equal(run.code, 0, about);
      assert.deepEqual(byHost(restartedIn(eventsOf(run))), byHost(unfoldedRestarts(preview.stdout)), about);
    }
  });
});

describe("a rollout that was asked for", () => {
  it("begins after a yes, and shows what was seen before it", async () => {
    const fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 1 }] });
    const before = await fleet
      .host("host-1")
      .process("web:web_00")
      .catch(() => fleet.host("host-1").process("web"));
    const terminal = await Terminal.run(`'${process.execPath}' '${BUNDLE}' '${await writePlan(fleet)}' --ask`, SCREEN);
    try {
      await terminal.shows(/1 instance on 1 host would be restarted[^]*continue\?/);
      await terminal.press("y");
      await terminal.press("Enter");
      await terminal.shows(/succeeded: plan[^]*1 healthy[^]*exit 0/);
      assert.notEqual((await fleet.host("host-1").process(before.instance)).pid, before.pid);
    } finally {
      await terminal.close();
      await fleet.down();
    }
  });
});

/** What happens on different hosts at the same time has no order. */
function byHost(restarts: readonly string[]): Record<string, string[]> {
  const hosts: Record<string, string[]> = {};
  for (const restart of restarts) {
    const [host = "", instance = ""] = restart.split(" ");
    (hosts[host] ??= []).push(instance);
  }
  return hosts;
}

describe("what needs no fleet", () => {
  const PLAN = "version: 1\nprograms: web\nhosts: { 'no-such-[1-4].invalid': }\nbatches: { hosts: 2 }\n";

  async function withPlan<T>(use: (plan: string, dir: string) => Promise<T>): Promise<T> {
    return inFolder(async (dir) => {
      const plan = join(dir, "prod.yaml");
      await writeFile(plan, PLAN);
      return use(plan, dir);
    });
  }

  it("plans hosts and batches without contact, as text and as JSON", () =>
    withPlan(async (plan) => {
      const text = await orchestrate(plan, "--offline");
      assert.equal(text.code, 0, text.stderr);
      assert.match(text.stdout, /^ {2}batches 1-2 of 2: 2 hosts each\n {4}no-such-\[1-4\]\.invalid$/m);
      const json = await orchestrate(plan, "--dry-run", "--offline", "--output", "json", "--limit", "*-3.*");
      const { waves } = JSON.parse(json.stdout) as { waves: { batches: { hosts: string[] }[] }[] };
      assert.deepEqual(waves[0]?.batches, [{ at_once: 1, hosts: ["no-such-3.invalid"] }]);
    }));

  it("minds nobody who reads no further, as `| head` does", () =>
    withPlan(async (plan) => {
      const calls = [
        ["--help"],
        ["validate", plan],
        ["validate", plan, "--output", "json"],
        [plan, "--offline"],
        ["history"],
        ["completion", "bash"],
        ["--vresion"],
      ];
      for (const args of calls) {
        const { child, ended } = startOrchestrate(args);
        child.stdout?.destroy();
        const { code, stderr } = await ended;
        assert.equal(code, args[0] === "--vresion" ? 2 : 0, stderr);
        assert.doesNotMatch(stderr, /EPIPE|\n {4}at /);
      }
    }));

  it("exits 2 for a selection that matches nothing, with what there is", () =>
    withPlan(async (plan) => {
      for (const args of [[plan, "--offline"], [plan], [plan, "--dry-run"], ["status", plan]]) {
        const ended = await orchestrate(...args, "--limit", "db-1");
        assert.equal(ended.code, 2);
        assert.equal(
          ended.stderr,
          'orchestrate: --limit: no host is called "db-1"\norchestrate: the plan has no-such-[1-4].invalid\n',
        );
      }
    }));

  it("validates all plans, and exits 2 if one is wrong", () =>
    withPlan(async (plan, dir) => {
      const wrong = join(dir, "wrong.yaml");
      await writeFile(wrong, "version: 1\nprogram: web\nhosts: { a: }\n");
      const text = await orchestrate("validate", wrong, plan);
      assert.equal(text.code, 2);
      assert.match(text.stderr, /wrong\.yaml:2:1: program: unknown key \[unknown_key\][^]*did you mean "programs"\?/);
      assert.match(text.stdout, /prod\.yaml: valid: 4 hosts, 1 wave\n/);
      const json = await orchestrate("validate", wrong, plan, "--output", "json");
      assert.equal(json.code, 2);
      assert.equal(json.stderr, "");
      const lines = json.stdout.trim().split("\n");
      const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual(told.at(-1), { file: plan, valid: true, hosts: 4, waves: 1 });
      const { file, line, column, end_line, end_column, code } = told[0] ?? {};
      assert.deepEqual([file, line, column, end_line, end_column, code], [wrong, 2, 1, 2, 8, "unknown_key"]);
    }));
});
