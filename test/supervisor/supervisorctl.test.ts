import assert from "node:assert/strict";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { Argv, HostAccess, RunOutcome } from "../../src/executor/ports.ts";
import type { SupervisorSettings } from "../../src/domain/target.ts";
import { supervisorReader } from "../../src/supervisor/reader.ts";
import { supervisorctl as overReader } from "../../src/supervisor/supervisorctl.ts";

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

function exited(code: number, stdout: string, stderr = ""): RunOutcome {
  return { kind: "exited", code, stdout, stderr };
}

function supervisorctl(access: HostAccess, settings: SupervisorSettings, timeoutMs: number) {
  return overReader(access, settings, supervisorReader(access, settings, timeoutMs));
}

const plain = { command: "supervisorctl", sudo: false };

describe("supervisorctl", () => {
  it("is called with exactly these arguments, and only a change has no bound", async () => {
    const { access, asked } = answering(exited(0, ""));
    const ctl = supervisorctl(access, plain, 7000);
    await ctl.look();
    await ctl.change("restart", instance);
    await ctl.tailLog(instance);
    await ctl.supervisorPid();
    assert.deepEqual(
      asked.map(({ argv }) => argv.join(" ")),
      [
        "supervisorctl status",
        "supervisorctl restart web:web_00",
        "supervisorctl tail -4000 web:web_00 stderr",
        "supervisorctl pid",
      ],
    );
    const [look, change, tail, pid] = asked.map(({ timeoutMs }) => timeoutMs);
    assert.equal(change, undefined);
    for (const bound of [look, tail, pid]) assert.ok(bound !== undefined && bound > 0 && bound <= 7000);
  });

  it("is called through sudo without a prompt, with the plan's config and server", async () => {
    const { access, asked } = answering(exited(0, ""));
    await supervisorctl(
      access,
      { command: "/opt/ctl", sudo: true, config: "/etc/s.conf", server_url: "unix:///s.sock" },
      1000,
    ).look();
    assert.deepEqual(asked[0]?.argv, ["sudo", "-n", "/opt/ctl", "-c", "/etc/s.conf", "-s", "unix:///s.sock", "status"]);
  });

  for (const code of [0, 3])
    it(`is believed when it lists states and ends with ${code}`, async () => {
      const look = await supervisorctl(answering(exited(code, "web:web_00 FATAL x")).access, plain, 1000).look();
      assert.deepEqual(look, { kind: "seen", snapshots: [{ instance, state: "FATAL", description: "x" }] });
    });

  it("is not believed when it was cut short: what it did not come to has not vanished", async () => {
    const look = await supervisorctl(
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
      assert.deepEqual(await supervisorctl(answering(outcome).access, plain, 1000).look(), {
        kind: "unavailable",
        reason,
      });
    });

  it("tells a restart that was not sent from one whose end was not seen", async () => {
    const notSent = await supervisorctl(
      answering({ kind: "unreachable", reason: "no route" }).access,
      plain,
      1000,
    ).change("restart", instance);
    assert.deepEqual(notSent, { kind: "not_sent", reason: "no route" });
    const lost = await supervisorctl(
      answering({ kind: "indeterminate", reason: "connection lost" }).access,
      plain,
      1000,
    ).change("restart", instance);
    assert.deepEqual(lost, { kind: "indeterminate", reason: "connection lost" });
  });

  it("takes no exit code of a restart for its result", async () => {
    const outcome = await supervisorctl(
      answering(exited(7, "web:web_00: stopped\nweb:web_00: ERROR (spawn error)\n")).access,
      plain,
      1000,
    ).change("restart", instance);
    assert.deepEqual(outcome, { kind: "returned", said: "web:web_00: stopped; web:web_00: ERROR (spawn error)" });
  });
});
