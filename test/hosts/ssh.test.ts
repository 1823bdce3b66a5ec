import assert from "node:assert/strict";
import { openHost } from "../../src/hosts/open.ts";
import { openSsh } from "../../src/hosts/ssh.ts";
import type { HostAccess } from "../../src/executor/ports.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { makePipe, NEVER_MS, nobodyAt, targetAt, targetOf } from "./fixtures.ts";
import { hostAccessContract } from "./host-access.contract.ts";
import { startScriptedHost } from "./scripted-host.ts";

describe("ssh", function () {
  this.timeout(60_000);
  let fleet: Fleet;
  let host: FleetHost;
  let access: HostAccess;
  let pipes = 0;

  before(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [] });
    host = fleet.host("host-1");
  });
  after(() => fleet.down());
  beforeEach(() => {
    access = openSsh(targetOf(fleet, host), nobodyAt(fleet.dir));
  });
  afterEach(() => access.close());

  hostAccessContract("ssh", () => Promise.resolve({ access, cleanup: () => access.close() }));

  /** A command that says that it runs, and then waits to be told to end. */
  async function startWaiting(way: HostAccess, options?: { timeoutMs: number }) {
    const number = (pipes += 1);
    const started = await makePipe(`${host.dir}/started-${number}`);
    const goOn = await makePipe(`${host.dir}/go-on-${number}`);
    const script = 'echo $$ > "$1"; read line < "$2"; echo "$line" > "$1"; echo "$line"';
    const ended = way.run(["sh", "-c", script, "sh", started.path, goOn.path], options);
    await started.heard();
    return { ended, goOn, started };
  }

  describe("a connection", () => {
    const sessions = async () => (await host.sshdLog()).match(/Accepted publickey/g)?.length ?? 0;

    it("is made once for all who come meanwhile, and used again", async () => {
      const before = await sessions();
      await Promise.all([access.connect(), access.run(["true"]), access.run(["true"]), access.connect()]);
      await access.run(["true"]);
      assert.equal((await sessions()) - before, 1);
    });

    it("is what a plan's host opens by default", async () => {
      const byDefault = openHost(targetOf(fleet, host));
      assert.equal(byDefault.host, "host-1");
      assert.deepEqual(await byDefault.run(["true"]), { kind: "exited", code: 0, stdout: "", stderr: "" });
      await byDefault.close();
    });

    it("ends with a goodbye, so that no sshd logs an error", async () => {
      const goodbyes = async () => (await host.sshdLog()).match(/Received disconnect from/g)?.length ?? 0;
      const before = await goodbyes();
      await access.run(["true"]);
      await access.close();
      await until(async () => (await goodbyes()) > before, { deadlineMs: 20_000, what: "sshd has logged the goodbye" });
    });

    it("that is closed while it is being made is refused, and the next one is good", async () => {
      const connecting = access.connect();
      await access.close();
      const outcome = await connecting;
      assert.ok(outcome.kind === "refused");
      assert.match(outcome.refusal.reason, /given up before it was made$/);
      assert.deepEqual(await access.connect(), { kind: "connected" });
    });

    it("leaves no socket and no timer behind when it is closed, however it was used", async () => {
      const inUse = () =>
        process
          .getActiveResourcesInfo()
          .filter((kind) => /Socket|Timeout|TCP|Pipe/.test(kind))
          .sort();
      // Only now has mocha's own timer for this test been set.
      await access.close();
      const before = inUse();
      assert.deepEqual(await access.run(["sleep", "60"], { timeoutMs: 30 }), { kind: "timed_out", afterMs: 30 });
      assert.equal((await access.run(["true"], { timeoutMs: NEVER_MS })).kind, "exited");
      await access.close();
      assert.deepEqual(inUse(), before);
    });

    it("that is closed under a command leaves that to go on by itself, its end unknown", async () => {
      const { ended, goOn, started } = await startWaiting(access);
      await access.close();
      const outcome = await ended;
      assert.ok(outcome.kind === "indeterminate");
      assert.match(outcome.reason, /^the connection to 127\S+:\d+ was lost: it was closed by us$/);
      await goOn.say("still here\n");
      assert.equal(await started.heard(), "still here\n");
    });

    it("has 10 sessions, as sshd gives by default; what finds none was not sent, and the others go on", async () => {
      const busy = await Promise.all(Array.from({ length: 10 }, () => startWaiting(access)));
      const outcome = await access.run(["true"]);
      assert.ok(outcome.kind === "unreachable");
      assert.match(outcome.reason, /MaxSessions/);
      for (const { goOn, started } of busy) {
        await goOn.say("x\n");
        await started.heard();
      }
      for (const { ended } of busy)
        assert.deepEqual(await ended, { kind: "exited", code: 0, stdout: "x\n", stderr: "" });
      assert.equal((await access.run(["true"])).kind, "exited");
    });
  });

  describe("a connection that is lost", () => {
    it("in the middle of a command leaves its end unknown; the next command has a new connection", async () => {
      const { ended, goOn, started } = await startWaiting(access);
      await host.dropConnections();
      const outcome = await ended;
      assert.ok(outcome.kind === "indeterminate");
      assert.match(outcome.reason, /^the connection to 127\S+:\d+ was lost: the host (ended|reset) it$/);
      assert.equal((await access.run(["true"])).kind, "exited");

      await goOn.say("still here\n");
      assert.equal(await started.heard(), "still here\n");
    });

    it("between two commands is made again for the next, at the latest after one that was not sent", async () => {
      await access.connect();
      await host.dropConnections();
      // Whether its end has come to our ears by now is up to the machine.
      const outcome = await access.run(["true"]);
      assert.ok(outcome.kind === "exited" || outcome.kind === "unreachable", outcome.kind);
      assert.equal((await access.run(["true"])).kind, "exited");
    });

    it("with the host says so until the host is back", async () => {
      const { ended, goOn, started } = await startWaiting(access);
      await host.kill("sshd");
      assert.equal((await ended).kind, "indeterminate");
      const outcome = await access.run(["true"]);
      assert.ok(outcome.kind === "unreachable");
      assert.match(outcome.reason, /^127\S+:\d+: connection refused$/);
      await host.revive("sshd");
      assert.equal((await access.run(["true"])).kind, "exited");
      await goOn.say("x\n");
      await started.heard();
    });

    it("because the host froze is noticed by its silence, and closes without its help", async () => {
      const impatient = openSsh(targetOf(fleet, host), {
        ...nobodyAt(fleet.dir),
        keepalive: { intervalMs: 50, unanswered: 2 },
      });
      const { ended, goOn, started } = await startWaiting(impatient, { timeoutMs: NEVER_MS });
      await host.freeze("sshd");
      const outcome = await ended;
      assert.ok(outcome.kind === "indeterminate");
      assert.match(outcome.reason, /the host no longer answers$/);
      await impatient.close();
      await host.thaw("sshd");
      await goOn.say("x\n");
      await started.heard();
    });

    it("before the host opened the channel was not used: the command is not sent", async () => {
      await access.connect();
      await host.freeze("sshd");
      const ended = access.run(["true"]);
      await host.kill("sshd");
      assert.equal((await ended).kind, "unreachable");
      await host.revive("sshd");
    });

    it("does not keep a frozen host's connection when it is closed", async () => {
      await access.connect();
      await host.freeze("sshd");
      await access.close();
      await host.thaw("sshd");
    });
  });

  describe("a host of ill will", () => {
    it("that takes the command and goes away leaves its end unknown", async () => {
      const scripted = await startScriptedHost({ onExec: ({ connection }) => connection.end() });
      const way = openSsh(scripted.target, nobodyAt(fleet.dir));
      assert.equal((await way.run(["true"])).kind, "indeterminate");
      await way.close();
      await scripted.close();
    });

    it("that refuses the command once the channel is open leaves its end unknown", async () => {
      const scripted = await startScriptedHost({ onExec: ({ reject }) => reject() });
      const way = openSsh(scripted.target, nobodyAt(fleet.dir));
      assert.equal((await way.run(["true"])).kind, "indeterminate");
      await way.close();
      await scripted.close();
    });

    it("that closes the channel without an exit status leaves its end unknown", async () => {
      const scripted = await startScriptedHost({ onExec: ({ accept }) => accept().close() });
      const way = openSsh(scripted.target, nobodyAt(fleet.dir));
      const outcome = await way.run(["true"]);
      assert.deepEqual(outcome, {
        kind: "indeterminate",
        reason: "the host closed the channel without an exit status",
      });
      await way.close();
      await scripted.close();
    });

    it("that sends an exit status, but goes away before the end of the output, leaves its end unknown", async () => {
      const scripted = await startScriptedHost({
        onExec: ({ accept, connection }) => {
          const channel = accept();
          channel.write("half of ");
          channel.exit(0);
          connection.end();
        },
      });
      const way = openSsh(scripted.target, nobodyAt(fleet.dir));
      assert.equal((await way.run(["true"])).kind, "indeterminate");
      await way.close();
      await scripted.close();
    });

    it("that never opens a channel is given up after timeoutMs, since it might still do so", async () => {
      const scripted = await startScriptedHost({ opensChannels: false, onExec: () => {} });
      const way = openSsh(scripted.target, nobodyAt(fleet.dir));
      assert.deepEqual(await way.run(["true"], { timeoutMs: 30 }), { kind: "timed_out", afterMs: 30 });
      await way.close();
      await scripted.close();
    });

    it("that has no address at all is unreachable by name", async () => {
      const way = openSsh(targetAt("no-such-host.invalid", {}), nobodyAt(fleet.dir));
      const outcome = await way.connect();
      assert.ok(outcome.kind === "refused");
      assert.match(outcome.refusal.reason, /^no-such-host\.invalid:22: its name cannot be resolved/);
    });
  });
});

describe("a host that allows one command at a time", function () {
  this.timeout(60_000);

  it("runs one after the other, and ends what was only spare for the next", async () => {
    const fleet = await raiseFleet({ hosts: 1, groups: [], sshdConfig: ["MaxSessions 1"] });
    const access = openSsh(targetOf(fleet, fleet.host("host-1")), nobodyAt(fleet.dir));
    try {
      for (let time = 0; time < 20; time++) {
        const spare = await access.spawn(["cat"], { spare: true });
        assert.ok(spare.kind === "spawned", `time ${time}: ${spare.kind}`);
        spare.process.stream.resume();
        assert.deepEqual(await access.run(["true"]), { kind: "exited", code: 0, stdout: "", stderr: "" });
        await spare.process.closed;
      }
      const kept = await access.spawn(["cat"]);
      assert.ok(kept.kind === "spawned");
      assert.equal((await access.run(["true"])).kind, "unreachable");
      kept.process.stream.resume();
      kept.process.stream.end();
      await kept.process.closed;
    } finally {
      await access.close();
      await fleet.down();
    }
  });
});
