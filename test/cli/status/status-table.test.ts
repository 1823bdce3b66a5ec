import assert from "node:assert/strict";
import type { InstanceName } from "../../../src/domain/ids.ts";
import { fleetStatus, isAsExpected } from "../../../src/cli/status/fleet-status.ts";
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
    assert.equal(isAsExpected(statusOf(hosts)), false);
    assert.equal(isAsExpected(statusOf(hosts, { programsWhereFound: true })), true);
  });

  it("is content only if everything is RUNNING", () => {
    assert.equal(isAsExpected(statusOf({ "h-1": ["web:0", "web:1"] })), true);
    assert.equal(isAsExpected(statusOf({ "h-1": ["web:0", instance("web:1", { state: "STOPPED" })] })), false);
    assert.equal(isAsExpected(statusOf({ "h-1": { code: "unreachable", reason: "gone" } })), false);
  });

  it("does not count what is RUNNING on pid 0: that is not a process", () => {
    const status = statusOf({ "h-1": ["web:0", instance("web:1", { pid: 0 })] });
    assert.equal(isAsExpected(status), false);
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

describe("the rows of a status", () => {
  const NAMES = ["gunicorn", "celery", "beat", "flower", "migrate", "metrics"].map((name) => `shop:${name}`);
  const plan = planOf("programs: [shop, web]\nhosts: { 'h-[1-2]': }\n");
  const linesOf = (hosts: Hosts, columns?: number) =>
    statusLines(fleetStatus(plan, fleetOf(hosts), NOW, { programsWhereFound: true }), columns);

  it("name a group once where all of its instances are alike", () => {
    const lines = linesOf({ "h-1": NAMES, "h-2": NAMES });
    assert.deepEqual(lines.slice(2), ["STATE    HOSTS    INSTANCES", "RUNNING  h-[1-2]  shop:* (6)  up 1h"]);
  });

  it("name the instances where they are not, continued below in as many columns as the screen has", () => {
    const fatal = [...NAMES.slice(1), instance(NAMES[0]!, { state: "FATAL", description: "Exited too quickly" })];
    const lines = linesOf({ "h-1": fatal }, 70);
    assert.deepEqual(lines.slice(2), [
      "STATE    HOSTS  INSTANCES",
      "FATAL    h-1    shop:gunicorn                      Exited too quickly",
      "RUNNING  h-1    shop:celery shop:beat shop:flower  up 1h",
      "                shop:migrate shop:metrics",
    ]);
    for (const line of lines) assert.ok(line.length <= 70, line);
  });
});

describe("what is down as it is configured", () => {
  const down = [
    instance("web:manual", { state: "STOPPED", description: "Not started" }),
    instance("web:migrate", { state: "EXITED", description: "Nov 22 09:00 AM" }),
    "web:0",
  ];
  const configured = (autostart: boolean, end: "expected" | "unexpected" = "expected") => {
    const report = fleetOf({ "h-1": down });
    const [one] = report.values();
    assert.ok(one && "instances" in one);
    const migrate = "web:migrate" as InstanceName;
    const instances = new Map([
      ["web:manual" as InstanceName, { autostart }],
      [migrate, { autorestart: false }],
    ]);
    const histories = new Map([[migrate, { kind: "read", processes: [{ end }] } as const]]);
    const seen = { ...one, config: { instances, files: [] }, at_rest: new Set([migrate]), histories };
    return fleetStatus(PLAN, new Map([[one.host, seen]]), NOW, { programsWhereFound: true });
  };

  it("is no trouble, and is named with its reason after what is", () => {
    const status = configured(false);
    assert.equal(isAsExpected(status), true);
    assert.deepEqual(statusLines(status), [
      "prod: 1 of 3 RUNNING and 2 down as configured, on 1 host",
      "",
      "STATE    HOSTS  INSTANCES",
      "STOPPED  h-1    web:manual   Not started; as configured: autostart=false",
      "EXITED   h-1    web:migrate  Nov 22 09:00 AM; as configured: autorestart=false",
      "RUNNING  h-1    web:0        up 1h",
    ]);
  });

  it("does not hide what should be up, nor a one-shot that failed", () => {
    assert.equal(isAsExpected(configured(true)), false);
    assert.equal(isAsExpected(configured(false, "unexpected")), false);
  });

  it("is seen without the configuration as well, where Supervisor has never started it", () => {
    const [manual = ""] = down;
    assert.equal(isAsExpected(statusOf({ "h-1": [manual, "web:0"] })), true);
  });
});
