import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { SshSettings } from "../../../src/domain/target.ts";
import { openSsh } from "../../../src/hosts/ssh/ssh.ts";
import { DEFAULT_CONNECT_TIMEOUT_MS, findRoute, type SshRoute } from "../../../src/hosts/ssh-config/ssh-route.ts";
import { parseDuration } from "../../../src/domain/duration.ts";
import { planSchema } from "../../../src/planner/schema/plan-schema.ts";
import { raiseFleet, type Fleet } from "../../fleet/fleet.ts";
import { nobodyAt, targetAt, temporaryFolder } from "../fixtures.ts";

const run = promisify(execFile);

/** A host as a plan has it that says nothing of ssh. */
const plain = (address: string, ssh: SshSettings = {}) => ({ ...targetAt(address, {}, address), ssh });

describe("~/.ssh/config", () => {
  let fleet: Fleet;
  let folder: string;
  let remove: () => Promise<void>;
  before(async () => {
    fleet = await raiseFleet({ hosts: 3, groups: [] });
    ({ folder, remove } = await temporaryFolder());
  });
  after(async () => {
    await fleet.down();
    await remove();
  });

  const written = async (text: string) => {
    const file = join(folder, "config");
    await writeFile(file, text);
    return file;
  };

  async function connectTo(alias: string, config: string, ssh: SshSettings = {}, agentSocket = "") {
    const options = { ...nobodyAt(folder), configFile: await written(config), agentSocket };
    const access = openSsh(targetAt(alias, ssh, alias), options);
    const outcome = await access.connect();
    await access.close();
    return outcome;
  }

  const refusalOf = async (...given: Parameters<typeof connectTo>) => {
    const outcome = await connectTo(...given);
    assert.ok(outcome.kind === "refused", "not let in");
    return outcome.refusal;
  };
  const accepts = async (...given: Parameters<typeof connectTo>) =>
    assert.deepEqual(await connectTo(...given), { kind: "connected" });

  /** All that is needed to get onto a host of the fleet, or all but one keyword. */
  function settings(without = "", number = 0): string {
    const { address, port } = fleet.hosts[number]!;
    const all = {
      HostName: address,
      Port: port,
      User: fleet.planSsh().user,
      IdentityFile: fleet.identityFile,
      UserKnownHostsFile: fleet.knownHostsFile,
    };
    const lines = Object.entries(all).filter(([keyword]) => keyword !== without);
    return lines.map(([keyword, value]) => `  ${keyword} ${value}\n`).join("");
  }

  it("makes an alias a host's name, with nothing else in the plan", () =>
    accepts("web-prod", `Host web-*\n${settings()}`));

  it("gives way to what the plan says", async () => {
    const { reason } = await refusalOf("web-prod", `Host web-*\n${settings()}`, { port: 1 });
    assert.match(reason, /:1: connection refused$/);
  });

  it("may be in several files, and decide by Match", async () => {
    const included = join(folder, "included");
    await writeFile(included, settings());
    await accepts("web-prod", `Include ${included}\n`);
    await accepts("web-prod", `Match originalhost web-* exec "true"\n${settings()}`);
  });

  it("that ssh cannot read is refused with ssh's own words", async () => {
    const { reason } = await refusalOf("web-prod", "Host web-*\n  NoSuchKeyword yes\n");
    assert.match(reason, /^web-prod: ssh -G: .*line 2: Bad configuration option/);
  });

  it("is the one that the plan names, or none", async () => {
    const ofPlan = join(folder, "config-of-the-plan");
    await writeFile(ofPlan, `Host *\n${settings()}`);
    await accepts("web-prod", "Host *\n  HostName wrong.invalid\n", { config_file: ofPlan });
    const { reason } = await refusalOf("web.invalid", `Host *\n${settings()}`, { config_file: "none" });
    assert.match(reason, /^web\.invalid:22: its name cannot be resolved/);
    const missing = join(folder, "missing");
    assert.match((await refusalOf("x", "", { config_file: missing })).reason, /^x: ssh -G: .*missing/);
  });

  describe("by ProxyJump", () => {
    const outer = () => `Host outer\n${settings("", 1)}`;
    const loginsAt = async (number: number) =>
      (await fleet.hosts[number]!.sshdLog()).match(/Accepted publickey/g)?.length ?? 0;

    it("sends hosts through a bastion, which it is asked for as well", async () => {
      const before = await loginsAt(1);
      await accepts("web-prod", `${outer()}Host web-*\n${settings()}  ProxyJump outer\n`);
      assert.equal((await loginsAt(1)) - before, 1);
    });

    it("sends bastions through bastions", async () => {
      const before = await loginsAt(1);
      const inner = `Host inner\n${settings("", 2)}  ProxyJump outer\n`;
      await accepts("web-prod", `${outer()}${inner}Host web-*\n${settings()}  ProxyJump inner\n`);
      assert.equal((await loginsAt(1)) - before, 1);
    });

    it("sends the bastion itself straight, where all hosts go through it", () =>
      accepts("outer", `${outer()}Host *\n  ProxyJump outer\n`));

    it("does not send them round in a circle", async () => {
      const circle = "Host a\n ProxyJump b\nHost b\n ProxyJump c\nHost c\n ProxyJump a\n";
      assert.equal((await refusalOf("a", circle)).reason, "a: the route is circular: it leads through a:22 to itself");
    });

    it("gives way to the plan, which may say none", async () => {
      const config = `${outer()}Host web-*\n${settings()}  ProxyJump nowhere.invalid\n`;
      await accepts("web-prod", config, { proxy_jump: "none" });
      await accepts("web-prod", config, { proxy_jump: "outer" });
      assert.match((await refusalOf("web-prod", config)).reason, /^the bastion nowhere\.invalid:22: /);
    });
  });

  it("that asks for what only the ssh program can do is refused by name, with a hint", async () => {
    const proxied = `Host web-*\n${settings()}  ProxyCommand nc %h %p\n`;
    const hint = "which only the ssh program supports: see client: system";
    assert.equal(
      (await refusalOf("web-prod", proxied)).reason,
      `web-prod: ssh_config has "ProxyCommand nc %h %p", ${hint}`,
    );
    await accepts("web-prod", proxied, { proxy_jump: "none" });
    const revoked = `Host web-*\n${settings()}  RevokedHostKeys /etc/ssh/revoked\n`;
    assert.match((await refusalOf("web-prod", revoked)).reason, /"RevokedHostKeys \/etc\/ssh\/revoked", which only/);
    assert.match((await refusalOf("web-prod", revoked, { proxy_jump: "none" })).reason, /RevokedHostKeys/);
  });

  describe("says where and how to look for a host's key:", () => {
    const unknown = async (config: string, ssh: SshSettings = {}) =>
      assert.equal((await refusalOf("web-prod", config, ssh)).code, "host_key_unknown");
    let key: string;
    before(async () => {
      key = (await readFile(fleet.knownHostsFile, "utf8")).split("\n")[0]!.split(" ").slice(1).join(" ");
    });

    it("UserKnownHostsFile, of which there may be several, and GlobalKnownHostsFile", async () => {
      const without = `Host web-*\n${settings("UserKnownHostsFile")}`;
      await unknown(`${without}  UserKnownHostsFile none\n`);
      await unknown(`${without}  UserKnownHostsFile ${folder}/a ${folder}/b\n`);
      await accepts("web-prod", `${without}  UserKnownHostsFile ${folder}/a ${fleet.knownHostsFile}\n`);
      await accepts("web-prod", `${without}  GlobalKnownHostsFile ${folder}/a ${fleet.knownHostsFile}\n`);
      await unknown(`${without}  GlobalKnownHostsFile none\n`);
    });

    it("HostKeyAlias, which stands without a port", async () => {
      const file = join(folder, "known_hosts_alias");
      await writeFile(file, `the-alias ${key}\n`);
      const config = `Host web-*\n${settings("UserKnownHostsFile")}  UserKnownHostsFile ${file}\n`;
      await unknown(config);
      await accepts("web-prod", `${config}  HostKeyAlias the-alias\n`);
      const { reason } = await refusalOf("web-prod", `${config}  HostKeyAlias another\n`);
      assert.match(reason, /; another is not in /);
    });

    it("HostKeyAlgorithms", async () => {
      const { reason } = await refusalOf("web-prod", `Host web-*\n${settings()}  HostKeyAlgorithms rsa-sha2-512\n`);
      assert.match(reason, /no algorithm in common with it.*host key.*client: system/);
      const none = await refusalOf(
        "web-prod",
        `Host web-*\n${settings()}  HostKeyAlgorithms sk-ssh-ed25519@openssh.com\n`,
      );
      assert.match(
        none.reason,
        /of what HostKeyAlgorithms of ssh_config allows nothing can be checked here: see client/,
      );
    });

    it("StrictHostKeyChecking and HashKnownHosts, unless the plan says otherwise", async () => {
      const file = join(folder, "known_hosts_new");
      const config = `Host web-*\n${settings("UserKnownHostsFile")}  UserKnownHostsFile ${file}\n`;
      for (const value of ["yes", "ask"]) await unknown(`${config}  StrictHostKeyChecking ${value}\n`);
      await unknown(`${config}  StrictHostKeyChecking accept-new\n`, { host_key_checking: "strict" });
      const outcome = await connectTo(
        "web-prod",
        `${config}  StrictHostKeyChecking accept-new\n  HashKnownHosts yes\n`,
      );
      assert.equal(outcome.kind, "connected");
      assert.match(await readFile(file, "utf8"), /^\|1\|\S+\|\S+ ssh-ed25519 \S+\n$/);
      await accepts("web-prod", config);
      await writeFile(file, "");
      assert.equal((await connectTo("web-prod", `${config}  StrictHostKeyChecking no\n`)).kind, "connected");
    });
  });

  describe("says who we are:", () => {
    let agentSocket: string;
    let end: () => Promise<void>;
    before(async () => {
      agentSocket = join(folder, "agent");
      const agent = spawn("ssh-agent", ["-D", "-a", agentSocket], { stdio: ["ignore", "pipe", "inherit"] });
      await once(agent.stdout, "data");
      await run("ssh-add", ["-q", fleet.identityFile], { env: { ...process.env, SSH_AUTH_SOCK: agentSocket } });
      end = async () => {
        const exited = once(agent, "exit");
        agent.kill();
        await exited;
        await rm(agentSocket, { force: true });
      };
    });
    after(() => end());
    const withoutKey = () => `Host web-*\n${settings("IdentityFile")}`;

    it("IdentityAgent: a socket, a variable, or none", async () => {
      await accepts("web-prod", `${withoutKey()}  IdentityAgent ${agentSocket}\n`);
      process.env["TEST_AGENT"] = agentSocket;
      await accepts("web-prod", `${withoutKey()}  IdentityAgent $TEST_AGENT\n`);
      delete process.env["TEST_AGENT"];
      await accepts("web-prod", `${withoutKey()}  IdentityAgent SSH_AUTH_SOCK\n`, {}, agentSocket);
      const none = await refusalOf("web-prod", `${withoutKey()}  IdentityAgent none\n`, {}, agentSocket);
      assert.equal(none.code, "authentication_failed");
    });

    it("IdentitiesOnly: of the agent's keys those with a file", async () => {
      const only = `${withoutKey()}  IdentitiesOnly yes\n`;
      const { reason } = await refusalOf("web-prod", only, {}, agentSocket);
      assert.match(reason, /no key to offer: the agent holds no key of an identity file \(see IdentitiesOnly\)/);
      await accepts("web-prod", `${only}  IdentityFile ${fleet.identityFile}.pub\n`, {}, agentSocket);
      await accepts("web-prod", only, { identity_file: `${fleet.identityFile}.pub` }, agentSocket);
    });

    it("IdentityFile, with ~ and ssh's tokens", async () => {
      await mkdir(join(folder, ".ssh"), { recursive: true });
      const { address } = fleet.hosts[0]!;
      await copyFile(fleet.identityFile, join(folder, ".ssh", `web-prod ${address} %`));
      await accepts("web-prod", `${withoutKey()}  IdentityFile "~/.ssh/%n %h %%"\n`);
      await accepts("web-prod", `${withoutKey()}  IdentityFile "%d/.ssh/%n %h %%"\n`);
    });
  });

  describe("and the plan: the nearer wins,", () => {
    async function routeOf(config: string, ssh: SshSettings = {}): Promise<SshRoute> {
      const found = await findRoute(plain("web-prod", ssh), { ...nobodyAt(folder), configFile: await written(config) });
      assert.ok("route" in found);
      return found.route;
    }

    it("for how long to wait, as the plan's reference says", async () => {
      const { description } = planSchema.definitions.ssh.properties.connect_timeout;
      const [, stated = ""] = /Default: ConnectTimeout of ssh_config, else (\S+)\.$/.exec(description) ?? [];
      assert.equal(parseDuration(stated), DEFAULT_CONNECT_TIMEOUT_MS);
      assert.equal((await routeOf("")).connectTimeoutMs, DEFAULT_CONNECT_TIMEOUT_MS);
      assert.equal((await routeOf("ConnectTimeout 7\n")).connectTimeoutMs, 7_000);
      assert.equal((await routeOf("ConnectTimeout 7\n", { connect_timeout_ms: 300 })).connectTimeoutMs, 300);
    });

    it("but who and where a bastion is, the plan's user and port do not say", async () => {
      const ssh = { user: "deploy", port: 2222, identity_file: "/deploy", proxy_jump: "outer,jump@[fd00::1]:22" };
      const config = "Host outer\n  HostName 10.0.0.1\n  User gate\n  IdentityFile /gate\n";
      const route = await routeOf(config, { ...ssh, known_hosts_file: "/known", host_key_checking: "accept-new" });
      const way: (readonly (string | number)[])[] = [];
      for (let hop: SshRoute | undefined = route; hop; hop = hop.via) {
        way.push([hop.user, hop.address, hop.port, ...hop.identityFiles]);
        assert.deepEqual([hop.hostKeys.files[0], hop.hostKeys.checking], ["/known", "accept-new"]);
      }
      assert.deepEqual(way, [
        ["deploy", "web-prod", 2222, "/deploy"],
        ["jump", "fd00::1", 22, "/deploy"],
        ["gate", "10.0.0.1", 22, "/deploy", "/gate"],
      ]);
    });
  });
});
