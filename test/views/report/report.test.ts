import assert from "node:assert/strict";
import type { RolloutEvent } from "../../../src/domain/events.ts";
import type { HostName, InstanceName, RolloutId } from "../../../src/domain/ids.ts";
import type { Invocation } from "../../../src/views/report/next-steps.ts";
import { RolloutModel } from "../../../src/views/model/rollout-model.ts";
import { reportText } from "../../../src/views/report/report.ts";
import {
  connected,
  failed,
  finished,
  healthy,
  indeterminate,
  names,
  planned,
  recorded,
  restarted,
  restarting,
  skipped,
  unreachable,
  type Planned,
} from "../rollout-script.ts";

const WEB = names("web-", 8);
const INSTANCES = ["web:web_00", "web:web_01", "web:web_02", "web:web_03"];

function eightHosts(more: Partial<Parameters<typeof planned>[0]> = {}): Planned {
  return planned({ waves: [{ group: "web", hosts: WEB, hostsAtOnce: 1 }], instances: INSTANCES, ...more });
}

function reportOf(events: readonly RolloutEvent[], called: Invocation = { plan: "plans/prod.yaml" }): string {
  return reportText(RolloutModel.of(recorded(events)), called);
}

describe("the closing report", () => {
  it("of a halted rollout says what failed and why, what is untouched, and how to continue", () => {
    const text = reportOf([
      eightHosts({ skipped: [{ host: "web-01", instance: "web:spare", why: "it was STOPPED before" }] }),
      { type: "rollout.started" },
      ...INSTANCES.flatMap((instance) => restarted("web-01", instance)),
      ...restarted("web-02", "web:web_00"),
      restarting("web-02", "web:web_01"),
      failed(
        "web-02",
        "web:web_01",
        "flapping",
        "it was RUNNING on pid 4711 for at most 3s, then it was on pid 4790",
        "Traceback (most recent call last):\n\tFile \"app.py\"\nKeyError: 'DATABASE_URL'\n",
      ),
      {
        type: "rollout.halted",
        code: "flapping",
        reason: "web-02 web:web_01: it was RUNNING on pid 4711 for at most 3s, then it was on pid 4790",
      },
      finished("halted", { healthy: 5, failed: 1, skipped: 1, untouched: 26 }),
    ]);
    assert.equal(
      text,
      `halted: prod (20261122T100000Z-4f2a) after 42s (preview: at least 7m36s): 5 healthy, 1 failed, 1 skipped, 26 untouched

failed
  web-02 web:web_01: it keeps exiting and being restarted by Supervisor (flapping)
    it was RUNNING on pid 4711 for at most 3s, then it was on pid 4790
    Read its log below. Supervisor keeps restarting it: stop it with \`supervisorctl stop\` if that is causing damage.
    the end of its stderr log:
      | Traceback (most recent call last):
      |     File "app.py"
      | KeyError: 'DATABASE_URL'

untouched
  web-02 web:web_[02-03]
  web-[03-08] web:web_[00-03]

skipped
  web-01 web:spare: it was STOPPED before

healthy
  web-01 web:web_[00-03]
  web-02 web:web_00

how to continue
  Fix the cause, then resume:
    orchestrate plans/prod.yaml --resume 20261122T100000Z-4f2a
  If another release was deployed in the meantime, start over:
    orchestrate plans/prod.yaml
  Journal lost? This restarts everything that has not been restarted since the rollout began. STOPPED and drained instances are left as they are:
    orchestrate plans/prod.yaml --started-before 2026-11-22T10:00:00Z
`,
    );
  });

  it("says again which configuration was not loaded: that is as true as it was before", () => {
    const message = "/etc/web.conf (web) was changed after it was started, and a restart does not load it: update";
    const other = { host: "web-02" as HostName, message: "it is FATAL already" };
    const warnings = [{ host: "web-01" as HostName, message, kind: "not_loaded" as const }, other];
    const text = reportOf([
      { ...eightHosts(), warnings },
      { type: "rollout.started" },
      finished("succeeded", { healthy: 32 }, 130),
    ]);
    assert.ok(text.includes(`\n\nconfiguration that was not loaded\n  web-01: ${message}\n`), text);
    assert.ok(!text.includes(other.message));
  });

  it("of a success is one line, and what was skipped", () => {
    const events = [
      eightHosts(),
      { type: "rollout.started" } as const,
      ...WEB.flatMap((host) => INSTANCES.flatMap((instance) => restarted(host, instance))),
    ];
    assert.equal(
      reportOf([...events, finished("succeeded", { healthy: 32 }, 130)]),
      "succeeded: prod (20261122T100000Z-4f2a) in 2m10s (preview: at least 7m36s): 32 healthy, 0 failed\n",
    );
    assert.equal(
      reportOf([
        ...events,
        skipped("web-08", "web:web_03", "it has become STOPPED since the preview"),
        finished("succeeded", { healthy: 31, skipped: 1 }, 130),
      ]),
      `succeeded: prod (20261122T100000Z-4f2a) in 2m10s (preview: at least 7m36s): 31 healthy, 0 failed, 1 skipped

skipped
  web-08 web:web_03: it has become STOPPED since the preview
`,
    );
  });

  it("of a refused rollout has a refusal's own remedy in place of that of its kind, and one line for hosts with the same reason", () => {
    const refusal = (host: string, reason: string, remedy?: string) => {
      return { code: "supervisor_unavailable", host, reason, ...(remedy !== undefined && { remedy }) } as const;
    };
    const text = reportOf([
      finished("refused", {}, 3, [
        refusal("web-01", "sudo: a password is required", "Change sudoers."),
        refusal("web-02", "it hangs"),
        refusal("web-03", "sudo: a password is required", "Change sudoers."),
      ]),
    ]);
    const section = text.slice(text.indexOf("refused because"), text.indexOf("\n\nhow to"));
    assert.equal(
      section,
      `refused because
  supervisorctl does not answer on a host (supervisor_unavailable)
    web-02: it hangs
    Run it there by hand; see supervisor.command, .sudo, .config and .server_url of the plan.
    web-[01,03]: sudo: a password is required
    Change sudoers.`,
    );
  });

  it("of a refused rollout has each refusal, and a remedy for each kind", () => {
    const text = reportOf([
      connected("web-01", 4),
      finished("refused", {}, 3, [
        { code: "unreachable", host: "web-02", reason: "connect ETIMEDOUT 10.0.0.2:22" },
        { code: "program_not_found", host: "web-01", reason: 'no program "wbe"' },
        { code: "unreachable", host: "web-03", reason: "connect ECONNREFUSED 10.0.0.3:22" },
      ]),
    ]);
    assert.equal(
      text,
      `refused: plans/prod.yaml (20261122T100000Z-4f2a) after 3s: nothing was changed

refused because
  a program of the plan does not exist on a host (program_not_found)
    web-01: no program "wbe"
    Compare \`programs\` with \`supervisorctl status\` there; a group's own \`programs\` can differ from the plan's.
  a host cannot be reached (unreachable)
    web-02: connect ETIMEDOUT 10.0.0.2:22
    web-03: connect ECONNREFUSED 10.0.0.3:22
    Try \`ssh\` to it with the same user and port. If the host is gone for good, remove it from the plan.

how to continue
  Fix that, then run it again:
    orchestrate plans/prod.yaml
`,
    );
  });

  it("of an interrupted rollout names who stopped it and what was left", () => {
    const text = reportOf([
      eightHosts(),
      { type: "rollout.started" },
      restarting("web-01", "web:web_00"),
      { type: "rollout.interrupted", signal: "SIGINT" },
      healthy("web-01", "web:web_00"),
      finished("interrupted", { healthy: 1, untouched: 31 }, 9),
    ]);
    assert.equal(
      text,
      `interrupted: prod (20261122T100000Z-4f2a) after 9s (preview: at least 7m36s): 1 healthy, 0 failed, 31 untouched
because it was interrupted (SIGINT)

untouched
  web-01 web:web_[01-03]
  web-[02-08] web:web_[00-03]

healthy
  web-01 web:web_00

how to continue
  Resume:
    orchestrate plans/prod.yaml --resume 20261122T100000Z-4f2a
  If another release was deployed in the meantime, start over:
    orchestrate plans/prod.yaml
  Journal lost? This restarts everything that has not been restarted since the rollout began. STOPPED and drained instances are left as they are:
    orchestrate plans/prod.yaml --started-before 2026-11-22T10:00:00Z
`,
    );
  });

  it("keeps apart what was abandoned mid-restart", () => {
    const text = reportOf([
      planned({ waves: [{ group: "web", hosts: ["web-01"], hostsAtOnce: 1 }], instances: INSTANCES.slice(0, 2) }),
      { type: "rollout.started" },
      restarting("web-01", "web:web_00"),
      indeterminate("web-01", "web:web_00", "the operator left while it was being restarted"),
      finished("interrupted", { failed: 1, untouched: 1 }, 2),
    ]);
    assert.match(
      text,
      /abandoned mid-restart\n {2}web-01 web:web_00: the operator left while it was being restarted\n {4}Look at the instance/,
    );
    assert.match(text, /untouched\n {2}web-01 web:web_01\n/);
    assert.match(text, /how to continue\n {2}Resume:\n.* --resume /);
  });

  it("of a rollout whose end was never told counts for itself", () => {
    const text = reportOf([eightHosts(), ...restarted("web-01", "web:web_00"), restarting("web-01", "web:web_01")]);
    assert.match(
      text,
      /^did not finish \(its process was killed\), or is still running: prod \(20261122T100000Z-4f2a\): 1 healthy, 1 failed, 30 untouched\n/,
    );
    assert.match(text, /web-01 web:web_01: its restart was sent/);
  });

  it("of a rollout that still runs says since when and where, and asks nobody to repair anything", () => {
    const events = [
      { ...eightHosts(), who: "deploy@ci-1", pid: 4711, reason: "release 42" },
      ...restarted("web-01", "web:web_00"),
      restarting("web-01", "web:web_01"),
    ];
    const writer = { state: "running", pid: 4711, machine: "ci-1" } as const;
    const text = reportText(RolloutModel.of(recorded(events), writer));
    assert.match(
      text,
      /^running: prod \(20261122T100000Z-4f2a\) since 2026-11-22 10:00:00 UTC, pid 4711 on ci-1: 1 healthy, 0 failed, 30 untouched, 1 in progress\nstarted by deploy@ci-1: release 42\n\nin progress\n {2}web-01 web:web_01\n/,
    );
    assert.match(text, /There is nothing to repair or to resume\.\n {2}To stop it .*, on ci-1:\n {4}kill 4711\n$/);
    assert.doesNotMatch(text, /did not finish|abandoned|--resume|Journal lost/);
  });

  it("of a rollout that another machine runs, or ran, says that only that one can tell", () => {
    const writer = { state: "unknown", pid: 4711, machine: "ci-2" } as const;
    const text = reportText(RolloutModel.of(recorded([eightHosts(), ...restarted("web-01", "web:web_00")]), writer));
    assert.match(
      text,
      /^did not finish, or is still running on ci-2, .*: prod \(\S+\) since 2026-11-22 10:00:00 UTC, pid 4711 on ci-2:/,
    );
  });

  it("says why a rollout was halted when no failed instance does", () => {
    const text = reportOf([
      eightHosts(),
      { type: "rollout.halted", code: "unreachable", reason: "web-01: connect ETIMEDOUT" },
      finished("halted", { untouched: 32 }),
    ]);
    assert.match(
      text,
      /32 untouched\nbecause web-01: connect ETIMEDOUT: a host was lost \(unreachable\)\nMake sure you can/,
    );
  });

  it("names failed hooks and what is still drained", () => {
    const drained = {
      ...failed("web-01", "web:web_00", "hook_failed", "after_healthy: exit code 1"),
      still_drained: true,
    };
    const text = reportOf([
      eightHosts(),
      drained,
      { type: "hook.finished", hook: "on_failure", succeeded: false, reason: "exit code 7" },
      finished("incomplete", { healthy: 31, failed: 1 }),
    ]);
    assert.match(text, /failed\n {2}web-01 web:web_00: a hook of the plan failed \(hook_failed\)\n/);
    assert.match(text, / {4}It is still drained: before_restart ran for it and after_healthy did not.\n/);
    assert.match(text, /\nfailed hooks\n {2}on_failure: exit code 7\n/);
  });

  it("names hosts that do not answer, and instances that the plan's hooks left out of service", () => {
    const about = { host: "web-02", program: "web", instance: "web:web_01" };
    const drain = { type: "hook.started", hook: "before_restart", ms: 60_000, ...about } as RolloutEvent;
    const enabled = (host: string) =>
      ["before_restart", "after_healthy"].flatMap((hook) => [
        { type: "hook.started", hook, ms: 1, ...about, host } as RolloutEvent,
        { type: "hook.finished", hook, succeeded: true, ...about, host } as RolloutEvent,
      ]);
    const text = reportOf([
      eightHosts(),
      { type: "rollout.started" },
      ...enabled("web-01"),
      drain,
      unreachable("web-04", "connect ETIMEDOUT"),
      unreachable("web-05", "for a moment"),
      connected("web-05", 4),
      finished("interrupted", { untouched: 32 }, 9),
    ]);
    assert.match(
      text,
      /\nunreachable\n {2}web-04: unreachable: connect ETIMEDOUT\n\nstill drained\n {2}web-02 web:web_01\n {4}before_restart/,
    );
    assert.doesNotMatch(text, /web-05: /);
  });

  it("forgets a failure that was mended within the rollout", () => {
    const text = reportOf([
      eightHosts(),
      failed("web-01", "web:web_00", "fatal", "it is FATAL"),
      healthy("web-01", "web:web_00"),
      finished("interrupted", {}),
    ]);
    assert.doesNotMatch(text, /FATAL/);
  });

  it("shows only the first ten logs, and all reasons", () => {
    const failures = WEB.flatMap((host) =>
      INSTANCES.map((instance) =>
        failed(host, instance, "fatal", `it is FATAL on ${host}`, `log of ${host} ${instance}`),
      ),
    );
    const text = reportOf([eightHosts(), ...failures, finished("incomplete", { failed: 32 })]);
    assert.equal(text.match(/\| log of/g)?.length, 10);
    assert.equal(text.match(/it is FATAL on/g)?.length, 32);
    assert.equal(text.match(/Read its log below and fix the cause/g)?.length, 1);
  });

  it("lets nothing from a host act on the terminal", () => {
    const text = reportOf([
      eightHosts(),
      failed(
        "web-01",
        "web:web_00",
        "fatal",
        "it is FATAL\u001b[2J",
        "\u001b]0;owned\u0007red\u001b[31m\r\n\u202egnp.exe\n\u009b31m",
      ),
      { type: "rollout.halted", code: "fatal", reason: "\u001b[2Jsomething" },
      finished("halted", { failed: 1 }),
    ]);
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    assert.ok(text.includes(String.raw`\x1b]0;owned\x07red\x1b[31m`));
    assert.ok(text.includes(String.raw`\u202egnp.exe`));
  });
});

