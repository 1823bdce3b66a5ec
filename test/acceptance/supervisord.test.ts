import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { FULL, itInFull } from "../amount.ts";
import { findProgram } from "../fleet/prerequisites.ts";
import { isRunning } from "../fleet/process-table.ts";
import { until } from "../fleet/until.ts";
import { eventsOf, Gate, orchestrate, quickTimings, startOrchestrate, writePlan, type Ended } from "./orchestrate.ts";

function failures(ended: Ended): string[] {
  return eventsOf(ended).flatMap((event) =>
    event.type === "instance.failed" ? [`${event.host} ${event.instance} ${event.code}`] : [],
  );
}

function reasonOf(ended: Ended, code: string): string {
  const [failed] = eventsOf(ended).flatMap((event) =>
    event.type === "instance.failed" && event.code === code ? [event] : [],
  );
  return failed?.reason ?? "";
}

function countsOf(ended: Ended) {
  const finished = eventsOf(ended).at(-1);
  return finished?.type === "rollout.finished" ? { outcome: finished.outcome, ...finished.counts } : undefined;
}

/** As an upgrade of its package does. */
async function restartSupervisord(host: FleetHost): Promise<void> {
  assert.ok(await host.shutDownSupervisord(20_000));
  await host.supervisord.ended(20_000);
  await host.revive("supervisord");
}

/** A supervisorctl that takes no session, as where sudo allows only some arguments. */
async function withoutSession(fleet: Fleet): Promise<string> {
  const file = join(fleet.dir, "no-session");
  await writeFile(file, `#!/bin/sh\n[ $# -gt 2 ] || exit 1\nexec ${findProgram("supervisorctl")} "$@"\n`);
  await chmod(file, 0o755);
  return file;
}

/** How a plan can have a host's supervisord looked at, and the way by which that is done. */
const ALL_WAYS = ["session", "exec", "xml-rpc", "session, connection: local"] as const;
const WAYS = FULL ? ALL_WAYS : ALL_WAYS.slice(0, 1);

async function hostsBy(way: (typeof ALL_WAYS)[number], fleet: Fleet): Promise<Record<string, object>> {
  const command = await withoutSession(fleet);
  return Object.fromEntries(
    Object.entries(fleet.planHosts()).map(([name, { address, supervisor }]) => {
      const server_url = `unix://${join(fleet.host(name).dir, "s.sock")}`;
      const own = way === "xml-rpc" ? { server_url } : way === "exec" ? { command } : {};
      const place = way.endsWith("local") ? { connection: "local" } : { address };
      return [name, { ...place, supervisor: { ...supervisor, ...own } }];
    }),
  );
}

for (const way of WAYS)
  describe(`supervisord itself in the middle of a rollout, looked at by ${way}`, () => {
    let fleet: Fleet;
    let hosts: Record<string, object>;
    beforeEach(async () => {
      fleet = await raiseFleet({
        hosts: 2,
        groups: [
          { name: "web", processes: 2 },
          { name: "job", processes: 2, autostart: false },
        ],
      });
      for (const host of fleet.hosts) for (const job of ["job:job_00", "job:job_01"]) await host.start(job);
      hosts = await hostsBy(way, fleet);
    });
    afterEach(() => fleet.down());

    /** A rollout that waits before it restarts the second of these programs, with the first proven. */
    async function untilSecond(program: string, keys: object = {}) {
      const go = new Gate(fleet.dir);
      const hooks = {
        before_restart: `case {host}:{process} in host-1:*_01) touch ${fleet.dir}/waits; ${go.waiting};; esac`,
      };
      const plan = await writePlan(fleet, { programs: program, hosts, hooks, ...keys });
      const running = startOrchestrate([plan, "--output", "json"]);
      await until(() => existsSync(join(fleet.dir, "waits")), { deadlineMs: 60_000, what: "the second has its turn" });
      return { running, go };
    }

    it("restarted, it fails what is Not started since then, with a second host as it should be", async () => {
      const host = fleet.host("host-1");
      const { running, go } = await untilSecond("job", { limits: { max_failures: 2 } });
      const before = host.supervisord.pid;
      await restartSupervisord(host);
      await go.open();
      const ended = await running.ended;
      assert.equal(ended.code, 1, ended.stderr);
      assert.deepEqual(failures(ended), [
        "host-1 job:job_00 supervisor_restarted",
        "host-1 job:job_01 supervisor_restarted",
      ]);
      assert.deepEqual(countsOf(ended), { outcome: "incomplete", healthy: 2, failed: 2, skipped: 0, untouched: 0 });
      const pids = `(pid ${host.supervisord.pid}, previously ${before})`;
      assert.ok(reasonOf(ended, "supervisor_restarted").includes(`supervisord was restarted ${pids}`));
    });

    itInFull(
      "restarted, it halts a rollout that tolerates nothing, and a new pid has regressed once for its host",
      async () => {
        const { running, go } = await untilSecond("web", { programs: ["job:job_00", "web"] });
        await restartSupervisord(fleet.host("host-1"));
        await go.open();
        const ended = await running.ended;
        assert.equal(ended.code, 1, ended.stderr);
        assert.deepEqual(failures(ended), ["host-1 job:job_00 supervisor_restarted", "host-1 web:web_00 regressed"]);
        assert.deepEqual(countsOf(ended), { outcome: "halted", healthy: 0, failed: 2, skipped: 0, untouched: 4 });
      },
    );
  });

