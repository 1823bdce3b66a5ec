import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { chmod, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostName, InstanceName } from "../../src/domain/ids.ts";
import type { SupervisorSettings } from "../../src/domain/target.ts";
import type { HostAccess, SupervisorReader } from "../../src/executor/ports.ts";
import { openLocal } from "../../src/hosts/local.ts";
import { openHost } from "../../src/hosts/open.ts";
import { supervisorReader, type ReaderBounds } from "../../src/supervisor/reader.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { findProgram } from "../fleet/prerequisites.ts";
import { processTable, signal } from "../fleet/process-table.ts";
import { until } from "../fleet/until.ts";
import { NEVER_MS, targetOf } from "../hosts/fixtures.ts";
import { without } from "./looks.contract.ts";
import { raiseStatesHost } from "./states-host.ts";

/** A busy machine may take seconds for what a session needs to open, and no test is to depend on how busy it is. */
const PATIENT: ReaderBounds = { openingPatienceMs: NEVER_MS };

describe("the way by which a host is looked at", () => {
  let fleet: Fleet;
  let host: FleetHost;
  const opened: { readonly reader: SupervisorReader; readonly access: HostAccess }[] = [];
  before(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 2 }] });
    host = fleet.host("host-1");
  });
  after(() => fleet.down());
  afterEach(async () => {
    for (const { reader, access } of opened.splice(0)) {
      await reader.close();
      await access.close();
    }
    await until(() => controllers().length === 0, { deadlineMs: 10_000, what: "no supervisorctl is left" });
  });

  const local = () => openLocal("here" as HostName);
  const ssh = () => openHost(targetOf(fleet, host));
  const socketUrl = () => `unix://${join(host.dir, "s.sock")}`;

  function open(
    access: HostAccess,
    settings: Partial<SupervisorSettings> = {},
    timeoutMs = NEVER_MS,
    bounds = PATIENT,
  ): SupervisorReader {
    const reader = supervisorReader(
      access,
      { command: "supervisorctl", sudo: false, config: host.supervisorConfig, ...settings },
      timeoutMs,
      undefined,
      bounds,
    );
    opened.push({ reader, access });
    return reader;
  }

  /** Processes of supervisorctl that look at this fleet. */
  function controllers(): number[] {
    return processTable()
      .map(({ pid }) => pid)
      .filter((pid) => {
        const line = commandLine(pid);
        return line.includes("supervisorctl") && line.includes(fleet.dir);
      });
  }

  async function pidOf(reader: SupervisorReader): Promise<number | undefined> {
    const known = await reader.supervisorPid();
    return known.kind === "known" ? known.pid : undefined;
  }

  async function sees(reader: SupervisorReader): Promise<string> {
    const look = await reader.look();
    assert.ok(look.kind === "seen", JSON.stringify(look));
    assert.deepEqual(
      look.snapshots.map(({ instance, state }) => `${instance} ${state}`),
      ["web:web_00 RUNNING", "web:web_01 RUNNING"],
    );
    return reader.way()?.kind ?? "none";
  }

  /** A supervisorctl of its own making; `real "$@"` is the one that is installed. */
  async function script(name: string, ...lines: string[]): Promise<string> {
    const file = join(fleet.dir, name);
    await writeFile(file, `#!/bin/sh\nreal() { exec ${findProgram("supervisorctl")} "$@"; }\n${lines.join("\n")}\n`);
    await chmod(file, 0o755);
    return file;
  }

  it("is unknown before the first look, and then XML-RPC where the plan names a socket that the login may open", async () => {
    const reader = open(ssh(), { server_url: socketUrl() });
    assert.equal(reader.way(), undefined);
    assert.equal(await sees(reader), "xml-rpc");
    assert.equal(reader.way()?.why, socketUrl());
    assert.deepEqual(controllers(), []);
  });

  it("is one supervisorctl for all looks where the plan names none", async () => {
    const reader = open(ssh());
    for (let look = 0; look < 3; look++) assert.equal(await sees(reader), "session");
    await reader.supervisorPid();
    assert.equal(controllers().length, 1);
    assert.match(reader.way()?.why ?? "", /no xml-rpc: the plan gives no server_url/);
  });

  it("is no XML-RPC where the command is a script, which may go into a container", async () => {
    const command = await script("ctl", 'real "$@"');
    assert.equal(await sees(open(local(), { command, server_url: socketUrl() })), "session");
  });

  it("is supervisorctl where sshd forwards nothing", async () => {
    const strict = await raiseFleet({
      hosts: 1,
      groups: [{ name: "web", processes: 2 }],
      sshdConfig: ["AllowTcpForwarding no", "AllowStreamLocalForwarding no"],
    });
    const access = openHost(targetOf(strict, strict.host("host-1")));
    const server_url = `unix://${join(strict.host("host-1").dir, "s.sock")}`;
    const settings = { command: "supervisorctl", sudo: false, server_url };
    const reader = supervisorReader(access, settings, NEVER_MS, undefined, PATIENT);
    try {
      assert.equal(await sees(reader), "session");
      assert.match(reader.way()?.why ?? "", /no xml-rpc: /);
    } finally {
      await reader.close();
      await access.close();
      await strict.down();
    }
  });

  const scripts: readonly (readonly [what: string, lines: readonly string[], why: RegExp, bounds?: ReaderBounds])[] = [
    [
      "sudo allows only some arguments",
      ['[ $# -gt 2 ] || { echo "sudo: a password is required" >&2; exit 1; }', 'real "$@"'],
      /no session: .*sudo: a password is required/,
    ],
    [
      "it never flushes what it prints, as old Pythons do",
      ["[ $# -gt 2 ] || exec cat >/dev/null", 'real "$@"'],
      /session/,
      // It never opens, and is not to be waited for.
      {},
    ],
    [
      "it asks for a password",
      ['[ $# -gt 2 ] || { echo "Server requires authentication"; printf "Username:"; exec cat; }', 'real "$@"'],
      /no session: .*password/,
    ],
    [
      "it talks of something else",
      ['[ $# -gt 2 ] || while read -r line; do echo "*** Unknown syntax: $line"; echo hello; done', 'real "$@"'],
      /no session: /,
    ],
    [
      "it prints more than the states",
      [
        '[ $# -gt 2 ] || { real "$@" | sed -u "s/^supervisor> web:web_00/supervisor> NOTE: read the wiki\\nweb:web_00/"; exit; }',
        'real "$@"',
      ],
      /no session: NOTE: read the wiki/,
    ],
    [
      "its list is cut short by an error",
      ['[ $# -gt 2 ] || { real "$@" | sed -u "s/^web:web_01 .*/error: <class \'OSError\'>/"; exit; }', 'real "$@"'],
      /no session: error: <class/,
    ],
    [
      "it lists nothing",
      ['[ $# -gt 2 ] || { real "$@" | sed -u "s/^supervisor> web:web_00.*//; /^web:web_01/d"; exit; }', 'real "$@"'],
      /no session: /,
    ],
  ];
  for (const [what, lines, why, bounds] of scripts)
    it(`is one supervisorctl per look where ${what}`, async () => {
      const command = await script(`ctl-${what.replaceAll(/\W+/g, "-")}`, ...lines);
      const reader = open(local(), { command }, NEVER_MS, bounds);
      assert.equal(await sees(reader), "exec");
      assert.equal(await sees(reader), "exec");
      assert.match(reader.way()?.why ?? "", why);
      const { log, text } = await reader.tailLog("web:web_00" as InstanceName, () => undefined);
      assert.equal(log, "stdout");
      assert.match(text, /started, pid/);
    });

  it("is not one way for ever: a socket that comes back is used again", async () => {
    const reader = open(ssh(), { server_url: socketUrl() });
    assert.equal(await sees(reader), "xml-rpc");
    await host.kill("supervisord");
    const lost = await reader.look();
    assert.equal(lost.kind, "unavailable");
    assert.match("reason" in lost ? lost.reason : "", /refused connection|no such file/);
    await host.revive("supervisord");
    assert.equal(await sees(reader), "xml-rpc");
  });

  it("knows of no pid where supervisorctl tells none, but not by a supervisord that is down", async () => {
    const command = await script("no-pid", '[ "$3" != pid ] || exit 1', 'real "$@"');
    const noPid = open(local(), { command });
    const asked = open(without(local(), "spawn"));
    assert.deepEqual(await open(without(local(), "spawn"), { command }).supervisorPid(), { kind: "unknown" });
    assert.equal((await noPid.supervisorPid()).kind, "known", "by the session");
    await host.kill("supervisord");
    assert.equal((await asked.supervisorPid()).kind, "unavailable");
    await host.revive("supervisord");
    assert.equal(await pidOf(asked), host.supervisord.pid);
  });

  it("outlives a restart of supervisord with the same supervisorctl", async () => {
    const reader = open(ssh());
    await sees(reader);
    const [before] = controllers();
    await host.kill("supervisord");
    await host.revive("supervisord");
    assert.equal(await sees(reader), "session");
    assert.deepEqual(controllers(), [before]);
    assert.equal(await pidOf(reader), host.supervisord.pid);
  });

  it("says that supervisord is down while it is, and finds back to one supervisorctl for all", async () => {
    const reader = open(ssh());
    await sees(reader);
    await host.kill("supervisord");
    for (let look = 0; look < 2; look++) {
      const lost = await reader.look();
      assert.ok(lost.kind === "unavailable" && lost.hasEnded, JSON.stringify(lost));
      assert.equal(
        lost.reason,
        `supervisord is not running there: nothing listens where it did (${socketUrl()} refused connection)`,
      );
    }
    await host.revive("supervisord");
    assert.equal(await sees(reader), "exec");
    assert.equal(await sees(reader), "session");
  });

  it("asks for the pid of supervisord by a call of its own only after a look that a restart could have given", async () => {
    const log = join(fleet.dir, "pids");
    const command = await script("counting", `[ "$3" != pid ] || echo >>${log}`, "[ $# -gt 2 ] || exit 1", 'real "$@"');
    const asked = () => (existsSync(log) ? readFileSync(log, "utf8").length : 0);
    const reader = open(local(), { command });
    const pidSeen = async () => {
      assert.equal(await sees(reader), "exec");
      const look = await reader.look();
      return look.kind === "seen" ? look.supervisorPid : undefined;
    };
    assert.equal(await pidSeen(), undefined);
    assert.equal(asked(), 0, "what was never known cannot be another");
    assert.equal((await reader.supervisorPid()).kind, "known");
    assert.equal(await pidSeen(), host.supervisord.pid);
    await host.stop("web:web_00");
    await host.start("web:web_00");
    assert.equal(await pidSeen(), host.supervisord.pid);
    assert.equal(asked(), 1, "web_01 is still its child");
    await host.kill("supervisord");
    await host.revive("supervisord");
    assert.equal(await pidSeen(), host.supervisord.pid);
    assert.equal(asked(), 2);
  });

  it("says of a supervisord that it has ended only if it is gone, and not only its socket", async () => {
    const reader = open(ssh());
    await sees(reader);
    const socket = join(host.dir, "s.sock");
    await rename(socket, `${socket}.away`);
    const away = await reader.look();
    await rename(`${socket}.away`, socket);
    assert.ok(away.kind === "unavailable" && away.hasEnded === undefined, JSON.stringify(away));
    assert.equal(
      away.reason,
      `supervisord is not running there, or its configuration is elsewhere (${socketUrl()} no such file)`,
    );
    await host.kill("supervisord");
    const ended = await reader.look();
    await host.revive("supervisord");
    assert.equal(ended.kind === "unavailable" && ended.hasEnded, true);
    // One that has never answered here may never have been there.
    await host.kill("supervisord");
    const never = await open(ssh()).look();
    await host.revive("supervisord");
    assert.equal(never.kind === "unavailable" && never.hasEnded, undefined);
  });

  it("is not given up for what it could not answer while nothing could", async () => {
    const reader = open(ssh());
    await host.kill("supervisord");
    assert.notEqual((await reader.supervisorPid()).kind, "known");
    assert.equal((await reader.look()).kind, "unavailable");
    await host.revive("supervisord");
    assert.equal(await sees(reader), "exec");
    assert.equal(await sees(reader), "session");
  });

  it("is made anew after the supervisorctl was killed, or the connection lost", async () => {
    const reader = open(ssh());
    await sees(reader);
    for (const pid of controllers()) signal(pid, "SIGKILL");
    await sees(reader);
    assert.equal(await sees(reader), "session");
    await host.dropConnections();
    await sees(reader);
    assert.equal(await sees(reader), "session");
    await until(() => controllers().length === 1, { deadlineMs: 10_000, what: "one supervisorctl is left" });
  });

  it("stands in nobody's way where sshd allows one command on a connection", async () => {
    const narrow = await raiseFleet({
      hosts: 1,
      groups: [{ name: "web", processes: 2 }],
      sshdConfig: ["MaxSessions 1"],
    });
    const access = openHost(targetOf(narrow, narrow.host("host-1")));
    const settings = { command: "supervisorctl", sudo: false, config: narrow.host("host-1").supervisorConfig };
    const reader = supervisorReader(access, settings, NEVER_MS, undefined, PATIENT);
    try {
      for (let look = 0; look < 2; look++) {
        assert.equal(await sees(reader), "session");
        assert.equal((await access.run(["true"])).kind, "exited");
      }
    } finally {
      await reader.close();
      await access.close();
      await narrow.down();
    }
  });

  it("gives up in time when supervisord hangs, and leaves nothing behind once it does not", async () => {
    for (const settings of [{}, { server_url: socketUrl() }]) {
      const reader = open(ssh(), settings, 3000);
      // Only to have it open: on a busy machine one look may take longer than that.
      await until(async () => (await reader.look()).kind === "seen", { deadlineMs: 30_000 });
      await host.freeze("supervisord");
      try {
        assert.deepEqual(await reader.look(), {
          kind: "unavailable",
          reason: "supervisorctl did not answer within 3 s: supervisord may hang",
        });
      } finally {
        await host.thaw("supervisord");
      }
      await until(async () => (await reader.look()).kind === "seen", { deadlineMs: 30_000 });
      await reader.close();
    }
  });

  it("is not opened again by a look that was under way when it was closed", async () => {
    const access = ssh();
    const connect = { times: 0 };
    const counted: HostAccess = { ...without(access), run: () => assert.fail("nothing is run after the end") };
    counted.connect = () => {
      connect.times += 1;
      return access.connect();
    };
    const reader = open(counted);
    await sees(reader);
    await host.freeze("supervisord");
    const looks = [reader.look(), reader.look()];
    await reader.close();
    await access.close();
    for (const look of await Promise.all(looks)) assert.equal(look.kind, "unreachable");
    await host.thaw("supervisord");
    assert.equal(connect.times, 2);
  });
});

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

