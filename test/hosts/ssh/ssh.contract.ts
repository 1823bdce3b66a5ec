import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import type { HostTarget } from "../../../src/domain/target.ts";
import type { HostAccess } from "../../../src/executor/ports.ts";
import type { SshOptions } from "../../../src/hosts/ssh-config/ssh-route.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../../fleet/fleet.ts";
import { until } from "../../fleet/until.ts";
import { makePipe, NEVER_MS, nobodyAt, targetAt, targetOf } from "../fixtures.ts";
import { hostAccessContract } from "../host-access.contract.ts";
import { startScriptedHost } from "../scripted-host.ts";

/** What a way onto a host by ssh is called, how it is opened, and what it says of a loss. */
export interface SshWay {
  readonly name: string;
  readonly open: (target: HostTarget, options: SshOptions) => HostAccess;
  readonly says: {
    /** When its sshd goes away. */
    readonly lost: RegExp;
    readonly frozen: RegExp;
    readonly closedByUs: RegExp;
    readonly nobodyListens: RegExp;
    readonly noSuchName: RegExp;
  };
}

/** What every way by ssh promises beyond what every way onto a host does. */
export function sshContract({ name, open: openSsh, says }: SshWay): void {
  describe(name, () => {
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

    hostAccessContract(name, () => Promise.resolve({ access, cleanup: () => access.close() }));

    it("tells what a command prints from what a profile does, even where that ends no line", async () => {
      const profile = `${host.dir}/.bashrc`;
      await writeFile(profile, "printf 'Welcome\\n\\033]0;title\\007'; printf 'no tty' >&2\n");
      try {
        assert.deepEqual(await access.run(["sh", "-c", "printf 'a\nb'; printf c >&2"]), {
          kind: "exited",
          code: 0,
          stdout: "a\nb",
          stderr: "c",
        });
      } finally {
        await rm(profile);
      }
    });

    it("shows what a profile says that lets no command run", async () => {
      const profile = `${host.dir}/.bashrc`;
      await writeFile(profile, "echo 'closed for maintenance'; exit 1\n");
      try {
        const outcome = await access.run(["true"]);
        assert.deepEqual(outcome, { kind: "exited", code: 1, stdout: "closed for maintenance\n", stderr: "" });
      } finally {
        await rm(profile);
      }
    });

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

      it("ends with a goodbye, so that no sshd logs an error", async () => {
        const goodbyes = async () => (await host.sshdLog()).match(/Received disconnect from/g)?.length ?? 0;
        const before = await goodbyes();
        await access.run(["true"]);
        await access.close();
        await until(async () => (await goodbyes()) > before, {
          deadlineMs: 20_000,
          what: "sshd has logged the goodbye",
        });
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
        assert.match(outcome.reason, says.closedByUs);
        await goOn.say("still here\n");
        assert.equal(await started.heard(), "still here\n");
      });

      it("has 10 sessions, as sshd gives by default; what finds none has another connection", async () => {
        const before = await sessions();
        const busy = await Promise.all(Array.from({ length: 10 }, () => startWaiting(access)));
        assert.equal((await access.run(["true"])).kind, "exited");
        assert.equal((await access.run(["true"])).kind, "exited");
        assert.equal((await sessions()) - before, 2);
        for (const { goOn, started } of busy) {
          await goOn.say("x\n");
          await started.heard();
        }
        for (const { ended } of busy)
          assert.deepEqual(await ended, { kind: "exited", code: 0, stdout: "x\n", stderr: "" });
      });
    });

    describe("a connection that is lost", () => {
      it("in the middle of a command leaves its end unknown; the next command has a new connection", async () => {
        const { ended, goOn, started } = await startWaiting(access);
        await host.dropConnections();
        const outcome = await ended;
        assert.ok(outcome.kind === "indeterminate");
        assert.match(outcome.reason, says.lost);
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
        assert.match(outcome.reason, says.nobodyListens);
        await host.revive("sshd");
        assert.equal((await access.run(["true"])).kind, "exited");
        await goOn.say("x\n");
        await started.heard();
      });

      it("because the host froze is noticed by its silence, and closes without its help", async () => {
        const impatient = openSsh(targetOf(fleet, host), {
          ...nobodyAt(fleet.dir),
          keepalive: { intervalMs: 1_000, unanswered: 2 },
        });
        const { ended, goOn, started } = await startWaiting(impatient, { timeoutMs: NEVER_MS });
        await host.freeze("sshd");
        const outcome = await ended;
        assert.ok(outcome.kind === "indeterminate");
        assert.match(outcome.reason, says.frozen);
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

    describe("a host that bears one session a connection", () => {
      let narrow: Fleet;
      let only: FleetHost;
      let way: HostAccess;
      before(async () => {
        narrow = await raiseFleet({ hosts: 1, groups: [], sshdConfig: ["MaxSessions 1"] });
        only = narrow.host("host-1");
      });
      after(() => narrow.down());
      beforeEach(() => {
        way = openSsh(targetOf(narrow, only), nobodyAt(narrow.dir));
      });
      afterEach(() => way.close());
      const connections = async () => (await only.sshdLog()).match(/Accepted publickey/g)?.length ?? 0;

      hostAccessContract(`${name}, one session a connection`, () =>
        Promise.resolve({ access: way, cleanup: () => way.close() }),
      );

      it("has as many as there are commands at once, and no more when they come again", async () => {
        const before = await connections();
        for (let time = 0; time < 2; time++) {
          const busy = await Promise.all([1, 2, 3].map(() => way.spawn(["cat"])));
          assert.equal((await connections()) - before, 3);
          for (const spawned of busy) {
            assert.ok(spawned.kind === "spawned");
            spawned.process.stream.resume().end();
            await spawned.process.closed;
          }
        }
      });
    });

    describe("a host that bears no session at all", () => {
      let closed: Fleet;
      before(async () => {
        closed = await raiseFleet({ hosts: 1, groups: [], sshdConfig: ["MaxSessions 0"] });
      });
      after(() => closed.down());

      it("says so for every command, and none was sent", async () => {
        const way = openSsh(targetOf(closed, closed.host("host-1")), nobodyAt(closed.dir));
        for (const outcome of await Promise.all([way.run(["true"]), way.run(["true"])]))
          assert.deepEqual(outcome, {
            kind: "unreachable",
            reason: "the host refused another channel (see sshd's MaxSessions): open failed",
          });
        assert.equal((await way.spawn(["true"])).kind, "failed");
        await way.close();
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
        assert.match(outcome.refusal.reason, says.noSuchName);
      });
    });
  });
}
