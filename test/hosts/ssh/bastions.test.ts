import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { SshSettings } from "../../../src/domain/target.ts";
import type { HostAccess } from "../../../src/executor/ports.ts";
import { Bastions } from "../../../src/hosts/ssh/bastions.ts";
import type { SshOptions } from "../../../src/hosts/ssh-config/ssh-route.ts";
import { openSsh } from "../../../src/hosts/ssh/ssh.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../../fleet/fleet.ts";
import { until } from "../../fleet/until.ts";
import { makePipe, NEVER_MS, nobodyAt, targetAt, targetOf, temporaryFolder } from "../fixtures.ts";
import { hostAccessContract } from "../host-access.contract.ts";
import { startScriptedHost } from "../scripted-host.ts";

describe("hosts behind a bastion", () => {
  let folder: string;
  let remove: () => Promise<void>;
  /** Two bastions whose sshd opens no session at all and greets one stranger at a time; and what is behind them. */
  let front: Fleet;
  let back: Fleet;
  let outer: FleetHost;
  let inner: FleetHost;
  let knownHosts: string;
  let bastions: Bastions;
  let opened: HostAccess[];

  before(async () => {
    ({ folder, remove } = await temporaryFolder());
    [front, back] = await Promise.all([
      raiseFleet({ hosts: 2, groups: [], namePrefix: "bastion-", sshdConfig: ["MaxSessions 0", "MaxStartups 1"] }),
      raiseFleet({ hosts: 4, groups: [] }),
    ]);
    outer = front.host("bastion-1");
    inner = front.host("bastion-2");
    knownHosts = join(folder, "known_hosts");
    const texts = await Promise.all([front, back].map(({ knownHostsFile }) => readFile(knownHostsFile, "utf8")));
    await writeFile(knownHosts, texts.join(""));
    const bastion = (name: string, fleet: Fleet, { address, port }: FleetHost) => {
      const { user, identity_file } = fleet.planSsh();
      return `Host ${name}\n  HostName ${address}\n  Port ${port}\n  User ${user}\n  IdentityFile ${identity_file}\n`;
    };
    const jumps = [bastion("outer", front, outer), bastion("inner", front, inner)];
    await writeFile(join(folder, "config"), [...jumps, bastion("roomy", back, back.host("host-4"))].join(""));
  });
  after(async () => {
    await Promise.all([front.down(), back.down()]);
    await remove();
  });
  beforeEach(() => {
    bastions = new Bastions();
    opened = [];
  });
  afterEach(() => Promise.all(opened.map((access) => access.close())));

  function behind(host: FleetHost, ssh: Partial<SshSettings> = {}, options: SshOptions = {}): HostAccess {
    const settings = { proxy_jump: "outer", known_hosts_file: knownHosts, ...ssh };
    const surroundings = { ...nobodyAt(folder), configFile: join(folder, "config"), ...options };
    const access = openSsh(targetOf(back, host, settings), surroundings, bastions);
    opened.push(access);
    return access;
  }

  const lines = async (host: FleetHost, text: RegExp) => (await host.sshdLog()).match(text)?.length ?? 0;
  const logins = (host: FleetHost) => lines(host, /Accepted publickey/g);
  const goodbyes = (host: FleetHost) => lines(host, /Received disconnect from/g);

  async function reasonOf(access: HostAccess): Promise<string> {
    const outcome = await access.connect();
    assert.ok(outcome.kind === "refused");
    return outcome.refusal.reason;
  }

  hostAccessContract("ssh through a bastion", () => {
    const access = behind(back.hosts[0]!);
    return Promise.resolve({ access, cleanup: () => access.close() });
  });

  it("share one connection to it, which needs none of its sessions", async () => {
    const before = await logins(outer);
    const all = back.hosts.map((host) => behind(host));
    for (const outcome of await Promise.all(all.map((access) => access.run(["echo", "here"]))))
      assert.deepEqual(outcome, { kind: "exited", code: 0, stdout: "here\n", stderr: "" });
    assert.equal((await logins(outer)) - before, 1);
  });

  it("are reached over several in a row, the first one first", async () => {
    const before = [await logins(outer), await logins(inner)];
    const all = back.hosts.map((host) => behind(host, { proxy_jump: "outer,inner" }));
    for (const outcome of await Promise.all(all.map((access) => access.run(["true"]))))
      assert.equal(outcome.kind, "exited");
    assert.deepEqual([(await logins(outer)) - before[0]!, (await logins(inner)) - before[1]!], [1, 1]);
    await outer.kill("sshd");
    await inner.kill("sshd");
    const reason = `the bastion ${outer.address}:${outer.port}: connection refused`;
    // When the loss comes to our ears is up to the machine.
    await until(async () => (await reasonOf(all[0]!)) === reason, { deadlineMs: 20_000, what: reason });
    await outer.revive("sshd");
    assert.equal(
      await reasonOf(all[0]!),
      `the bastion ${inner.address}:${inner.port} through ${outer.address}:${outer.port}: connection refused`,
    );
    await inner.revive("sshd");
    assert.equal((await all[0]!.run(["true"])).kind, "exited");
  });

  it("leave it open until the last of them is closed", async () => {
    const before = await goodbyes(outer);
    const [first, second] = back.hosts.map((host) => behind(host));
    await Promise.all([first!.connect(), second!.connect()]);
    const logged = await logins(outer);
    await first!.close();
    assert.equal((await second!.run(["true"])).kind, "exited");
    assert.equal((await first!.run(["true"])).kind, "exited");
    assert.equal(await logins(outer), logged, "the same connection");
    await Promise.all([first!.close(), second!.close()]);
    await until(async () => (await goodbyes(outer)) > before, { deadlineMs: 20_000, what: "the bastion's goodbye" });
  });

  it("leave no socket and no timer behind", async () => {
    const inUse = () =>
      process
        .getActiveResourcesInfo()
        .filter((kind) => /Socket|Timeout|TCP|Pipe/.test(kind))
        .sort();
    await Promise.resolve();
    const before = inUse();
    const access = behind(back.hosts[0]!, { proxy_jump: "outer,inner" });
    assert.equal((await access.run(["true"], { timeoutMs: NEVER_MS })).kind, "exited");
    await access.close();
    assert.deepEqual(inUse(), before);
  });

  describe("when it is lost", () => {
    async function startWaiting(access: HostAccess, host: FleetHost, name: string) {
      const started = await makePipe(`${host.dir}/started-${name}`);
      const goOn = await makePipe(`${host.dir}/go-on-${name}`);
      const ended = access.run(["sh", "-c", 'echo > "$1"; read line < "$2"', "sh", started.path, goOn.path]);
      await started.heard();
      return { ended, goOn };
    }

    it("in the middle of a command, do not know its end, name it, and dial it anew together", async () => {
      const [host, other] = back.hosts;
      const [access, second] = [behind(host!), behind(other!)];
      await second.connect();
      const { ended, goOn } = await startWaiting(access, host!, "lost");
      const before = await logins(outer);
      await outer.dropConnections();
      const outcome = await ended;
      assert.ok(outcome.kind === "indeterminate");
      const bastion = `the connection to the bastion ${outer.address}:${outer.port} was lost`;
      assert.ok(
        outcome.reason.startsWith(`the connection to ${host!.address}:${host!.port} was lost: ${bastion}: `),
        outcome.reason,
      );
      const again = await Promise.all([access.run(["true"]), second.run(["true"])]);
      // Whether the end of the second has come to our ears by now is up to the machine.
      assert.equal(again[0].kind, "exited");
      assert.equal((await second.run(["true"])).kind, "exited");
      assert.equal((await logins(outer)) - before, 1);
      await goOn.say("x\n");
    });

    it("by its silence, name it and not the host behind it", async () => {
      const host = back.hosts[0]!;
      const access = behind(host, {}, { keepalive: { intervalMs: 2_000, unanswered: 2 } });
      const { ended, goOn } = await startWaiting(access, host, "frozen");
      await outer.freeze("sshd");
      const outcome = await ended;
      assert.ok(outcome.kind === "indeterminate");
      assert.match(outcome.reason, /: the connection to the bastion \S+ was lost: the host no longer answers$/);
      await access.close();
      await outer.thaw("sshd");
      await goOn.say("x\n");
    });

    it("for good, are all unreachable for the same reason, until it is back", async () => {
      const all = back.hosts.map((host) => behind(host));
      await Promise.all(all.map((access) => access.connect()));
      await outer.kill("sshd");
      // When the loss comes to the ears of each is up to the machine.
      for (const [index, access] of all.entries()) {
        const reason = `the bastion ${outer.address}:${outer.port}: connection refused`;
        const refusal = { code: "unreachable", host: back.hosts[index]!.name, reason };
        const refused = async () => isDeepStrictEqual(await access.connect(), { kind: "refused", refusal });
        await until(refused, { deadlineMs: 20_000, what: reason });
      }
      await outer.revive("sshd");
      for (const access of all) assert.deepEqual(await access.connect(), { kind: "connected" });
    });
  });

  describe("that refuses us", () => {
    it("by a key that is not known, are refused for it", async () => {
      const access = behind(back.hosts[0]!, { known_hosts_file: back.knownHostsFile });
      const outcome = await access.connect();
      assert.ok(outcome.kind === "refused");
      assert.deepEqual([outcome.refusal.code, outcome.refusal.host], ["host_key_unknown", "host-1"]);
      assert.ok(
        outcome.refusal.reason.startsWith(`the bastion ${outer.address}:${outer.port}: presented the ssh-ed25519 key`),
      );
    });

    it("by our key, are refused for it", async () => {
      const outcome = await behind(back.hosts[0]!, { proxy_jump: "nobody-here@outer" }).connect();
      assert.ok(outcome.kind === "refused");
      assert.equal(outcome.refusal.code, "authentication_failed");
      assert.match(outcome.refusal.reason, /^the bastion \S+: rejected the login of user nobody-here; offered: /);
    });

    it("because it may not forward, are told which of sshd's settings to look at", async () => {
      const strict = await raiseFleet({ hosts: 1, groups: [], sshdConfig: ["AllowTcpForwarding no"] });
      const both = join(folder, "known_hosts_both");
      await writeFile(both, (await readFile(knownHosts, "utf8")) + (await readFile(strict.knownHostsFile, "utf8")));
      const { user, port } = strict.planSsh();
      const config = join(folder, "config-strict");
      const { address } = strict.host("host-1");
      await writeFile(
        config,
        `Host strict\nHostName ${address}\nPort ${port}\nUser ${user}\nIdentityFile ${strict.identityFile}\n`,
      );
      const reason = await reasonOf(
        behind(back.hosts[0]!, { proxy_jump: "strict", known_hosts_file: both, config_file: config }),
      );
      assert.match(reason, /^127\S+ through 127\S+: sshd there does not permit it \(see its AllowTcpForwarding/);
      await Promise.all(opened.map((access) => access.close()));
      await strict.down();
    });
  });

  it("that are down say so, and through which bastion", async () => {
    const host = back.hosts[0]!;
    const reason = await reasonOf(behind(host, { port: 1 }));
    assert.equal(reason, `${host.address}:1 through ${outer.address}:${outer.port}: connection refused`);
  });

  it("that their bastion does not reach in time are given up, and the bastion is not", async () => {
    const scripted = await startScriptedHost({ onExec: () => {}, forwards: "never" });
    const { user, port, known_hosts_file } = scripted.target.ssh;
    const far = targetAt("10.0.0.5", {
      // Long enough for the handshake with the bastion, which has as long.
      connect_timeout_ms: 3_000,
      known_hosts_file: known_hosts_file!,
      proxy_jump: `${user}@127.0.0.1:${port}`,
    });
    const access = openSsh(far, nobodyAt(folder), bastions);
    assert.equal(await reasonOf(access), `10.0.0.5:22 through 127.0.0.1:${port}: no answer within 3s`);
    await access.close();
    await scripted.close();
  });

  it("that are closed while the bastion is dialled leave it to the others", async () => {
    await outer.freeze("sshd");
    const [hasty, patient] = [behind(back.hosts[0]!), behind(back.hosts[1]!)];
    const [connecting, waiting] = [hasty.connect(), patient.connect()];
    await hasty.close();
    const outcome = await connecting;
    assert.ok(outcome.kind === "refused");
    assert.match(outcome.refusal.reason, /the connection was given up before it was made$/);
    await outer.thaw("sshd");
    assert.deepEqual(await waiting, { kind: "connected" });
  });

  it("do not go through themselves when everybody is to go through them", async () => {
    const target = targetAt("outer", { known_hosts_file: knownHosts, proxy_jump: "outer" });
    const access = openSsh(target, { ...nobodyAt(folder), configFile: join(folder, "config") }, bastions);
    const before = await logins(outer);
    assert.deepEqual(await access.connect(), { kind: "connected" });
    // sshd lets us in before it writes that down.
    await until(async () => (await logins(outer)) > before, { deadlineMs: 20_000, what: "the login is logged" });
    assert.equal((await logins(outer)) - before, 1);
    await access.close();
  });

  describe("whose sshd has too many to greet", () => {
    const strangers: Socket[] = [];
    beforeEach(async () => {
      // When it notices that the stranger of the test before has left is up to the machine.
      for (const bastion of [outer, inner]) await bastion.greetsNobody();
    });
    afterEach(() => strangers.splice(0).forEach((socket) => socket.destroy()));

    /** Holds the one place that MaxStartups leaves to those who have not logged in. */
    async function stranger(at = outer) {
      const socket = connect(at.port, at.address);
      strangers.push(socket);
      await once(socket, "data");
      return socket;
    }

    it("are dropped, and come again until it has time", async () => {
      const socket = await stranger();
      const waits: number[] = [];
      const backoff = (dropped: number) => {
        waits.push(dropped);
        // How fast it notices that the stranger has left is up to the machine.
        if (dropped === 2) socket.destroy();
        return 20;
      };
      const outcomes = await Promise.all(back.hosts.map((host) => behind(host, {}, { backoff }).connect()));
      for (const outcome of outcomes) assert.deepEqual(outcome, { kind: "connected" });
      assert.ok(waits.length >= 2, "dropped at least twice");
      assert.deepEqual(
        waits,
        waits.map((_, index) => index + 1),
        "by one attempt after the other, for all hosts",
      );
    });

    it("are told so when it has had enough of that", async () => {
      await stranger();
      let tries = 0;
      const backoff = (dropped: number) => {
        tries = dropped;
        return dropped === 3 ? undefined : 0;
      };
      const reason = await reasonOf(behind(back.hosts[0]!, {}, { backoff }));
      assert.match(reason, /^the bastion \S+: closes the connection without an SSH banner .*MaxStartups/);
      assert.equal(tries, 3);
    });

    it("wait likewise when it is their own, and the bastion is used again", async () => {
      const [host] = back.hosts;
      const socket = await stranger(inner);
      const before = await logins(outer);
      let tries = 0;
      const backoff = (dropped: number) => {
        if ((tries = dropped) === 2) socket.destroy();
        return 20;
      };
      assert.deepEqual(await behind(host!, { proxy_jump: "outer,inner" }, { backoff }).connect(), {
        kind: "connected",
      });
      assert.ok(tries >= 2, "dropped at least twice");
      assert.equal((await logins(outer)) - before, 1);
    });

    it("come again likewise when it is their own that the bastion finds closed at once", async () => {
      const scripted = await startScriptedHost({ onExec: () => {}, forwards: "closed at once" });
      const { user, port, known_hosts_file } = scripted.target.ssh;
      const far = targetAt("10.0.0.5", {
        known_hosts_file: known_hosts_file!,
        proxy_jump: `${user}@127.0.0.1:${port}`,
      });
      let tries = 0;
      const backoff = (dropped: number) => ((tries = dropped) === 3 ? undefined : 0);
      const access = openSsh(far, { ...nobodyAt(folder), backoff }, bastions);
      assert.match(await reasonOf(access), /^10\.0\.0\.5:22 through \S+ closes the connection .*MaxStartups/);
      assert.equal(tries, 3);
      await access.close();
      await scripted.close();
    });

    it("do not come again after connect_timeout", async () => {
      await stranger();
      const backoff = () => NEVER_MS;
      const reason = await reasonOf(behind(back.hosts[0]!, {}, { backoff }));
      assert.match(reason, /MaxStartups/);
    });

    it("do not come again when they were refused for what they are", async () => {
      const backoff = (): number => assert.fail("tried again");
      // The bastions with one place drop whoever comes before they know that the last one has left.
      const refused = (ssh: Partial<SshSettings>) =>
        reasonOf(behind(back.hosts[0]!, { proxy_jump: "roomy", ...ssh }, { backoff }));
      assert.match(await refused({ known_hosts_file: front.knownHostsFile }), /presented the ssh-ed25519 key/);
      assert.match(await refused({ proxy_jump: "nobody-here@roomy" }), /rejected the login of user nobody-here/);
      assert.match(await refused({ port: 1 }), /connection refused$/);
    });
  });
});
