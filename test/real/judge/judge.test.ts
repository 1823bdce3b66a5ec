import assert from "node:assert/strict";
import { readLedger, readSupervisordLog } from "./happenings.ts";
import { judgeFailure, judgeResume, judgeSuccess, type Expected } from "./judge.ts";
import { readReport, wordsIn } from "./report.ts";

/** `1 stopped: web (exit status 0)`: the number is the second. */
function log(...lines: readonly string[]): string {
  return lines.map((line) => line.replace(/^(\d+) /, "2026-11-28 10:00:0$1,000 INFO ")).join("\n");
}

const restarted = (name: string, second: number) => [
  `${second} waiting for ${name} to stop`,
  `${second} stopped: ${name} (exit status 0)`,
  `${second} spawned: '${name}' with pid 7`,
  `${second + 1} success: ${name} entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)`,
];
const expected: Expected = {
  restarts: ["web_00", "web_01"],
  order: [["web_00", "web_01"]],
  restless: [],
  leaveBehind: [],
};
const succeeded = "succeeded: x (ID) in 4s: 2 healthy, 0 failed\n";

function seen(lines: readonly string[], report: string, code = 0) {
  return { ...readSupervisordLog(log(...lines)), code, report: readReport(report) };
}

describe("the judge of real configurations", () => {
  it("finds nothing wrong where each was restarted once, in order", () => {
    assert.deepEqual(
      judgeSuccess(seen([...restarted("web_00", 1), ...restarted("web_01", 3)], succeeded), expected),
      [],
    );
  });

  for (const [what, lines, report, code, fault] of [
    ["an exit code that does not fit", [...restarted("web_00", 1), ...restarted("web_01", 3)], succeeded, 1, /exit 1/],
    ["a report that is missing", [...restarted("web_00", 1), ...restarted("web_01", 3)], "", 0, /the report says ""/],
    ["one that was forgotten", restarted("web_00", 1), succeeded, 0, /web_01 was stopped 0 times/],
    [
      "one that was restarted twice",
      [...restarted("web_00", 1), ...restarted("web_00", 2), ...restarted("web_01", 3)],
      succeeded,
      0,
      /web_00 was stopped 2 times/,
    ],
    [
      "another one that was restarted",
      [...restarted("web_00", 1), ...restarted("web_01", 3), ...restarted("cron", 5)],
      succeeded,
      0,
      /cron was stopped/,
    ],
    [
      "a one-shot that was run again",
      [...restarted("web_00", 1), ...restarted("web_01", 3), "5 spawned: 'migrate' with pid 9"],
      succeeded,
      0,
      /migrate was started/,
    ],
    [
      "a wrong order",
      [...restarted("web_01", 1), ...restarted("web_00", 3)],
      succeeded,
      0,
      /web_01 was taken before web_00/,
    ],
    [
      "one that is down at the end",
      [...restarted("web_00", 1), ...restarted("web_01", 3), "5 exited: web_01 (exit status 1; not expected)"],
      succeeded,
      0,
      /web_01 is not up/,
    ],
  ] as const)
    it(`sees ${what}`, () => {
      const faults = judgeSuccess(seen(lines, report, code), expected);
      assert.ok(
        faults.some((each) => fault.test(each)),
        faults.join("\n"),
      );
    });

  it("sees that too few were up", () => {
    const together = [...restarted("web_00", 1), ...restarted("web_01", 1)].sort();
    const floor = { names: ["web_00", "web_01"], atLeast: 1 };
    assert.deepEqual(judgeSuccess(seen(together, succeeded), { ...expected, floor }), ["only 0 of 2 were up, not 1"]);
  });

  it("wants what old processes left behind to be named, and nothing else", () => {
    const lines = [...restarted("web_00", 1), ...restarted("web_01", 3)];
    const report = `${succeeded}\nleft behind by old instances\n  host-1 web:web_01\n    pid 7: sh\n`;
    const leaving = { ...expected, leaveBehind: ["web_01"] };
    assert.deepEqual(judgeSuccess(seen(lines, report), leaving), []);
    assert.match(
      judgeSuccess(seen(lines, succeeded), leaving).join(),
      /not said to be leaving something behind: web_01/,
    );
    assert.match(
      judgeSuccess(seen(lines, report), expected).join(),
      /wrongly said to be leaving something behind: web_01/,
    );
  });

  it("sees that a run took another order than its preview named", () => {
    const lines = [...restarted("web_00", 1), ...restarted("web_01", 3)];
    const announced = ["host-1", "web_01", "then", "web_00"];
    assert.deepEqual(judgeSuccess(seen(lines, succeeded), { ...expected, announced }), [
      "web_00 was taken before web_01",
    ]);
  });

  it("lets a worker end by itself, before its turn and after it", () => {
    const lines = [
      "0 exited: web_01 (exit status 0; expected)",
      "0 spawned: 'web_01' with pid 5",
      ...restarted("web_00", 1),
      ...restarted("web_01", 3),
    ];
    assert.notDeepEqual(judgeSuccess(seen(lines, succeeded), expected), []);
    assert.deepEqual(judgeSuccess(seen(lines, succeeded), { ...expected, restless: ["web_01"] }), []);
  });

  const crashed = [
    ...restarted("web_00", 1),
    "3 waiting for web_01 to stop",
    "3 stopped: web_01 (exit status 0)",
    "3 spawned: 'web_01' with pid 8",
    "3 exited: web_01 (exit status 1; not expected)",
    "4 gave up: web_01 entered FATAL state, too many start retries too quickly",
  ];
  const halted = `halted: x (ID) after 4s: 1 healthy, 1 failed, 1 untouched

failed
  host-1 web:web_01: Supervisor gave up starting it (fatal)
    the end of its stderr log:
      | no database

untouched
  host-1 web:web_02

healthy
  host-1 web:web_00
`;
  const failing = {
    ...expected,
    restarts: ["web_00", "web_01", "web_02"],
    fails: { name: "web_01", text: /no database/ },
  };

  it("finds nothing wrong with a true report of a failure", () => {
    assert.deepEqual(judgeFailure(seen(crashed, halted, 1), failing), []);
  });

  for (const [what, report, fault] of [
    ["the text of the error is missing", halted.replace("no database", ""), /does not show/],
    ["it failed for another reason", halted.replace("(fatal)", "(flapping)"), /failed as flapping, not fatal/],
    [
      "something untouched is called healthy",
      halted.replace("web_00\n", "web_[00,02]\n"),
      /wrongly said to be healthy: web_02/,
    ],
    ["something is left out", halted.replace("  host-1 web:web_02\n", ""), /not said to be untouched: web_02/],
  ] as const)
    it(`sees that ${what}`, () => {
      const faults = judgeFailure(seen(crashed, report, 1), failing);
      assert.ok(
        faults.some((each) => fault.test(each)),
        faults.join("\n"),
      );
    });

  it("wants nothing healthy where supervisord went down with the failure", () => {
    const down = [...crashed, "4 received SIGTERM indicating exit request", "5 stopped: web_00 (exit status 0)"];
    const faults = judgeFailure(seen(down, halted, 1), failing);
    assert.ok(faults.includes("wrongly said to be healthy: web_00"), faults.join("\n"));
    assert.ok(faults.includes("web_01 failed as fatal, not supervisor_ended"), faults.join("\n"));
  });

  it("sees a resume that restarts again what was healthy", () => {
    const resume = { ...expected, healthyBefore: ["web_00"], mayRunAlready: ["web_01"] };
    assert.deepEqual(judgeResume(seen(restarted("web_01", 1), succeeded), resume), []);
    assert.deepEqual(judgeResume(seen([...restarted("web_00", 1), ...restarted("web_01", 3)], succeeded), resume), [
      "web_00 was stopped",
    ]);
  });

  it("reads names that a report has folded", () => {
    assert.deepEqual(
      [...wordsIn("host-1 web:web_[08-10,2]")],
      ["host-1", "web", "web_08", "web_09", "web_10", "web_2"],
    );
  });

  it("reads those that a report says to have failed likewise", () => {
    const { failed } = readReport(
      "halted: x\n\nfailed\n  host-1 web: it is down (regressed)\n    it ended; likewise b:b_[0-1] c\n",
    );
    assert.deepEqual(
      failed,
      ["web", "b_0", "b_1", "c"].map((name) => ({ name, code: "regressed" })),
    );
  });

  it("reads a ledger where there is no log", () => {
    assert.deepEqual(
      readLedger("1.5 started web 7\n2.5 stopped web 7\n").map(({ what }) => what),
      ["spawned", "running", "stopped"],
    );
  });
});
