import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { processTable } from "../fleet/process-table.ts";
import { until } from "../fleet/until.ts";
import { orchestrate, quickTimings, writePlan } from "./orchestrate.ts";

describe("how hosts are looked at", function () {
  let fleet: Fleet;
  before(async () => void (fleet = await raiseFleet({ hosts: 3, groups: [{ name: "web", processes: 2 }] })));
  after(() => fleet.down());
  afterEach(() => until(() => controllers().length === 0, { deadlineMs: 10_000, what: "no supervisorctl is left" }));

  /** Processes that supervisorctl runs in, for this fleet. */
  function controllers(): number[] {
    return processTable()
      .map(({ pid }) => pid)
      .filter((pid) => {
        const line = commandLine(pid);
        return line.includes("supervisorctl") && line.includes(fleet.dir);
      });
  }

  function planHosts(...withSocket: string[]) {
    const hosts = Object.entries(fleet.planHosts()).map(([name, { address, supervisor }]) => {
      const server_url = `unix://${join(fleet.host(name).dir, "s.sock")}`;
      return [name, { address, supervisor: withSocket.includes(name) ? { server_url } : supervisor }];
    });
    return Object.fromEntries(hosts) as Record<string, unknown>;
  }

  it("is told by --verbose, hosts alike on one line", async () => {
    const plan = await writePlan(fleet, { hosts: planHosts("host-3") }, "verbose");
    const ended = await orchestrate(plan, "--dry-run", "--verbose");
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(
      ended.stdout,
      /\n\nlooked at\n {2}host-\[1-2\] by session: one supervisorctl for all looks; no xml-rpc: the plan gives no server_url\n {2}host-3 by xml-rpc: unix:\/\/\S+s\.sock\n$/,
    );
    const json = await orchestrate(plan, "--dry-run", "--verbose", "--output", "json");
    assert.doesNotMatch(json.stdout, /looked at/);
    assert.match(json.stderr, /looked at/);
  });

  it("makes no difference to a rollout, and a preview of XML-RPC knows startsecs", async () => {
    const plan = await writePlan(fleet, { hosts: planHosts("host-1", "host-2", "host-3") }, "xml-rpc");
    const preview = await orchestrate(plan, "--dry-run");
    assert.match(preview.stdout, /plus the time to stop each program\.\n$/);
    const run = await orchestrate(plan, "--verbose");
    assert.equal(run.code, 0, run.stdout + run.stderr);
    assert.match(run.stderr, /\nlooked at\n( {2}host-\d by xml-rpc: unix:\S+\n){3}$/);
  });

  it("does not keep us from ending when supervisord hangs on this very machine", async () => {
    const host = fleet.host("host-1");
    const plan = await writePlan(
      fleet,
      {
        hosts: { here: { connection: "local", supervisor: { config: host.supervisorConfig } } },
        timings: { ...quickTimings, command_timeout: "1s" },
      },
      "hangs",
    );
    await host.freeze("supervisord");
    const ended = await orchestrate(plan, "--dry-run");
    assert.equal(ended.code, 3, ended.stdout + ended.stderr);
    assert.match(ended.stderr, /supervisord may hang/);
    await host.thaw("supervisord");
  });
});

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
