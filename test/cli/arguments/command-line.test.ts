import assert from "node:assert/strict";
import { readArguments } from "../../../src/cli/arguments/command-line.ts";

/** What commander writes to stderr while a command line is read. */
function complaintOf(...argv: string[]): string {
  const write = process.stderr.write.bind(process.stderr);
  let said = "";
  process.stderr.write = (text: string | Uint8Array) => {
    said += String(text);
    return true;
  };
  try {
    const given = readArguments(argv, "1.0.0");
    assert.deepEqual(given, { command: "exit", mistaken: true });
  } finally {
    process.stderr.write = write;
  }
  return said;
}

describe("the command line", () => {
  it("is a run of everything by default", () => {
    assert.deepEqual(readArguments(["plan.yaml"], "1"), {
      ...{
        command: "run",
        plan: "plan.yaml",
        dryRun: false,
        offline: false,
        ask: false,
        verbose: false,
        output: "auto",
      },
      ...{ limit: [], exclude: [], program: [], set: [] },
    });
  });

  it("takes patterns and programs as often as they are given", () => {
    const given = readArguments(
      ["p", "--limit", "a-[1-3]", "--exclude", "a-2", "--limit", "@web", "--program", "x", "--program", "y:*"],
      "1",
    );
    assert.ok(given.command === "run");
    assert.deepEqual([given.limit, given.exclude, given.program], [["a-[1-3]", "@web"], ["a-2"], ["x", "y:*"]]);
  });

  it("takes hosts and programs in the place of a plan", () => {
    const given = readArguments(["--hosts", "a", "b", "--program", "x", "--sudo", "--set", "batches.hosts=2"], "1");
    assert.ok(given.command === "run");
    assert.deepEqual(
      [given.adHoc, given.set, given.program],
      [{ hosts: ["a", "b"], programs: ["x"], sudo: true }, ["batches.hosts=2"], []],
    );
    for (const [words, message] of [
      [["p", "--hosts", "a", "--program", "x"], /takes the place of a plan/],
      [["--hosts", "a"], /--hosts needs --program/],
      [["p", "--sudo"], /use --set supervisor\.sudo=true/],
      [["p", "--user", "root"], /use --set ssh\.user=root/],
      [["p", "--save-plan", "q"], /--save-plan is for --hosts/],
      [[], /missing required argument 'plan'; without a plan, give --hosts and --program/],
    ] as const)
      assert.match(complaintOf(...words), message);
  });

  it("takes an action in place of those of the plan: a signal in one word or in two", () => {
    for (const [word, action] of [
      ["update", "update"],
      ["signal:HUP", { signal: "HUP" }],
      ["signal USR2", { signal: "USR2" }],
    ] as const) {
      const given = readArguments(["p", "--action", word], "1");
      assert.deepEqual(given.command === "run" && given.action, action);
    }
    const adHoc = readArguments(["--hosts", "a", "--program", "x", "--action", "stop"], "1");
    assert.ok(adHoc.command === "run");
    assert.deepEqual([adHoc.adHoc?.action, adHoc.action], ["stop", undefined]);
  });

  it("takes a selection for status too", () => {
    const given = readArguments(["status", "p", "--limit", "a", "--started-before", "2h", "--watch"], "1");
    assert.ok(given.command === "status");
    assert.deepEqual([given.limit, given.watch, given.startedBefore?.leastUptimeMs], [["a"], true, 7_200_000]);
  });

  it("has --offline imply a dry run", () => {
    const given = readArguments(["p", "--offline"], "1");
    assert.ok(given.command === "run" && given.dryRun && given.offline);
  });

  it("says how a plan is run to users who write a command before it, as other tools want it", () => {
    const said = (...argv: string[]) => complaintOf(...argv).split("\n")[0];
    assert.equal(said("run", "plans/prod.yaml"), 'error: there is no command "run": write orchestrate plans/prod.yaml');
    assert.equal(
      said("restart", "prod.yml", "--limit", "web-1"),
      'error: there is no command "restart": write orchestrate prod.yml --limit web-1',
    );
    assert.equal(said("plan", "prod.yaml"), 'error: there is no command "plan": write orchestrate prod.yaml --dry-run');
    assert.equal(readArguments(["run", "--dry-run"], "1").command, "run");
  });

  it("takes several plans to validate", () => {
    assert.deepEqual(readArguments(["validate", "a", "b", "--output", "json"], "1"), {
      command: "validate",
      plans: ["a", "b"],
      output: "json",
    });
  });

  for (const [argv, resume] of [
    [["p", "--resume"], "newest"],
    [["--resume", "plans/p.yaml"], "newest"],
    [["p", "--resume", "20261122T100000Z-4f2a"], "20261122T100000Z-4f2a"],
  ] as const)
    it(`reads ${argv.join(" ")}: an id is told from a plan`, () => {
      const given = readArguments(argv, "0");
      assert.equal(given.command === "run" && given.resume, resume);
    });

  for (const [argv, revert] of [
    [["p", "--revert"], "newest"],
    [["--revert", "plans/p.yaml"], "newest"],
    [["p", "--revert", "20261122T100000Z-4f2a", "--limit", "a", "--program", "x"], "20261122T100000Z-4f2a"],
  ] as const)
    it(`reads ${argv.join(" ")}: the rollout to revert, or the newest`, () => {
      const given = readArguments(argv, "0");
      assert.equal(given.command === "run" && given.revert, revert);
    });

  for (const [what, argv, complaint] of [
    ["a revert that is a resume", ["p", "--revert", "--resume"], /--revert starts a revert and --resume continues/],
    [
      "a revert by age",
      ["p", "--revert", "--started-before", "2h"],
      /--revert restarts what the rollout has restarted/,
    ],
    ["a revert with another action", ["p", "--revert", "--action", "stop"], /cannot be combined with --action/],
    ["a moment that cannot be read", ["p", "--started-before", "noon"], /2026-11-22T10:00Z, or an age such as 2h/],
    ["a question before a dry run", ["p", "--ask", "--dry-run"], /--ask cannot be combined with a dry run/],
    [
      "uptimes without contact",
      ["p", "--offline", "--started-before", "2h"],
      /--started-before needs to contact hosts/,
    ],
    ["an unknown output of status", ["status", "p", "--output", "tree"], /Allowed choices are text, json/],
    [
      "a resume of other programs",
      ["p", "--resume", "--program", "x"],
      /cannot be combined with --program, --started-before or --offline \(--limit and --exclude may narrow it\)/,
    ],
    ["a resume with another action", ["p", "--resume", "--action", "stop"], /cannot be combined with --action/],
    ["an action that there is not", ["p", "--action", "bounce"], /must be restart, update, start, stop or signal:NAME/],
    ["another tool's word for an action", ["p", "--action", "reload"], /Did you mean signal:HUP\?/],
    ["a signal with SIG", ["p", "--action", "signal:SIGUSR1"], /Did you mean signal:USR1\?/],
    ["a wait that is no duration", ["p", "--wait-for-lock", "soon"], /a duration such as 30s, 10m or 1h/],
    ["an option that is misspelt", ["p", "--limt", "x"], /Did you mean --limit\?/],
  ] as const)
    it(`refuses ${what}`, () => assert.match(complaintOf(...argv), complaint));
});
