import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { raiseFleet, type Fleet, type FleetHost } from "./fleet.ts";
import { observe } from "./observer.ts";
import { ensurePrerequisites, howToInstall } from "./prerequisites.ts";
import { isRunning } from "./process-table.ts";
import { runOverSsh } from "./ssh.ts";

describe("a raised fleet", () => {
  let fleet: Fleet;
  let host: FleetHost;

  before(async () => {
    ensurePrerequisites();
    fleet = await raiseFleet({
      hosts: 3,
      groups: [
        { name: "web", processes: 4 },
        { name: "cron", processes: 1, bare: true, autostart: false },
      ],
    });
    host = fleet.host("host-2");
  });
  after(() => fleet.down());

  it("has on every host all processes RUNNING, each with a living pid of its own", async () => {
    const processes = (await Promise.all(fleet.hosts.map((each) => each.processes()))).flat();
    const running = processes.filter(({ state }) => state === "RUNNING");
    assert.equal(running.length, 3 * 4);
    assert.equal(new Set(running.map(({ pid }) => pid)).size, 3 * 4);
    assert.ok(running.every(({ pid }) => isRunning(pid)));
  });

  it("names instances as supervisorctl does, and leaves autostart=false STOPPED", async () => {
    const states = Object.fromEntries((await host.processes()).map(({ instance, state }) => [instance, state]));
    assert.deepEqual(states, {
      cron: "STOPPED",
      "web:web_00": "RUNNING",
      "web:web_01": "RUNNING",
      "web:web_02": "RUNNING",
      "web:web_03": "RUNNING",
    });
  });

  it("lets its user in over ssh, under a strict look at the host key, to the same supervisord", async () => {
    const { pid } = await host.process("web:web_03");
    const status = await runOverSsh(fleet, host, `supervisorctl -c ${host.supervisorConfig} status web:web_03`);
    assert.match(status, new RegExp(`^web:web_03 +RUNNING +pid ${pid},`));
  });

  it("tells commands that come by ssh which host they are on", async () => {
    assert.equal(await runOverSsh(fleet, host, 'printf %s "$FLEET_HOST_DIR"'), host.dir);
  });

  it("gives each host its own key, by its own name in known_hosts", async () => {
    const lines = (await readFile(fleet.knownHostsFile, "utf8")).trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => line.split(" ")[0]),
      fleet.hosts.map(({ address, port }) => `[${address}]:${port}`),
    );
    assert.equal(new Set(lines.map((line) => line.split(" ")[2])).size, 3);
  });

  it("says what a plan needs to reach it", () => {
    assert.deepEqual(fleet.planHosts()["host-2"], {
      address: host.address,
      supervisor: { config: host.supervisorConfig },
    });
    assert.deepEqual(fleet.planSsh(), {
      user: userInfo().username,
      port: host.port,
      identity_file: fleet.identityFile,
      known_hosts_file: fleet.knownHostsFile,
    });
  });

  it("stays off 127.0.0.* and off the ports that outgoing connections take", () => {
    assert.ok(fleet.hosts.every(({ address }) => address.startsWith("127.") && !address.startsWith("127.0.")));
    assert.ok(host.port < 32_768);
  });

  it("stands beside other fleets without sharing an address, and goes without harm to them", async () => {
    const others = await Promise.all([1, 2].map((hosts) => raiseFleet({ hosts, namePrefix: "other-" })));
    const addresses = [fleet, ...others].flatMap((each) => each.hosts.map(({ address, port }) => `${address}:${port}`));
    await Promise.all(others.map((other) => other.down()));
    assert.equal(new Set(addresses).size, 3 + 1 + 2);
    assert.ok(others.every((other) => other.hosts[0]?.name === "other-1" && !existsSync(other.dir)));
    assert.ok((await fleet.hosts[0]?.processes())?.some(({ state }) => state === "RUNNING"));
  });

  it("shows an observer a stop on each of two hosts, and that no more was down", async () => {
    const observed = await observe(fleet);
    const before = await observed();
    await Promise.all(["host-1", "host-3"].map((name) => fleet.host(name).stop("web:web_02")));
    await Promise.all(["host-1", "host-3"].map((name) => fleet.host(name).start("web:web_02")));
    const after = await observed();
    assert.deepEqual(before.mostDown().perProgram, { web: 0, cron: 3 });
    assert.deepEqual(after.mostDown().perProgram, { web: 2, cron: 3 });
    assert.deepEqual(after.mostDown().perHost, { "host-1": 2, "host-2": 1, "host-3": 2 });
    assert.equal(after.stops().length, 2);
  });
});

describe("a machine that lacks something", () => {
  it("is told what, and the command that installs it", () => {
    const advice = howToInstall(["sshd", "supervisord", "supervisorctl"], "linux");
    assert.match(advice, /needs sshd, supervisord, supervisorctl/);
    assert.match(advice, /apt-get install --no-install-recommends openssh-server supervisor$/m);
    assert.match(advice, /dnf install openssh-server supervisor$/m);
    assert.match(howToInstall([], "darwin"), /docker run/);
  });
});
