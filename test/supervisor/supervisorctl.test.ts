import assert from "node:assert/strict";
import type { LockLost } from "../../src/domain/outcomes.ts";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { Argv, HostAccess, HostLock, RunOutcome, RunUnderLock } from "../../src/executor/ports.ts";
import { supervisorctlChanges } from "../../src/supervisor/changes.ts";
import { supervisorReader } from "../../src/supervisor/reader.ts";

const instance = "web:web_00" as InstanceName;

/** A host that answers every command alike and remembers what it was asked. */
function answering(outcome: RunOutcome) {
  const asked: { argv: Argv; timeoutMs: number | undefined }[] = [];
  const access: HostAccess = {
    host: "h" as HostName,
    connect: () => Promise.resolve({ kind: "connected" }),
    run: (argv, options) => {
      asked.push({ argv, timeoutMs: options?.timeoutMs });
      return Promise.resolve(outcome);
    },
    spawn: () => Promise.resolve({ kind: "failed", reason: "nothing is spawned here" }),
    dial: () => Promise.resolve({ kind: "failed", reason: "nobody dials here" }),
    close: () => Promise.resolve(),
  };
  return { asked, access };
}

/** A lock under which every command ends alike, and which remembers what it was asked. */
function locking(outcome: RunOutcome | LockLost) {
  const asked: { argv: Argv; options: RunUnderLock | undefined }[] = [];
  const lock: HostLock = {
    host: "h" as HostName,
    lost: new Promise(() => undefined),
    prepare: () => undefined,
    take: () => Promise.resolve({ kind: "held" }),
    run: (argv, options) => {
      asked.push({ argv, options });
      return Promise.resolve(outcome);
    },
    settle: () => Promise.resolve({ kind: "settled" }),
    release: () => Promise.resolve(),
  };
  return { asked, lock };
}

function exited(code: number, stdout: string, stderr = ""): RunOutcome {
  return { kind: "exited", code, stdout, stderr };
}

const plain = { command: "supervisorctl", sudo: false };

describe("supervisorctl", () => {
  it("is called with exactly these arguments, and looks have a bound", async () => {
    const { access, asked } = answering(exited(0, "4711\n"));
    const ctl = supervisorReader(access, plain, 7000);
    await ctl.look();
    await ctl.tailLog(instance);
    await ctl.supervisorPid();
    assert.deepEqual(
      asked.map(({ argv }) => argv.join(" ")),
      ["supervisorctl status", "supervisorctl tail -4000 web:web_00 stderr", "supervisorctl pid"],
    );
    for (const { timeoutMs } of asked) assert.ok(timeoutMs !== undefined && timeoutMs > 0 && timeoutMs <= 7000);
  });

  it("changes under the lock with exactly these arguments, and without a bound", async () => {
    const { lock, asked } = locking(exited(0, ""));
    await supervisorctlChanges(lock, plain).change("restart", instance);
    await supervisorctlChanges(lock, { ...plain, sudo: true }).change("start", instance);
    assert.deepEqual(asked, [
      { argv: ["supervisorctl", "restart", "web:web_00"], options: { inSession: "restart web:web_00" } },
      { argv: ["sudo", "-n", "supervisorctl", "start", "web:web_00"], options: { inSession: "start web:web_00" } },
    ]);
  });

  it("is called through sudo without a prompt, with the plan's config and server", async () => {
    const { access, asked } = answering(exited(0, ""));
    await supervisorReader(
      access,
      { command: "/opt/ctl", sudo: true, config: "/etc/s.conf", server_url: "unix:///s.sock" },
      1000,
    ).look();
    assert.deepEqual(asked[0]?.argv, ["sudo", "-n", "/opt/ctl", "-c", "/etc/s.conf", "-s", "unix:///s.sock", "status"]);
  });

  for (const code of [0, 3])
    it(`is believed when it lists states and ends with ${code}`, async () => {
      const look = await supervisorReader(answering(exited(code, "web:web_00 FATAL x")).access, plain, 1000).look();
      assert.deepEqual(look, { kind: "seen", snapshots: [{ instance, state: "FATAL", description: "x" }] });
    });

  it("is not believed when it was cut short: what it did not come to has not vanished", async () => {
    const look = await supervisorReader(
      answering(exited(1, "web:web_00 FATAL x\nerror: <class 'OSError'>")).access,
      plain,
      1000,
    ).look();
    assert.equal(look.kind, "unavailable");
  });

  for (const [what, outcome, reason] of [
    [
      "no socket",
      exited(4, "unix:///var/run/supervisor.sock no such file\n"),
      "unix:///var/run/supervisor.sock no such file",
    ],
    ["a refused sudo", exited(1, "", "sudo: a password is required\n"), "sudo: a password is required"],
    ["no supervisorctl", exited(127, "", "sh: 1: supervisorctl: not found\n"), "sh: 1: supervisorctl: not found"],
  ] as const)
    it(`says in its own words why it saw nothing: ${what}`, async () => {
      assert.deepEqual(await supervisorReader(answering(outcome).access, plain, 1000).look(), {
        kind: "unavailable",
        reason,
      });
    });

  for (const [outcome, expected] of [
    [
      { kind: "unreachable", reason: "no route" },
      { kind: "not_sent", reason: "no route" },
    ],
    [
      { kind: "indeterminate", reason: "connection lost" },
      { kind: "indeterminate", reason: "connection lost" },
    ],
    [
      { kind: "lock_lost", reason: "bob has it" },
      { kind: "lock_lost", reason: "bob has it" },
    ],
    // No exit code of a restart is taken for its result.
    [
      exited(7, "web:web_00: stopped\nweb:web_00: ERROR (spawn error)\n"),
      { kind: "returned", said: "web:web_00: stopped; web:web_00: ERROR (spawn error)" },
    ],
  ] as const)
    it(`says of a change that was ${outcome.kind} that it was ${expected.kind}`, async () => {
      assert.deepEqual(await supervisorctlChanges(locking(outcome).lock, plain).change("restart", instance), expected);
    });
});
