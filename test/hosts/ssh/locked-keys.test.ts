import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { SshSettings } from "../../../src/domain/target.ts";
import { lockedKeys } from "../../../src/hosts/ssh/locked-keys.ts";
import type { SshOptions } from "../../../src/hosts/ssh-config/ssh-route.ts";
import { openSsh } from "../../../src/hosts/ssh/ssh.ts";
import { raiseFleet } from "../../fleet/fleet.ts";
import { nobodyAt, targetAt, targetOf, temporaryFolder } from "../fixtures.ts";

const run = promisify(execFile);
const passphrase = "correct horse";

describe("a key that has a passphrase", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let home: string;
  before(async () => {
    ({ folder, remove } = await temporaryFolder());
    home = join(folder, "home");
    await mkdir(join(home, ".ssh"), { recursive: true });
  });
  after(() => remove());
  const agents: { readonly end: () => Promise<void> }[] = [];
  afterEach(async () => {
    for (const { end } of agents.splice(0)) await end();
  });

  async function makeKey(name: string, secret = passphrase, ...options: string[]): Promise<string> {
    const file = join(folder, name);
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", secret, "-f", file, ...options]);
    return file;
  }

  /** The keys to ask for, and the hosts they are for. */
  async function asked(settings: Readonly<Record<string, SshSettings>>, options: SshOptions = {}) {
    const targets = Object.entries(settings).map(([name, ssh]) => targetAt(name, ssh, name));
    const locked = await lockedKeys(targets, { ...nobodyAt(home), ...options }, new Map());
    return locked.map(({ file, hosts }) => [file, ...hosts]);
  }

  async function startAgent(name: string, ...keys: string[]) {
    const agentSocket = join(folder, name);
    const agent = spawn("ssh-agent", ["-D", "-a", agentSocket], { stdio: ["ignore", "pipe", "inherit"] });
    await once(agent.stdout, "data");
    let ended: Promise<void> | undefined;
    const end = () => (ended ??= endAgent(agent, agentSocket));
    agents.push({ end });
    for (const key of keys) await run("ssh-add", ["-q", key], { env: { ...process.env, SSH_AUTH_SOCK: agentSocket } });
    return { agentSocket, end };
  }

  it("is asked for once, for all hosts that need it", async () => {
    const [one, other, open] = [await makeKey("one"), await makeKey("other"), await makeKey("open", "")];
    const hosts = { a: { identity_file: one }, b: { identity_file: open }, c: { identity_file: one } };
    assert.deepEqual(await asked({ ...hosts, d: { identity_file: other } }), [
      [one, "a", "c"],
      [other, "d"],
    ]);
  });

  it("may be the one that ssh_config names, of the host or of its bastion", async () => {
    const [ofHost, ofBastion] = [await makeKey("of-host"), await makeKey("of-bastion")];
    const configFile = join(folder, "config");
    await writeFile(
      configFile,
      `Host a\n IdentityFile ${ofHost}\n ProxyJump gate\nHost gate\n IdentityFile ${ofBastion}\n`,
    );
    const options = { configFile };
    assert.deepEqual(await asked({ a: {} }, options), [
      [ofHost, "a"],
      [ofBastion, "a"],
    ]);
  });

  it("is not asked for when the agent holds it, with nothing but the key's own file to tell", async () => {
    const [file, pem] = [await makeKey("in-agent", ""), await makeKey("in-agent-pem", "", "-t", "rsa", "-m", "PEM")];
    const { agentSocket, end } = await startAgent("agent", file, pem);
    for (const key of [file, pem]) await run("ssh-keygen", ["-q", "-p", "-P", "", "-N", passphrase, "-f", key]);
    await rm(`${file}.pub`);
    const hosts = { a: { identity_file: file }, b: { identity_file: pem } };
    assert.deepEqual(await asked(hosts, { agentSocket }), []);
    await end();
    assert.equal((await asked(hosts, { agentSocket })).length, 2);
  });

  it("that nobody named is asked for only when there is nothing else to log in with", async () => {
    const [rsa, ed25519] = ["id_rsa", "id_ed25519"].map((name) => join(home, ".ssh", name));
    const any = await makeKey("any", "");
    await copyFile(await makeKey("default-1"), ed25519!);
    await copyFile(await makeKey("default-2"), rsa!);
    assert.deepEqual(await asked({ a: {} }), [[ed25519, "a"]]);
    const { agentSocket, end } = await startAgent("agent-2", any);
    assert.deepEqual(await asked({ a: {} }, { agentSocket }), []);
    await end();
    await copyFile(any, rsa!);
    assert.deepEqual(await asked({ a: {} }), []);
    await Promise.all([rm(rsa!), rm(ed25519!)]);
  });

  for (const [what, options] of [
    ["an Ed25519 key", []],
    ["an RSA key", ["-t", "rsa"]],
    ["an ECDSA key", ["-t", "ecdsa"]],
    ["an RSA key in PEM", ["-t", "rsa", "-m", "PEM"]],
  ] as const)
    it(`lets us in once it was given: ${what}`, async () => {
      const fleet = await raiseFleet({ hosts: 1, groups: [] });
      const file = await makeKey(what.replaceAll(" ", "-"), passphrase, ...options);
      await writeFile(join(fleet.dir, "authorized_keys"), await readFile(`${file}.pub`));
      const target = targetOf(fleet, fleet.host("host-1"), { identity_file: file });
      const [locked] = await lockedKeys([target], nobodyAt(home), new Map());
      assert.equal(locked?.unlock("wrong"), undefined);
      assert.equal(locked?.unlock(""), undefined);
      const key = locked?.unlock(passphrase);
      assert.ok(key);
      const access = openSsh(target, { ...nobodyAt(home), unlocked: new Map([[file, key]]) });
      assert.deepEqual(await access.connect(), { kind: "connected" });
      await access.close();
      await fleet.down();
    });
});

async function endAgent(agent: ChildProcess, socket: string): Promise<void> {
  const exited = once(agent, "exit");
  agent.kill();
  await exited;
  await rm(socket, { force: true });
}
