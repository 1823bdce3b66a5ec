import assert from "node:assert/strict";
import { fleetStatus, isAllRunning } from "../../../src/cli/status/fleet-status.ts";
import { statusLines } from "../../../src/cli/status/status-table.ts";
import { parseStartedBefore } from "../../../src/planner/build/started-before.ts";
import { fleetOf, instance, planOf, type Hosts } from "../../planner/preview/plans.ts";

const NOW = new Date("2026-11-22T10:00:00Z");
const PLAN = planOf("programs: web\nhosts: { 'h-[1-4]': }\n");

function statusOf(hosts: Hosts, selection = {}) {
  return fleetStatus(PLAN, fleetOf(hosts), NOW, { programsWhereFound: false, ...selection });
}

describe("the status of a fleet", () => {
  it("has one row for what is alike, the trouble first, and who cannot be seen before that", () => {
    const web = [instance("web:0", { uptime_s: 90_000 }), instance("web:1", { uptime_s: 240 })];
    const fatal = [instance("web:0", { state: "FATAL", description: "Exited too quickly" }), "web:1"];
    const status = statusOf({
      "h-1": web,
      "h-2": [...web, "other:0"],
      "h-3": fatal,
      "h-4": { code: "unreachable", reason: "connect ETIMEDOUT 10.0.0.4:22" },
    });
    assert.deepEqual(statusLines(status), [
      "prod: 5 of 6 RUNNING on 3 hosts, 1 more unreachable",
      "",
      "unreachable",
      "  h-4: connect ETIMEDOUT 10.0.0.4:22 (unreachable)",
      "",
      "STATE    HOSTS    INSTANCES",
      "FATAL    h-3      web:0      Exited too quickly",
      "RUNNING  h-[1-2]  web:[0-1]  up 4m to 1d",
      "RUNNING  h-3      web:1      up 1h",
    ]);
  });

  it("says what to do about hosts that cannot be seen, once for those that say the same", () => {
    const refused = {
      code: "supervisor_unavailable",
      reason: "sudo: a password is required",
      remedy: "Change sudoers.",
    } as const;
    assert.deepEqual(statusLines(statusOf({ "h-1": refused, "h-2": refused })).slice(2), [
      "unreachable",
      "  h-[1-2]: sudo: a password is required (supervisor_unavailable)",
      "    Change sudoers.",
    ]);
  });

  it("puts what may be flapping before what has been up for long", () => {
    const lines = statusLines(statusOf({ "h-1": ["web:0", instance("web:1", { uptime_s: 2 })] }));
    assert.match(lines[3] ?? "", /^RUNNING .* web:1 .*up 2s: just started, or crash-looping$/);
    assert.match(lines[4] ?? "", /^RUNNING .* web:0 .*up 1h$/);
  });

  it("shows what the plan names and a host lacks, unless the command line named it", () => {
    const hosts = { "h-1": ["web:0"], "h-2": ["other"] };
    assert.match(statusLines(statusOf(hosts))[3] ?? "", /^MISSING {2}h-2 {4}web /);
    assert.equal(isAllRunning(statusOf(hosts)), false);
    assert.equal(isAllRunning(statusOf(hosts, { programsWhereFound: true })), true);
  });

  it("is content only if everything is RUNNING", () => {
    assert.equal(isAllRunning(statusOf({ "h-1": ["web:0", "web:1"] })), true);
    assert.equal(isAllRunning(statusOf({ "h-1": ["web:0", instance("web:1", { state: "STOPPED" })] })), false);
    assert.equal(isAllRunning(statusOf({ "h-1": { code: "unreachable", reason: "gone" } })), false);
  });

  it("does not count what is RUNNING on pid 0: that is not a process", () => {
    const status = statusOf({ "h-1": ["web:0", instance("web:1", { pid: 0 })] });
    assert.equal(isAllRunning(status), false);
    const lines = statusLines(status);
    assert.match(lines[0] ?? "", /^prod: 1 of 2 RUNNING/);
    assert.match(lines[3] ?? "", /^UNKNOWN .* web:1 .*RUNNING on pid 0, which is not a process$/);
  });

  it("leaves out what was started later than asked for", () => {
    const startedBefore = parseStartedBefore("2h", NOW)!;
    const status = statusOf({ "h-1": ["web:0", instance("web:1", { uptime_s: 8000 })] }, { startedBefore });
    assert.match(statusLines(status)[0] ?? "", /^prod: 1 of 1 RUNNING/);
  });

  it("shows a host's control characters instead of obeying them", () => {
    const evil = "\u001b[2J";
    const text = statusLines(
      statusOf({ "h-1": [instance(`web:${evil}`, { state: "FATAL", description: evil })] }),
    ).join("\n");
    assert.doesNotMatch(text, /\u001b/);
    assert.ok(text.includes(String.raw`web:\x1b[2J`));
  });
});
