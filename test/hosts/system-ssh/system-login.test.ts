import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import type { Refusal } from "../../../src/domain/failures.ts";
import type { HostTarget } from "../../../src/domain/target.ts";
import { openHost } from "../../../src/hosts/open.ts";
import type { SshOptions } from "../../../src/hosts/ssh-config/ssh-route.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../../fleet/fleet.ts";
import { makeKey } from "../../fleet/host-files.ts";
import { findProgram } from "../../fleet/prerequisites.ts";
import { nobodyAt, serveOnce, targetAt, targetOf, temporaryFolder } from "../fixtures.ts";

const run = promisify(execFile);

describe("the ssh program lets in, or says why not", () => {
  let fleet: Fleet;
  let host: FleetHost;
  let folder: string;
  let remove: () => Promise<void>;

  before(async () => {
    ({ folder, remove } = await temporaryFolder());
    fleet = await raiseFleet({ hosts: 2, groups: [] });
    host = fleet.host("host-1");
  });
  after(async () => {
    await fleet.down();
    await remove();
  });

  const system = (ssh: Parameters<typeof targetOf>[2] = {}, to = host) =>
    targetOf(fleet, to, { client: "system", ...ssh });

  async function connect(target: HostTarget, options: SshOptions = {}): Promise<Refusal | "connected"> {
    const access = openHost(target, { ...nobodyAt(folder), ...options });
    const outcome = await access.connect();
    await access.close();
    return outcome.kind === "connected" ? "connected" : outcome.refusal;
  }

  /** What an operator is told of a host that lets us in. */
  async function warningsOf(target: HostTarget): Promise<readonly string[]> {
    const access = openHost(target, nobodyAt(folder));
    const outcome = await access.connect();
    await access.close();
    assert.ok(outcome.kind === "connected", outcome.kind === "refused" ? outcome.refusal.reason : "");
    return outcome.warnings ?? [];
  }

  async function refusalOf(...given: Parameters<typeof connect>): Promise<Refusal> {
    const refusal = await connect(...given);
    assert.ok(refusal !== "connected", "not let in");
    assert.equal(refusal.host, given[0].name);
    assert.doesNotMatch(refusal.reason, /[\n\r]/);
    assert.ok(refusal.reason.startsWith(`${given[0].address}: `), refusal.reason);
    return refusal;
  }

  it("who has the key of the plan", async () => {
    assert.equal(await connect(system()), "connected");
  });

  it("not who has another", async () => {
    const stranger = `${folder}/stranger`;
    await makeKey(stranger);
    const { code, reason } = await refusalOf(system({ identity_file: stranger }));
    assert.equal(code, "authentication_failed");
    assert.match(reason, /Permission denied \(publickey\S*\)\.$/);
  });

  it("not who would have to be asked for a passphrase, and does not ask", async () => {
    const encrypted = `${folder}/encrypted`;
    await copyFile(fleet.identityFile, encrypted);
    await run("ssh-keygen", ["-q", "-p", "-P", "", "-N", "correct horse", "-f", encrypted]);
    assert.equal((await refusalOf(system({ identity_file: encrypted }))).code, "authentication_failed");
  });

  it("who has a certificate, which no client of our own can use", async () => {
    const [authority, key] = [`${folder}/authority`, `${folder}/certified`];
    await makeKey(authority);
    await makeKey(key);
    await run("ssh-keygen", ["-q", "-s", authority, "-I", "test", "-n", userInfo().username, `${key}.pub`]);
    const trusting = await raiseFleet({
      hosts: 1,
      groups: [],
      sshdConfig: [`TrustedUserCAKeys ${authority}.pub`, "AuthorizedKeysFile none"],
    });
    const login = { client: "system", identity_file: key } as const;
    const outcome = await connect(targetOf(trusting, trusting.host("host-1"), login));
    await trusting.down();
    assert.equal(outcome, "connected");
  });

  it("through a bastion of the plan, which its own ssh_config describes", async () => {
    const bastion = fleet.host("host-2");
    const config = `${folder}/config`;
    await writeFile(
      config,
      [
        "Host bastion",
        `  HostName ${bastion.address}`,
        `  Port ${bastion.port}`,
        `  User ${userInfo().username}`,
        `  IdentityFile ${fleet.identityFile}`,
        `  UserKnownHostsFile ${fleet.knownHostsFile}`,
        "",
      ].join("\n"),
    );
    const logins = async () => (await bastion.sshdLog()).match(/Accepted publickey/g)?.length ?? 0;
    const before = await logins();
    assert.equal(await connect(system({ proxy_jump: "bastion", config_file: config })), "connected");
    assert.equal((await logins()) - before, 1);
  });

  it("not to a host whose key nobody knows", async () => {
    await writeFile(`${folder}/empty`, "");
    const { code, reason } = await refusalOf(system({ known_hosts_file: `${folder}/empty` }));
    assert.equal(code, "host_key_unknown");
    assert.match(reason, /Host key verification failed\.$/);
    assert.equal(await readFile(`${folder}/empty`, "utf8"), "");
  });

  it("to a host whose key nobody knows, if the plan accepts new ones, and learns it", async () => {
    const learnt = `${folder}/learnt`;
    const [warning, ...others] = await warningsOf(
      system({ known_hosts_file: learnt, host_key_checking: "accept-new" }),
    );
    assert.match(warning ?? "", /^Permanently added '\[127\S+\]:\d+' \(ED25519\) to the list of known hosts\.$/);
    assert.deepEqual(others, []);
    assert.deepEqual(await warningsOf(system({ known_hosts_file: learnt })), []);
  });

  it("not to a host that shows another key, and names both, unless the plan does not care", async () => {
    await makeKey(`${folder}/other`);
    const other = (await readFile(`${folder}/other.pub`, "utf8")).split(" ").slice(0, 2).join(" ");
    const known = `${folder}/changed hosts`;
    await writeFile(known, `[${host.address}]:${host.port} ${other}\n`);
    const { code, reason } = await refusalOf(system({ known_hosts_file: known }));
    assert.equal(code, "host_key_changed");
    assert.match(reason, /SHA256:\S+.*Offending ED25519 key in .*changed hosts:1.*Host key verification failed\.$/);
    assert.ok(reason.length < 300, reason);
    assert.equal(
      (await refusalOf(system({ known_hosts_file: known, host_key_checking: "accept-new" }))).code,
      "host_key_changed",
    );
    const [unchecked, changed] = await warningsOf(system({ known_hosts_file: known, host_key_checking: "off" }));
    assert.equal(unchecked, "its host key is not enforced (host_key_checking is off)");
    assert.match(changed ?? "", /another host key: SHA256:.*Offending ED25519 key in .*hosts:1.*accepted anyway$/);
  });

  it("to a host whose keys ssh_config does not enforce, and says so", async () => {
    const config_file = `${folder}/unchecked`;
    await writeFile(config_file, "StrictHostKeyChecking no\n");
    assert.deepEqual(await warningsOf(system({ config_file })), [
      "its host key is not enforced (host_key_checking is off)",
    ]);
  });

  for (const host_key_checking of ["strict", "accept-new", "off"] as const)
    it(`not to a host whose key somebody has revoked: ${host_key_checking}`, async () => {
      const known_hosts_file = `${folder}/revoked`;
      const lines = await readFile(fleet.knownHostsFile, "utf8");
      await writeFile(known_hosts_file, `${lines.replace(/^(?=\S)/gm, "@revoked ")}${lines}`);
      const { code, reason } = await refusalOf(system({ known_hosts_file, host_key_checking }));
      assert.equal(code, "host_key_revoked");
      assert.match(reason, /^127\S+: The ED25519 host key for \[127\S+\]:\d+ is marked as revoked\./);
    });

  it("who runs us as an account whose shell runs nothing", async () => {
    const shell = process.env["SHELL"];
    process.env["SHELL"] = findProgram("false") ?? "";
    try {
      assert.equal(await connect(system()), "connected");
    } finally {
      if (shell === undefined) delete process.env["SHELL"];
      else process.env["SHELL"] = shell;
    }
  });

  it("not to one that says no more than its banner, for longer than the plan's connect_timeout", async () => {
    // With a banner ssh's own ConnectTimeout is over, which has whole seconds.
    const server = await serveOnce((socket) => socket.write("SSH-2.0-Odd_1\r\n"));
    const silent = targetAt("127.0.0.1", { port: server.port, client: "system", connect_timeout_ms: 300 });
    const { code, reason } = await refusalOf(silent);
    await server.close();
    assert.deepEqual([code, reason], ["unreachable", "127.0.0.1: no connection within 300ms"]);
  });

  it("nor for longer than ssh_config's ConnectTimeout, where the plan has none", async () => {
    const server = await serveOnce(() => {});
    const config_file = `${folder}/patience`;
    await writeFile(config_file, "ConnectTimeout 1\n");
    const { connect_timeout_ms: _, ...ssh } = targetAt("127.0.0.1", { port: server.port, client: "system" }).ssh;
    const silent = { ...targetAt("127.0.0.1", {}), ssh: { ...ssh, config_file } };
    const { reason } = await refusalOf(silent);
    await server.close();
    assert.match(reason, /^127\.0\.0\.1: (no connection within 1s|Connection timed out)/);
  });

  it("not to one that speaks something else", async () => {
    const server = await serveOnce((socket) => socket.end("HTTP/1.1 400 Bad\u001b[31m Request\r\n\r\n"));
    const { code, reason } = await refusalOf(targetAt("127.0.0.1", { port: server.port, client: "system" }));
    await server.close();
    assert.equal(code, "unreachable");
    assert.doesNotMatch(reason, /\p{Cc}/u);
  });

  it("nowhere, where there is no ssh program", async () => {
    const bin = `${folder}/bin`;
    await mkdir(bin);
    for (const name of ["sh", "rm"]) await symlink(findProgram(name) ?? "", `${bin}/${name}`);
    const path = process.env["PATH"];
    process.env["PATH"] = bin;
    try {
      const { code, reason } = await refusalOf(system());
      assert.equal(code, "unreachable");
      assert.match(reason, /ssh: not found|ssh: command not found/);
    } finally {
      process.env["PATH"] = path;
    }
  });
});
