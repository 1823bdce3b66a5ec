import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import type { ConnectOutcome } from "../../../src/executor/ports.ts";
import { fingerprintOf, type PublicKey } from "../../../src/hosts/host-keys/public-key.ts";
import { openSsh } from "../../../src/hosts/ssh/ssh.ts";
import { amount } from "../../amount.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../../fleet/fleet.ts";
import { nobodyAt, targetOf, temporaryFolder } from "../fixtures.ts";
import { madeUpEd25519, madeUpRsa } from "./made-up-keys.ts";

const run = promisify(execFile);
const wrong = madeUpEd25519(1);
const wrongRsa = madeUpRsa(2);

describe("the check of a host's key, on a host with an Ed25519 and an RSA key", () => {
  let folder: string;
  let remove: () => Promise<void>;
  let fleet: Fleet;
  let host: FleetHost;
  let file: string;
  let name: string;
  let ed25519: PublicKey & { readonly text: string };
  let rsa: typeof ed25519;

  before(async () => {
    ({ folder, remove } = await temporaryFolder());
    file = join(folder, "known_hosts");
    const rsaFile = join(folder, "rsa_key");
    await run("ssh-keygen", ["-q", "-t", "rsa", "-b", "2048", "-N", "", "-C", "", "-f", rsaFile]);
    fleet = await raiseFleet({ hosts: 1, groups: [], sshdConfig: [`HostKey ${rsaFile}`] });
    host = fleet.host("host-1");
    name = `[${host.address}]:${host.port}`;
    ed25519 = keyOfLine(await readFile(fleet.knownHostsFile, "utf8"));
    rsa = keyOfLine(`${name} ${await readFile(`${rsaFile}.pub`, "utf8")}`);
  });
  after(async () => {
    await fleet.down();
    await remove();
  });

  async function connectWith(text: string, ssh = { known_hosts_file: file }): Promise<ConnectOutcome> {
    await writeFile(file, text);
    const access = openSsh(targetOf(fleet, host, ssh), nobodyAt(folder));
    const outcome = await access.connect();
    await access.close();
    return outcome;
  }

  const refusalWith = async (text: string) => {
    const outcome = await connectWith(text);
    assert.ok(outcome.kind === "refused", `refused for ${text}`);
    return outcome.refusal;
  };
  const accepts = async (text: string) => assert.deepEqual(await connectWith(text), { kind: "connected" }, text);

  it("lets it in by either key, though it would rather show the other", async () => {
    await accepts(`${name} ${ed25519.text}\n`);
    await accepts(`${name} ${rsa.text}\n`);
    await accepts(`${name} ${rsa.text}\n${name} ${ed25519.text}\n`);
  });

  it("lets it in by its hashed name", async () => {
    await writeFile(file, `${name} ${ed25519.text}\n`);
    await run("ssh-keygen", ["-H", "-f", file]);
    const hashed = await readFile(file, "utf8");
    assert.match(hashed, /^\|1\|/);
    await accepts(hashed);
  });

  it("refuses a key that is not known, with its fingerprint and the files that were read", async () => {
    const refusal = await refusalWith("");
    assert.equal(refusal.code, "host_key_unknown");
    assert.equal(refusal.host, "host-1");
    // The command to look at it can be pasted.
    assert.match(
      refusal.remedy ?? "",
      /^`ssh-keyscan -p \d+ 127\.[\d.]+ 2>\/dev\/null \| ssh-keygen -lf -` shows its keys/,
    );
    const shown = `presented the ssh-ed25519 key ${fingerprintOf(ed25519)}`;
    assert.equal(
      refusal.reason,
      `${host.address}:${host.port}: ${shown}; ${name} is not in ${file}, /etc/ssh/ssh_known_hosts, /etc/ssh/ssh_known_hosts2`,
    );
  });

  it("refuses another key than the known one, with both fingerprints and the line", async () => {
    const refusal = await refusalWith(`# old\n${name} ${wrong.text}\n`);
    assert.equal(refusal.code, "host_key_changed");
    assert.ok(refusal.reason.includes(fingerprintOf(ed25519)) && refusal.reason.includes(fingerprintOf(wrong)));
    assert.ok(refusal.reason.includes(`${file}:2`));
  });

  it("refuses a revoked key, even if it is known", async () => {
    const refusal = await refusalWith(`${name} ${ed25519.text}\n@revoked * ${ed25519.text}\n@revoked * ${rsa.text}\n`);
    assert.equal(refusal.code, "host_key_revoked");
    assert.match(refusal.reason, /@revoked$/);
  });

  it("goes by the key of another type when one is revoked", async () => {
    await accepts(`${name} ${rsa.text}\n@revoked * ${ed25519.text}\n`);
    await accepts(`${name} ${ed25519.text}\n${name} ${rsa.text}\n@revoked * ${ed25519.text}\n`);
  });

  it("does not ask for a good key of a type of which another was revoked, like OpenSSH", async () => {
    const refusal = await refusalWith(`${name} ${wrongRsa.text}\n${name} ${rsa.text}\n@revoked * ${wrongRsa.text}\n`);
    assert.equal(refusal.code, "host_key_changed");
  });

  it("goes by the address, not by the plan's name for the host", async () => {
    assert.equal((await refusalWith(`host-1,[host-1]:${host.port} ${ed25519.text}\n`)).code, "host_key_unknown");
  });

  it("reads the file anew for each connection", async () => {
    await accepts(`${name} ${ed25519.text}\n`);
    assert.equal((await refusalWith(`${name} ${wrong.text}\n`)).code, "host_key_changed");
    await accepts(`${name} ${ed25519.text}\n`);
  });

  it("reads ~/.ssh/known_hosts and known_hosts2 when the plan names no file", async () => {
    await run("mkdir", ["-p", join(folder, ".ssh")]);
    await writeFile(join(folder, ".ssh", "known_hosts2"), `${name} ${ed25519.text}\n`);
    const access = openSsh(targetOf(fleet, host, { known_hosts_file: undefined }), nobodyAt(folder));
    assert.deepEqual(await access.connect(), { kind: "connected" });
    await access.close();
  });

  it("comes to the same verdict as OpenSSH's own client", async () => {
    const keys = [ed25519, ed25519, rsa, wrong, wrongRsa].map(({ text }) => text);
    const names = [name, name, host.address, `[${host.address}]:22`, "[127.*]:*", "*", "!127.*", `!${host.address}`];
    const hosts = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 2 });
    const line = fc
      .tuple(fc.constantFrom("", "", "", "@revoked ", "@cert-authority "), hosts, fc.constantFrom(...keys))
      .map(([marker, names, key]) => `${marker}${names.join(",")} ${key}\n`);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 4 }), async (lines) => {
        const ours = await connectWith(lines.join(""));
        assert.equal(
          ours.kind === "connected" ? "known" : ours.refusal.code.replace("host_key_", ""),
          verdictOfOpenSsh(),
        );
      }),
      { numRuns: amount(60, 20) },
    );
  });

  function verdictOfOpenSsh(): string {
    const options = [
      "StrictHostKeyChecking=yes",
      `UserKnownHostsFile=${file}`,
      "PreferredAuthentications=none",
      "BatchMode=yes",
    ];
    const settings = options.flatMap((option) => ["-o", option]);
    const { stderr } = spawnSync("ssh", ["-F", "none", ...settings, "-p", String(host.port), host.address, "true"], {
      encoding: "utf8",
    });
    if (/Permission denied/.test(stderr)) return "known";
    if (/was revoked and you have requested/.test(stderr)) return "revoked";
    if (/has changed and you have requested/.test(stderr)) return "changed";
    return /host key is known for/.test(stderr) ? "unknown" : stderr;
  }
});

function keyOfLine(line: string): PublicKey & { readonly text: string } {
  const [, type = "", base64 = ""] = line.trim().split(" ");
  return { type, blob: Buffer.from(base64, "base64"), text: `${type} ${base64}` };
}
