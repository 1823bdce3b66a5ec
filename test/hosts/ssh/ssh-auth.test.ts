import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Refusal } from "../../../src/domain/failures.ts";
import type { SshOptions } from "../../../src/hosts/ssh-config/ssh-route.ts";
import { openSsh } from "../../../src/hosts/ssh/ssh.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../../fleet/fleet.ts";
import { nobodyAt, targetOf, temporaryFolder } from "../fixtures.ts";

const run = promisify(execFile);
const passphrase = "correct horse";

interface Login {
  readonly identity_file: string | undefined;
  readonly user?: string;
}

describe("who is let in", () => {
  let fleet: Fleet;
  let host: FleetHost;
  let home: string;
  let remove: () => Promise<void>;
  let encrypted: string;
  let stranger: string;

  before(async () => {
    ({ folder: home, remove } = await temporaryFolder());
    await mkdir(join(home, ".ssh"));
    fleet = await raiseFleet({ hosts: 1, groups: [] });
    host = fleet.host("host-1");
    encrypted = join(home, "encrypted");
    await copyFile(fleet.identityFile, encrypted);
    await run("ssh-keygen", ["-q", "-p", "-P", "", "-N", passphrase, "-f", encrypted]);
    await copyFile(`${fleet.identityFile}.pub`, `${encrypted}.pub`);
    stranger = await makeKey("stranger");
  });
  after(async () => {
    await fleet.down();
    await remove();
  });

  async function makeKey(name: string, ...options: string[]): Promise<string> {
    const file = join(home, name);
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file, ...options]);
    return file;
  }

  async function connect(ssh: Login, options: SshOptions = {}): Promise<Refusal | "connected"> {
    const access = openSsh(targetOf(fleet, host, ssh), { ...nobodyAt(home), ...options });
    const outcome = await access.connect();
    await access.close();
    return outcome.kind === "connected" ? "connected" : outcome.refusal;
  }

  async function refusalOf(...given: Parameters<typeof connect>): Promise<string> {
    const refusal = await connect(...given);
    assert.ok(refusal !== "connected", "not let in");
    assert.equal(refusal.code, "authentication_failed");
    assert.ok(refusal.reason.startsWith(`${host.address}:${host.port}: `));
    assert.ok(!refusal.reason.includes("\n"), "one line");
    return refusal.reason.slice(`${host.address}:${host.port}: `.length);
  }

  async function refusalOfHostWith(...sshdConfig: string[]): Promise<string> {
    const strict = await raiseFleet({ hosts: 1, groups: [], sshdConfig });
    const access = openSsh(targetOf(strict, strict.host("host-1")), nobodyAt(home));
    const outcome = await access.connect();
    await strict.down();
    assert.ok(outcome.kind === "refused");
    return outcome.refusal.reason;
  }

  describe("by an identity file", () => {
    it("that is a public key is pointed to the private one that lies next to it", async () => {
      const reason = await refusalOf({ identity_file: `${fleet.identityFile}.pub` });
      assert.ok(
        reason.includes(
          `is a public key: the private one lies next to it: set ssh.identity_file: ${fleet.identityFile}`,
        ),
        reason,
      );
    });

    it("is who holds its key", async () => {
      assert.equal(await connect({ identity_file: fleet.identityFile }), "connected");
    });

    it("is not a stranger", async () => {
      const { username } = userInfo();
      assert.equal(
        await refusalOf({ identity_file: stranger }),
        `rejected the login of user ${username}; offered: ${stranger}; no agent ($SSH_AUTH_SOCK is not set)`,
      );
    });

    it("is not somebody else: the user is named", async () => {
      const reason = await refusalOf({ identity_file: fleet.identityFile, user: "nobody-here" });
      assert.match(reason, /^rejected the login of user nobody-here; offered: /);
    });

    it("with a passphrase is nobody, and is told to use ssh-add", async () => {
      const reason = await refusalOf({ identity_file: encrypted });
      assert.match(
        reason,
        /no key to offer: .*; \S+encrypted has a passphrase: add it to the agent with `ssh-add \S+encrypted`$/,
      );
    });

    it("that is missing is told by its name", async () => {
      assert.match(
        await refusalOf({ identity_file: join(home, "gone") }),
        /no key to offer: .*; \S+gone no such file$/,
      );
    });

    it("that is no key is told so, whatever it is", async () => {
      const file = join(home, "not-a-key");
      await writeFile(file, "hello\n");
      assert.match(await refusalOf({ identity_file: file }), /not-a-key is not a usable key/);
      assert.match(await refusalOf({ identity_file: home }), /cannot be read: EISDIR$/);
    });

    it("with a certificate beside it is told that those do not count", async () => {
      const certified = await makeKey("certified");
      await run("ssh-keygen", ["-q", "-s", stranger, "-I", "us", `${certified}.pub`]);
      const reason = await refusalOf({ identity_file: certified });
      assert.match(
        reason,
        /certified used without \S+certified-cert\.pub: certificates are not supported \(see client: system\)$/,
      );
    });

    it("of FIDO is told that those are not supported", async () => {
      const file = join(home, "id_sk");
      await writeFile(file, fidoKey());
      assert.match(
        await refusalOf({ identity_file: file }),
        /id_sk is a FIDO key, which is not supported: see client: system$/,
      );
    });
  });

  describe("by default", () => {
    it("is nobody without any key: all places are named", async () => {
      const reason = await refusalOf({ identity_file: undefined });
      assert.match(reason, /no key to offer: no agent .*, none of \S+id_ed25519, \S+id_ecdsa, \S+id_rsa exists$/);
    });

    it("is who has a key at one of OpenSSH's default places", async () => {
      const file = join(home, ".ssh", "id_ecdsa");
      await copyFile(fleet.identityFile, file);
      assert.equal(await connect({ identity_file: undefined }), "connected");
      await rm(file);
    });

    it("is the user who runs us", async () => {
      const access = openSsh(targetOf(fleet, host, { user: undefined }), nobodyAt(home));
      assert.deepEqual(await access.connect(), { kind: "connected" });
      await access.close();
    });
  });

  describe("by an agent", () => {
    let agentSocket: string;
    let end: () => Promise<void>;

    beforeEach(async () => {
      agentSocket = join(home, "agent");
      const agent = spawn("ssh-agent", ["-D", "-a", agentSocket], { stdio: ["ignore", "pipe", "inherit"] });
      await once(agent.stdout, "data");
      end = async () => {
        const exited = once(agent, "exit");
        agent.kill();
        await exited;
        await rm(agentSocket, { force: true });
      };
    });
    afterEach(() => end());

    const add = (...files: string[]) =>
      run("ssh-add", ["-q", ...files], { env: { ...process.env, SSH_AUTH_SOCK: agentSocket } });

    it("is who has put the key there, passphrase or not", async () => {
      await add(fleet.identityFile);
      assert.equal(await connect({ identity_file: undefined }, { agentSocket }), "connected");
      assert.equal(await connect({ identity_file: encrypted }, { agentSocket }), "connected");
      assert.equal(await connect({ identity_file: `${fleet.identityFile}.pub` }, { agentSocket }), "connected");
    });

    it("is who has the key in a file, when the agent has only others", async () => {
      await add(stranger);
      assert.equal(await connect({ identity_file: fleet.identityFile }, { agentSocket }), "connected");
    });

    it("is not a stranger: what was offered is told", async () => {
      await add(stranger);
      assert.match(
        await refusalOf({ identity_file: undefined }, { agentSocket }),
        /; offered: 1 key of the agent \(ssh-ed25519 SHA256:[\w+/]{43}\)$/,
      );
    });

    it("in a full agent is who names the key, before sshd has had enough", async () => {
      for (let number = 0; number < 8; number += 1) await add(await makeKey(`other-${number}`));
      await add(fleet.identityFile);
      assert.equal(await connect({ identity_file: encrypted }, { agentSocket }), "connected");
      const reason = await refusalOf({ identity_file: undefined }, { agentSocket });
      assert.match(
        reason,
        /^ended the authentication: Too many authentication failures; .*offered: 9 keys of the agent \((?:ssh-ed25519 SHA256:[\w+/]{43}, ){3}…\)$/,
      );
    });

    it("that holds only what is not supported is told so", async () => {
      const certified = await makeKey("certified-2");
      await run("ssh-keygen", ["-q", "-s", stranger, "-I", "us", `${certified}.pub`]);
      await add(certified);
      await run("ssh-add", ["-q", "-d", "-k", certified], { env: { ...process.env, SSH_AUTH_SOCK: agentSocket } });
      const reason = await refusalOf({ identity_file: undefined }, { agentSocket });
      assert.match(reason, /these keys of the agent are not supported: ssh-ed25519-cert-v01@openssh\.com/);
    });

    it("that is empty is told so", async () => {
      assert.match(
        await refusalOf({ identity_file: undefined }, { agentSocket }),
        /no key to offer: the agent holds no key, none of/,
      );
    });

    it("that is gone is told so, and a file does as well", async () => {
      const gone = join(home, "no-agent");
      assert.match(
        await refusalOf({ identity_file: undefined }, { agentSocket: gone }),
        /the agent at \S+no-agent cannot be asked/,
      );
      assert.equal(await connect({ identity_file: fleet.identityFile }, { agentSocket: gone }), "connected");
    });
  });

  it("is not who has half of what the host wants", async () => {
    const reason = await refusalOfHostWith("AuthenticationMethods publickey,password", "PasswordAuthentication yes");
    assert.match(reason, /accepts a key of user \S+, but also needs password/);
  });

  it("is told when the host accepts no keys at all", async () => {
    const reason = await refusalOfHostWith(
      "PubkeyAuthentication no",
      "PasswordAuthentication yes",
      "PermitRootLogin yes",
    );
    assert.match(reason, /; the host accepts password.* only$/);
  });

  it("has none of it in the messages: no key, no passphrase", async () => {
    const reason = await refusalOf({ identity_file: encrypted });
    const secret = (await readFile(encrypted, "utf8")).split("\n")[1] ?? "";
    assert.ok(!reason.includes(secret) && !reason.includes(passphrase));
  });
});

/** A private key of type sk-ssh-ed25519@openssh.com without a device behind it, in OpenSSH's format. */
function fidoKey(): string {
  const text = (value: string | Buffer) => {
    const bytes = Buffer.from(value as string);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const type = "sk-ssh-ed25519@openssh.com";
  const key = Buffer.alloc(32, 7);
  const publicKey = Buffer.concat([text(type), text(key), text("ssh:")]);
  const check = Buffer.alloc(8, 1);
  const secret = Buffer.concat([
    check,
    text(type),
    text(key),
    text("ssh:"),
    Buffer.from([1]),
    text("handle"),
    text(""),
    text("comment"),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const whole = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...[
      text("none"),
      text("none"),
      text(""),
      Buffer.from([0, 0, 0, 1]),
      text(publicKey),
      text(Buffer.concat([secret, padding])),
    ],
  ]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${whole.toString("base64").replace(/.{70}/g, "$&\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