describe("the commands that go on, as the report names them", () => {
  const halt: RolloutEvent = { type: "rollout.halted", code: "fatal", reason: "web-01 web:web_01: it is FATAL" };
  const touched = [
    { type: "rollout.started" } as const,
    ...restarted("web-01", "web:web_00"),
    failed("web-01", "web:web_01", "fatal", "it is FATAL"),
    halt,
    finished("halted", { healthy: 1, failed: 1, untouched: 30 }),
  ];

  function commandsOf(events: readonly RolloutEvent[], called?: Invocation): string[] {
    return reportOf(events, called)
      .split("\n")
      .flatMap((line) => /^ {4}(orchestrate .*)/.exec(line)?.[1] ?? []);
  }

  it("quote what a shell would not take as it is", () => {
    assert.deepEqual(commandsOf([finished("interrupted", {})], { plan: "plans/my prod.yaml" }), [
      "orchestrate 'plans/my prod.yaml'",
    ]);
  });

  it("find the journal where the rollout has kept it", () => {
    assert.deepEqual(commandsOf([eightHosts(), ...touched], { plan: "prod.yaml", stateDir: "/srv/our state" }), [
      "orchestrate prod.yaml --resume 20261122T100000Z-4f2a --state-dir '/srv/our state'",
      "orchestrate prod.yaml --state-dir '/srv/our state'",
      "orchestrate prod.yaml --started-before 2026-11-22T10:00:00Z --state-dir '/srv/our state'",
    ]);
  });

  it("are the same again where nothing was begun, be it a resume or a part of the fleet", () => {
    const words = ["prod.yaml", "--resume", "20261121T100000Z-aaaa", "--limit", "@canary", "--reason", "it's late"];
    const refused = finished("refused", {}, 3, [{ code: "unreachable", host: "web-02", reason: "connect ETIMEDOUT" }]);
    const same = "orchestrate prod.yaml --resume 20261121T100000Z-aaaa --limit @canary --reason 'it'\\''s late'";
    assert.deepEqual(commandsOf([refused], { plan: "prod.yaml", words }), [same]);
    assert.deepEqual(commandsOf([finished("interrupted", {})], { plan: "prod.yaml", words }), [same]);
  });

  it("never reach further than the rollout did", () => {
    const selection = { limit: ["@canary", "web-[01-02]"], exclude: ["web-02"], programs: ["web"] };
    const part = { ...eightHosts(), selection };
    assert.deepEqual(commandsOf([part, ...touched], { startedBefore: "2026-11-22T08:00:00Z" }), [
      "orchestrate /srv/plans/prod.yaml --resume 20261122T100000Z-4f2a",
      "orchestrate /srv/plans/prod.yaml --started-before 2026-11-22T08:00:00Z" +
        " --limit @canary --limit 'web-[01-02]' --exclude web-02 --program web",
    ]);
    assert.deepEqual(commandsOf([part, finished("interrupted", { untouched: 32 })]), [
      "orchestrate plans/prod.yaml --limit @canary --limit 'web-[01-02]' --exclude web-02 --program web",
    ]);
  });

  it("of a resume resume that, and from the start or without journals go back to how it all began, never further", () => {
    const first = "20261120T090000Z-aaaa" as RolloutId;
    const resumes = "20261121T100000Z-bbbb" as RolloutId;
    const limited = { limit: ["@canary"], exclude: ["web-02"], programs: ["web"] };
    const own = { limit: [], exclude: ["web-03"], programs: [] };
    const resume = { ...eightHosts(), resumes, began_as: { id: first, selection: limited }, selection: own };
    assert.deepEqual(commandsOf([resume, ...touched]), [
      "orchestrate plans/prod.yaml --resume 20261122T100000Z-4f2a --exclude web-03",
      "orchestrate plans/prod.yaml --limit @canary --exclude web-02 --program web",
      "orchestrate plans/prod.yaml --started-before 2026-11-20T09:00:00Z" +
        " --limit @canary --exclude web-03 --exclude web-02 --program web",
    ]);
    const narrower = { ...resume, selection: { ...own, limit: ["web-01"] } };
    assert.deepEqual(commandsOf([narrower, ...touched]), [
      "orchestrate plans/prod.yaml --resume 20261122T100000Z-4f2a --limit web-01 --exclude web-03",
      "orchestrate plans/prod.yaml --limit @canary --exclude web-02 --program web",
    ]);
  });

  it("try again what failed within the budget, and reach hosts that were left out only by a run of its own", () => {
    const failed = [...touched.slice(0, -2), finished("incomplete", { healthy: 31, failed: 1 })];
    const again = "orchestrate plans/prod.yaml --started-before 2026-11-22T10:00:00Z";
    assert.deepEqual(commandsOf([eightHosts(), ...failed]), [
      "orchestrate plans/prod.yaml --resume 20261122T100000Z-4f2a",
      "orchestrate plans/prod.yaml",
      again,
    ]);
    const leftOut = [...touched.slice(0, -3), finished("incomplete", { healthy: 31 })];
    assert.deepEqual(commandsOf([eightHosts(), ...leftOut]), [again]);
  });

  it("of a narrowed resume resume the rest, once its part is done", () => {
    const resume = {
      ...eightHosts(),
      resumes: "20261121T100000Z-aaaa" as RolloutId,
      began_as: { id: "20261121T100000Z-aaaa" as RolloutId, selection: { limit: [], exclude: [], programs: [] } },
      selection: { limit: ["web-01"], exclude: [], programs: [] },
      left_open: [
        { host: "web-02" as HostName, as: "failed", instances: ["web:web_01" as InstanceName] },
        ...["web-03", "web-04"].map((host) => ({
          host: host as HostName,
          as: "untouched" as const,
          instances: INSTANCES as InstanceName[],
        })),
      ],
    } as const;
    const rest = [
      "orchestrate plans/prod.yaml --resume 20261122T100000Z-4f2a",
      "orchestrate plans/prod.yaml",
      "orchestrate plans/prod.yaml --started-before 2026-11-21T10:00:00Z",
    ];
    const done = [...touched.slice(0, -3), finished("incomplete", { healthy: 1 })];
    assert.deepEqual(commandsOf([resume, ...done]), rest);
    const text = reportOf([resume, ...done]);
    assert.match(text, /\nhow to continue\n {2}Resume the rest:\n/);
    assert.match(
      text,
      /\nnot in this resume\n {2}failed: web-02 web:web_01\n {2}untouched: web-\[03-04\] web:web_\[00-03\]\n/,
    );
    // Its own part first.
    assert.deepEqual(
      commandsOf([resume, ...touched])[0],
      "orchestrate plans/prod.yaml --resume 20261122T100000Z-4f2a --limit web-01",
    );
  });

  it("of a resume whose journal does not say how it all began only resume that", () => {
    const resume = {
      ...eightHosts(),
      resumes: "20261121T100000Z-aaaa" as RolloutId,
      selection: { limit: ["web-01"], exclude: [], programs: [] },
    };
    const command = "orchestrate plans/prod.yaml --resume 20261122T100000Z-4f2a --limit web-01";
    assert.deepEqual(commandsOf([resume, ...touched]), [command]);
    const untouched = [{ type: "rollout.started" } as const, finished("interrupted", { untouched: 32 })];
    assert.deepEqual(commandsOf([resume, ...untouched]), [command]);
    const incomplete = [...touched.slice(0, -2), finished("incomplete", { healthy: 31, failed: 1 })];
    assert.deepEqual(commandsOf([resume, ...incomplete]), [command]);
  });
});