describe("a supervisord with a password", () => {
  it("is told it only when it asks, and says so when it is wrong", async () => {
    const host = await raiseStatesHost();
    const access = openLocal("here" as HostName);
    const settings = { command: "supervisorctl", sudo: false, server_url: host.serverUrl };
    try {
      const right = supervisorReader(access, settings, NEVER_MS, { username: "someone", password: "secret" }, PATIENT);
      assert.equal((await right.look()).kind, "seen");
      assert.equal(right.way()?.kind, "xml-rpc");
      for (const [credentials, why] of [
        [undefined, /ORCHESTRATE_SUPERVISOR_USERNAME and _PASSWORD are not set/],
        [{ username: "someone", password: "guess" }, /does not take the name and password/],
      ] as const) {
        // supervisorctl finds the password in its own config on the host.
        const knowing = { ...settings, config: host.passwordConfig };
        const reader = supervisorReader(access, knowing, NEVER_MS, credentials, PATIENT);
        assert.equal((await reader.look()).kind, "seen");
        assert.equal(reader.way()?.kind, "session");
        assert.match(reader.way()?.why ?? "", why);
        await reader.close();
        const lost = supervisorReader(access, settings, NEVER_MS, credentials, PATIENT);
        const look = await lost.look();
        assert.match("reason" in look ? look.reason : "", /^Server requires authentication/);
        await lost.close();
      }
    } finally {
      await access.close();
      await host.down();
    }
  });
});
