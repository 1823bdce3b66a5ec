import assert from "node:assert/strict";
import { locking } from "./locking.ts";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { Argv, HostAccess, RunOutcome } from "../../src/executor/ports.ts";
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

function exited(code: number, stdout: string, stderr = "") {
  return { kind: "exited", code, stdout, stderr } as const;
}

const plain = { command: "supervisorctl", sudo: false };

describe("supervisorctl", () => {
  it("is called with exactly these arguments, and looks have a bound", async () => {
    const { access, asked } = answering(exited(0, "4711\n"));
    const ctl = supervisorReader(access, plain, 7000);
    await ctl.look();
    await ctl.tailLog(instance, () => undefined);
    await ctl.supervisorPid();
    assert.deepEqual(
      asked.map(({ argv }) => argv.join(" ")),
      [
        "supervisorctl status",
        "supervisorctl tail -4000 web:web_00 stderr",
        "supervisorctl tail -4000 web:web_00 stdout",
        "supervisorctl pid",
      ],
    );
    for (const { timeoutMs } of asked) assert.ok(timeoutMs !== undefined && timeoutMs > 0 && timeoutMs <= 7000);
  });

  it("changes under the lock with exactly these arguments, and without a bound", async () => {
    const { lock, asked } = locking(exited(0, ""));
    await supervisorctlChanges(lock, plain).change({ action: "restart", instance });
    await supervisorctlChanges(lock, { ...plain, sudo: true }).change({ action: "start", instance });
    assert.deepEqual(asked, [
      { argv: ["supervisorctl", "restart", "web:web_00"], options: { inSession: "restart web:web_00" } },
      { argv: ["sudo", "-n", "supervisorctl", "start", "web:web_00"], options: { inSession: "start web:web_00" } },
    ]);
  });

  it("is given every instance as group:process, as a short name may be a word of its own", async () => {
    const { lock, asked } = locking(exited(0, "all: stopped\nall: started\n"));
    const changes = supervisorctlChanges(lock, plain);
    assert.deepEqual(await changes.change({ action: "restart", instance: "all" as InstanceName }), {
      kind: "returned",
      said: "all: stopped; all: started",
    });
    assert.deepEqual(asked, [
      { argv: ["supervisorctl", "restart", "all:all"], options: { inSession: "restart all:all" } },
    ]);
    const host = answering(exited(0, "x\n"));
    await supervisorReader(host.access, plain, 1000).tailLog("all" as InstanceName, () => undefined);
    assert.deepEqual(host.asked[0]?.argv, ["supervisorctl", "tail", "-4000", "all:all", "stderr"]);
  });

  for (const name of ["*", "web:*", "web:", "web:my app", "web:a\u00a0b", "web:a\nstop all", "web:a\u001bb", "a\0b"])
    it(`is never sent a change of ${JSON.stringify(name)}, which it cannot be given alone`, async () => {
      const { lock, asked } = locking(exited(0, ""));
      const outcome = await supervisorctlChanges(lock, plain).change({
        action: "restart",
        instance: name as InstanceName,
      });
      assert.equal(outcome.kind, "not_sent");
      assert.deepEqual(asked, []);
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

  for (const [what, stdout, quoted] of [
    [
      "a title glued to a name",
      "\u001b]0;host\u0007web:web_00 RUNNING pid 1, uptime 0:00:01\n",
      "\\x1b]0;host\\x07web:web_00 R",
    ],
    ["a line behind the list", "web:web_00 RUNNING pid 1, uptime 0:00:01\nbye\n", '"bye"'],
  ] as const)
    it(`is not believed, and quoted printably, where a line is not understood: ${what}`, async () => {
      const look = await supervisorReader(answering(exited(0, stdout)).access, plain, 1000).look();
      assert.ok(look.kind === "unavailable" && look.code === "status_unreadable", JSON.stringify(look));
      assert.ok(look.reason.includes(quoted), look.reason);
    });

  it("is not believed when the beginning of its list was cut", async () => {
    const outcome: RunOutcome = { ...exited(0, "web:web_00 RUNNING pid 1, uptime 0:00:01"), isCut: true };
    const look = await supervisorReader(answering(outcome).access, plain, 1000).look();
    assert.ok(look.kind === "unavailable" && look.code === "status_unreadable");
  });

  it("says which user may not use Supervisor's socket, and what to do", async () => {
    const denied = "error: <class 'PermissionError'>, [Errno 13] Permission denied: file: client.py line: 9\n";
    const { access } = answering(exited(1, denied));
    const asUser: typeof access = {
      ...access,
      run: (argv, options) => (argv[0] === "id" ? Promise.resolve(exited(0, "deploy\n")) : access.run(argv, options)),
    };
    const look = await supervisorReader(asUser, plain, 1000).look();
    assert.ok(look.kind === "unavailable", JSON.stringify(look));
    assert.match(look.reason, /^user deploy may not use Supervisor's socket \(/);
    assert.match(look.remedy ?? "", /^Set `supervisor: \{ sudo: true \}`, or /);
  });

  it("names a process called * that keeps supervisord from listing anything", async () => {
    const fault = "error: <class 'xmlrpc.client.Fault'>, <Fault 10: 'BAD_NAME: web:*'>: file: client.py line: 668\n";
    const look = await supervisorReader(answering(exited(1, fault)).access, plain, 1000).look();
    assert.ok(look.kind === "unavailable" && look.code === "not_addressable");
    assert.match(look.reason, /"web:\*"/);
  });

  for (const [what, outcome, reason] of [
    [
      "no socket",
      exited(4, "unix:///var/run/supervisor.sock no such file\n"),
      "supervisord is not running there, or its configuration is elsewhere (unix:///var/run/supervisor.sock no such file)",
    ],
    ["a refused sudo", exited(1, "", "sudo: a password is required\n"), "sudo: a password is required"],
    ["no supervisorctl", exited(127, "", "sh: 1: supervisorctl: not found\n"), "sh: 1: supervisorctl: not found"],
  ] as const)
    it(`says in its own words why it saw nothing: ${what}`, async () => {
      const look = await supervisorReader(answering(outcome).access, plain, 1000).look();
      assert.ok(look.kind === "unavailable" && look.code === undefined, JSON.stringify(look));
      assert.equal(look.reason, reason);
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
      assert.deepEqual(
        await supervisorctlChanges(locking(outcome).lock, plain).change({ action: "restart", instance }),
        expected,
      );
    });
});
