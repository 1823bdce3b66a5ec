import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import type { HostName, InstanceName } from "../../../src/domain/ids.ts";
import type { Check } from "../../../src/domain/settings.ts";
import type { HostAccess } from "../../../src/executor/ports.ts";
import { createChecker, createCheckRoutes } from "../../../src/hosts/probes/checker.ts";
import { createHookRunner } from "../../../src/hosts/probes/hook-runner.ts";
import { openLocal } from "../../../src/hosts/local.ts";
import { openHost } from "../../../src/hosts/open.ts";
import type { HostTarget } from "../../../src/domain/target.ts";
import { raiseFleet, type Fleet } from "../../fleet/fleet.ts";

const instance = "web:web_07" as InstanceName;
const http = (url: string, own: Partial<Extract<Check, { kind: "http" }>> = {}): Check => ({
  kind: "http",
  url,
  status: 200,
  from: "host",
  timeout_ms: 5000,
  ...own,
});
const tcp = (address: string): Check => ({ kind: "tcp", address, from: "host", timeout_ms: 5000 });
const command = (text: string, timeout_ms = 5000): Check => ({
  kind: "command",
  command: text,
  from: "host",
  timeout_ms,
});

function checksAndHooks(name: string, open: () => { access: HostAccess; target: HostTarget }): void {
  describe(`checks and hooks ${name}`, () => {
    let access: HostAccess;
    let target: HostTarget;
    let server: Server;
    let port: number;
    const asked: string[] = [];
    const check = (what: Check) =>
      createChecker(target, { host: access, controller: access }, { TOKEN: "s3cret" }).check(what, {
        instance,
        vars: { zone: "b c" },
        pid: 4711,
        previousPid: 815,
      });

    before(async () => {
      ({ access, target } = open());
      server = createServer((request, response) => {
        asked.push(request.url ?? "");
        // /hang is never answered.
        if (request.url !== "/hang") response.writeHead(request.url === "/bad" ? 500 : 200).end("x".repeat(100_000));
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      port = (server.address() as AddressInfo).port;
    });
    after(async () => {
      await access.close();
      server.close();
    });

    it("pass when http answers with the status, its placeholders encoded into the URL", async () => {
      assert.deepEqual(await check(http(`http://127.0.0.1:${port}/{process}/{number}/{vars.zone}?\${TOKEN}`)), {
        kind: "passed",
      });
      assert.equal(asked.at(-1), "/web_07/07/b%20c?s3cret");
    });

    it("fail with what was answered instead", async () => {
      assert.deepEqual(await check(http(`http://127.0.0.1:${port}/bad`)), {
        kind: "failed",
        reason: "status 500 instead of 200",
      });
      assert.deepEqual(await check(http(`http://127.0.0.1:${port}/bad`, { status: 500 })), { kind: "passed" });
    });

    it("time out when there is no answer", async () => {
      const outcome = await check(http(`http://127.0.0.1:${port}/hang`, { timeout_ms: 300 }));
      assert.deepEqual(outcome, { kind: "timed_out", after_ms: 300 });
      assert.deepEqual(await check(command("sleep 60", 300)), { kind: "timed_out", after_ms: 300 });
    });

    it("pass for a port that is open, and fail for one that is not", async () => {
      assert.deepEqual(await check(tcp(`127.0.0.1:${port}`)), { kind: "passed" });
      const closed = createTcpServer().listen(0, "127.0.0.1");
      await once(closed, "listening");
      const { port: gone } = closed.address() as AddressInfo;
      closed.close();
      assert.equal((await check(tcp(`127.0.0.1:${gone}`))).kind, "failed");
    });

    it("run a command with its placeholders as words of the shell", async () => {
      assert.deepEqual(await check(command('test {process} = web_07 && test {vars.zone} = "b c"')), { kind: "passed" });
      const failed = await check(command("echo not ready >&2; exit 3"));
      assert.deepEqual(failed, { kind: "failed", reason: "exit code 3: not ready" });
    });

    it("are about the process that was started and the one that it has replaced, if there was one", async () => {
      assert.deepEqual(await check(command("test {pid} = 4711 && test {old_pid} = 815")), { kind: "passed" });
      assert.deepEqual(await check(http(`http://127.0.0.1:${port}/{pid}/{old_pid}`)), { kind: "passed" });
      assert.equal(asked.at(-1), "/4711/815");
      const checker = createChecker(target, { host: access, controller: access }, {});
      const started = { instance, vars: {}, pid: 4711 };
      assert.deepEqual(await checker.check(command("test -z {old_pid}"), started), { kind: "passed" });
    });

    it("keep what the environment holds out of every argument list, and find an empty stdin", async () => {
      const seen = 'test -z "$(cat)" && test ${TOKEN} = s3cret && ! ps -eo args | grep -v grep | grep s3cret';
      assert.deepEqual(await check(command(seen.replace("grep s3cret", "grep s3[c]ret"))), { kind: "passed" });
    });

    it("are impossible for an instance that has no number, instead of asking for something else", async () => {
      const checker = createChecker(target, { host: access, controller: access }, {});
      const outcome = await checker.check(http(`http://127.0.0.1:${port}/{number}`), {
        instance: "web:main" as InstanceName,
        vars: {},
        pid: 1,
      });
      assert.deepEqual(outcome, { kind: "impossible", reason: "{number} has no value for this instance" });
    });

    it("are impossible where what stands for a placeholder makes no URL or address of it, and do not tell what that is", async () => {
      const notOne = "with its placeholders filled in, it is not ";
      const reasonOf = async (what: Check) => {
        const outcome = await check(what);
        return outcome.kind === "impossible" ? outcome.reason : outcome.kind;
      };
      assert.equal(await reasonOf(http("http://a:{vars.zone}/")), `${notOne}a URL`);
      assert.equal(await reasonOf(http("http://a:80{number}99/")), `${notOne}a URL`);
      assert.equal(await reasonOf(http("${TOKEN}://a/")), `${notOne}a URL`);
      assert.equal(await reasonOf(tcp("a:${TOKEN}")), `${notOne}an address with a port`);
      assert.equal(await reasonOf(tcp("{vars.zone}:80")), `${notOne}an address with a port`);
      assert.equal(await reasonOf(http("http://a.${NONE:-}.b/")), `${notOne}a URL`);
    });

    it("ask an address for no certificate by name, of which Node would warn in the middle of the output", async () => {
      const warnings: Error[] = [];
      const onWarning = (warning: Error) => warnings.push(warning);
      process.on("warning", onWarning);
      const outcome = await check(http(`https://127.0.0.1:${port}/`));
      // It is emitted in a tick of its own.
      await new Promise((resolve) => setImmediate(resolve));
      process.off("warning", onWarning);
      assert.equal(outcome.kind, "failed");
      assert.deepEqual(warnings, []);
    });

    it("hooks know what they are about by placeholder and by environment", async () => {
      const runner = createHookRunner({ controller: access, host: access, targetOf: () => target }, {});
      const subject = { host: target.name, instance, reason: "it's broken", vars: {}, timeoutMs: 5000 };
      const line = 'test "$ORCHESTRATE_HOST" = {host} && test "$ORCHESTRATE_REASON" = {reason} && test {number} = 07';
      assert.deepEqual(await runner.run({ command: line, run: "host" }, subject), { kind: "succeeded" });
      const replaced = { host: target.name, instance, vars: {}, timeoutMs: 5000, pid: 4711, previousPid: 815 };
      const pids = 'test "$ORCHESTRATE_PID $ORCHESTRATE_OLD_PID" = "4711 815" && test {pid}/{old_pid} = 4711/815';
      assert.deepEqual(await runner.run({ command: pids, run: "host" }, replaced), { kind: "succeeded" });
      const started = { host: target.name, instance, vars: {}, timeoutMs: 5000 };
      assert.deepEqual(await runner.run({ command: "test -z {pid}{old_pid}", run: "host" }, started), {
        kind: "succeeded",
      });
      const hosts = ["web-1", "web-2", "db-1"] as HostName[];
      const ofBatch = { step: { wave: 1, group: "the shop", batch: 2 }, hosts, vars: { zone: "b" }, timeoutMs: 5000 };
      const batch =
        'test "$ORCHESTRATE_WAVE,$ORCHESTRATE_HOSTS" = {wave},{hosts} && set -- {hosts_list} {vars.zone} && test $# = 4 && test "$ORCHESTRATE_HOSTS_LIST" = "$1 $2 $3" && test {wave}/{hosts} = "the shop/web-[1-2] db-1"';
      assert.deepEqual(await runner.run({ command: batch, run: "controller" }, ofBatch), { kind: "succeeded" });
      const failed = await runner.run({ command: "echo no >&2; exit 9", run: "host" }, subject);
      assert.deepEqual(failed, { kind: "failed", reason: "exit code 9: no" });
    });
  });
}

function targetFor(
  connection: "ssh" | "local",
  ssh: Partial<HostTarget["ssh"]> = {},
  address = "127.0.0.1",
): HostTarget {
  return {
    name: "web-1" as HostName,
    address,
    connection,
    ssh: { connect_timeout_ms: 10_000, ...ssh },
    supervisor: { command: "supervisorctl", sudo: false },
  };
}

checksAndHooks("on this machine", () => ({ access: openLocal("web-1" as HostName), target: targetFor("local") }));

describe("over ssh", () => {
  let fleet: Fleet;
  before(async () => void (fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 1 }] })));
  after(() => fleet.down());

  checksAndHooks("over ssh", () => {
    const target = targetFor("ssh", fleet.planSsh(), fleet.hosts[0]!.address);
    return { access: openHost(target), target };
  });

  checksAndHooks("over the ssh program", () => {
    const target = targetFor("ssh", { ...fleet.planSsh(), client: "system" }, fleet.hosts[0]!.address);
    return { access: openHost(target), target };
  });

  describe("what keeps a check from where it looks", () => {
    const FORBIDDEN = /: sshd there does not permit it \(see its AllowTcpForwarding and PermitOpen\)$/;
    const fleets: Fleet[] = [];
    after(() => Promise.all(fleets.map((each) => each.down())));

    async function barrierAt(sshdConfig: string[], check: Check, client: "ssh2" | "system" = "ssh2") {
      const own = await raiseFleet({ hosts: 1, groups: [], sshdConfig });
      fleets.push(own);
      const target = targetFor("ssh", { ...own.planSsh(), client }, own.hosts[0]!.address);
      const access = openHost(target);
      const barrier = await createCheckRoutes(target, access, {}).barrier(check, instance, {});
      await access.close();
      return barrier ?? "nothing";
    }

    it("is an sshd that forwards nothing, but not from the controller, and not a command", async () => {
      const closed = ["AllowTcpForwarding no"];
      assert.match(await barrierAt(closed, tcp("127.0.0.1:4711")), FORBIDDEN);
      assert.match(await barrierAt(closed, http("https://localhost/{process}")), /^localhost:443: sshd there/);
      assert.equal(await barrierAt(closed, http("http://127.0.0.1/", { from: "controller" })), "nothing");
      assert.equal(await barrierAt(closed, command("true")), "nothing");
    });

    it("is an sshd that forwards to other places", async () => {
      const narrow = ["PermitOpen 127.0.0.1:4711"];
      assert.equal(await barrierAt(narrow, tcp("127.0.0.1:4711")), "nothing");
      assert.match(await barrierAt(narrow, tcp("127.0.0.1:4712")), FORBIDDEN);
    });

    it("is found out without a connection to what the check asks, and is nothing where sshd forwards", async () => {
      let connections = 0;
      const server = createTcpServer(() => (connections += 1)).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      assert.equal(await barrierAt([], tcp(`127.0.0.1:${port}`)), "nothing");
      assert.equal(connections, 0);
      server.close();
    });

    it("is told as well by the ssh program", async () => {
      assert.match(await barrierAt(["AllowTcpForwarding no"], tcp("127.0.0.1:4711"), "system"), FORBIDDEN);
      assert.equal(await barrierAt([], tcp("127.0.0.1:4711"), "system"), "nothing");
    });
  });
});
