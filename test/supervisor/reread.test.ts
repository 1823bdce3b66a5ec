import assert from "node:assert/strict";
import type { HostName } from "../../src/domain/ids.ts";
import type { Argv, HostAccess, RunOutcome } from "../../src/executor/ports.ts";
import { rereadByExec } from "../../src/supervisor/reread.ts";

const TIMEOUT_MS = 7000;

const exited = (code: number, stdout: string, stderr = ""): RunOutcome => ({ kind: "exited", code, stdout, stderr });

const AVAIL = `
web:web_10                       in use    auto      999:999
web:web_2                        in use    auto      999:999
fresh:fresh_00                   avail     manual    999:999
`.trimStart();

/** A host that gives these answers one after the other, and what it was asked. */
function answering(...outcomes: readonly RunOutcome[]) {
  const asked: { argv: Argv; timeoutMs: number | undefined }[] = [];
  const access: HostAccess = {
    host: "h" as HostName,
    connect: () => Promise.resolve({ kind: "connected" }),
    run: (argv, options) => {
      const outcome = outcomes[asked.length];
      asked.push({ argv, timeoutMs: options?.timeoutMs });
      return Promise.resolve(outcome ?? exited(1, "nothing more is answered"));
    },
    spawn: () => Promise.resolve({ kind: "failed", reason: "nothing is spawned here" }),
    dial: () => Promise.resolve({ kind: "failed", reason: "nobody dials here" }),
    close: () => Promise.resolve(),
  };
  return { access, asked };
}

const reread = (...outcomes: readonly RunOutcome[]) =>
  rereadByExec(answering(...outcomes).access, { command: "supervisorctl", sudo: false }, TIMEOUT_MS);

describe("a reread", () => {
  it("asks `reread` and `avail`, bounded, and nothing that changes what runs", async () => {
    const { access, asked } = answering(exited(0, "web: changed\n"), exited(0, AVAIL));
    await rereadByExec(access, { command: "supervisorctl", sudo: true, config: "/etc/s.conf" }, TIMEOUT_MS);
    assert.deepEqual(asked, [
      { argv: ["sudo", "-n", "supervisorctl", "-c", "/etc/s.conf", "reread"], timeoutMs: TIMEOUT_MS },
      { argv: ["sudo", "-n", "supervisorctl", "-c", "/etc/s.conf", "avail"], timeoutMs: TIMEOUT_MS },
    ]);
  });

  it("has the groups that differ, and all instances in natural order with whether they are started", async () => {
    const outcome = await reread(exited(0, "fresh: available\nweb: changed\nold: disappeared\n"), exited(0, AVAIL));
    assert.deepEqual(outcome, {
      kind: "read",
      groups: new Map([
        ["fresh", "available"],
        ["web", "changed"],
        ["old", "disappeared"],
      ]),
      instances: [
        { instance: "fresh:fresh_00", autostart: false },
        { instance: "web:web_2", autostart: true },
        { instance: "web:web_10", autostart: true },
      ],
    });
  });

  it("reads a group whose name has a colon, and lines that end as on Windows", async () => {
    const outcome = await reread(exited(0, "a:b: changed\r\n"), exited(0, AVAIL));
    assert.deepEqual(outcome.kind === "read" && [...outcome.groups], [["a:b", "changed"]]);
  });

  it("has no groups where nothing has changed", async () => {
    const outcome = await reread(exited(0, "No config updates to processes\n"), exited(0, AVAIL));
    assert.equal(outcome.kind === "read" && outcome.groups.size, 0);
  });

  for (const [said, reason] of [
    [
      "ERROR: CANT_REREAD: The program section is bad in section 'program:web' (file: '/etc/s.conf')",
      "The program section is bad in section 'program:web' (file: '/etc/s.conf')",
    ],
    ["ERROR: CANT_REREAD", "CANT_REREAD"],
  ] as const)
    it(`is invalid, with its reason, where it says ${JSON.stringify(said)}`, async () => {
      const outcome = await reread(exited(1, `${said}\n`));
      assert.deepEqual(outcome, { kind: "invalid", reason });
    });

  it("gives no reason that a terminal would obey", async () => {
    const outcome = await reread(exited(1, "ERROR: CANT_REREAD: a\u001b[31mb\n"));
    assert.ok(outcome.kind === "invalid" && !outcome.reason.includes("\u001b"));
  });

  for (const [what, outcomes] of [
    ["prints nothing", [exited(0, "")]],
    ["says something else", [exited(1, "error: <class 'PermissionError'>, [Errno 13] Permission denied")]],
    ["cannot be reached", [{ kind: "unreachable", reason: "no route" }]],
    ["does not answer in time", [{ kind: "timed_out", afterMs: TIMEOUT_MS }]],
    ["says of `avail` what is not understood", [exited(0, "web: changed\n"), exited(1, "unix:///s.sock no such file")]],
    ["has an `avail` without a line", [exited(0, "web: changed\n"), exited(0, "")]],
    ["loses its connection over `avail`", [exited(0, "web: changed\n"), { kind: "indeterminate", reason: "lost" }]],
  ] satisfies [string, RunOutcome[]][])
    it(`is unavailable, with a reason, where supervisorctl ${what}`, async () => {
      const outcome = await reread(...outcomes);
      assert.ok(outcome.kind === "unavailable" && outcome.reason.length > 0);
    });
});