/** What containers have: it ends supervisord when a program is FATAL, so that something outside starts all again. */
const QUIT_ON_FATAL = [
  "[eventlistener:quit]",
  `command=bash -c "printf 'READY\\n' && while read line; do kill -SIGQUIT $PPID; done < /dev/stdin"`,
  "events=PROCESS_STATE_FATAL",
];

for (const way of WAYS)
  describe(`a listener that ends supervisord when a program is FATAL, looked at by ${way}`, () => {
    let fleet: Fleet;
    beforeEach(async () => {
      const groups = [{ name: "web", processes: 3, startretries: 1, extraLines: QUIT_ON_FATAL }];
      fleet = await raiseFleet({ hosts: 2, groups });
    });
    afterEach(() => fleet.down());

    it("fails that restart at once, with supervisorctl's words, and nothing of that host is called healthy", async () => {
      const host = fleet.host("host-1");
      const plan = await writePlan(fleet, {
        hosts: await hostsBy(way, fleet),
        timings: { ...quickTimings, healthy_deadline: "10m" },
      });
      await host.behave("web:web_02", { kind: "crash_at_start" });
      const ended = await orchestrate(plan, "--output", "json");
      assert.equal(ended.code, 1, ended.stderr);
      assert.deepEqual(failures(ended), ["host-1 web:web_02 supervisor_ended", "host-1 web:web_00 regressed"]);
      const reason = reasonOf(ended, "supervisor_ended");
      assert.match(reason, /^supervisord itself ended after this restart; everything on this host is down: /);
      assert.match(reason, /web_02: ERROR \(spawn error\)/);
      assert.match(reasonOf(ended, "regressed"), /supervisord itself ended.*likewise web:web_01/);
      assert.deepEqual(countsOf(ended), { outcome: "halted", healthy: 0, failed: 3, skipped: 0, untouched: 3 });
    });
  });

describe("a supervisord that is killed leaves its processes running, and the next one starts others beside them", () => {
  let fleet: Fleet;
  before(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 2 }] });
  });
  after(() => fleet.down());

  const resume = (plan: string) => orchestrate(plan, "--resume", "--wait-for-lock", "1m", "--output", "json");

  function leftIn(ended: Ended): string[] {
    return eventsOf(ended).flatMap((event) =>
      event.type === "instance.leftovers" ? event.processes.map(({ pid }) => `${event.instance} ${pid}`) : [],
    );
  }

  it("so that a resume calls nothing healthy beside which the old code still runs", async () => {
    const host = fleet.host("host-1");
    const go = new Gate(fleet.dir);
    const before_restart = `case {process} in *_01) touch ${fleet.dir}/waits; ${go.waiting};; esac`;
    const timings = { ...quickTimings, min_healthy_time: "1500ms" };
    const plan = await writePlan(fleet, {
      programs: "web",
      limits: { max_failures: 9 },
      timings,
      hooks: { before_restart },
    });
    const running = startOrchestrate([plan, "--output", "json"]);
    await until(() => existsSync(join(fleet.dir, "waits")), { deadlineMs: 60_000, what: "the second has its turn" });
    const { pid: old } = await host.process("web:web_01");
    running.child.kill("SIGKILL");
    await running.ended;
    await host.kill("supervisord");
    await host.revive("supervisord", "stay");
    await go.open();

    for (const _ of ["first", "second"]) {
      const resumed = await resume(plan);
      assert.equal(resumed.code, 1, resumed.stdout + resumed.stderr);
      assert.deepEqual(failures(resumed), ["host-1 web:web_01 leftovers"]);
      assert.deepEqual(leftIn(resumed), [`web:web_01 ${old}`]);
    }
    process.kill(old, "SIGKILL");
    await until(() => !isRunning(old), { deadlineMs: 10_000, what: "what was left has ended" });
    const fixed = await resume(plan);
    assert.equal(fixed.code, 0, fixed.stdout + fixed.stderr);
  });
});
