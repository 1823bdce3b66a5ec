import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { SshSettings } from "../../../src/domain/target.ts";
import { openSsh } from "../../../src/hosts/ssh/ssh.ts";
import { raiseFleet } from "../../fleet/fleet.ts";
import { nobodyAt, targetOf, temporaryFolder } from "../fixtures.ts";

const run = promisify(execFile);

describe("what the built-in client cannot do", () => {
  let folder: string;
  let remove: () => Promise<void>;
  before(async () => ({ folder, remove } = await temporaryFolder()));
  after(() => remove());

  async function connectToHostWith(sshdConfig: readonly string[], ssh: Partial<SshSettings> = {}) {
    const fleet = await raiseFleet({ hosts: 1, groups: [], sshdConfig });
    const access = openSsh(targetOf(fleet, fleet.host("host-1"), ssh), nobodyAt(folder));
    try {
      return await access.connect();
    } finally {
      await access.close();
      await fleet.down();
    }
  }

  it("a key exchange that only withstands quantum computers: the refusal says which client can", async () => {
    const outcome = await connectToHostWith(["KexAlgorithms sntrup761x25519-sha512@openssh.com"]);
    assert.ok(outcome.kind === "refused");
    assert.equal(outcome.refusal.code, "unreachable");
    assert.match(outcome.refusal.reason, /no algorithm in common with it: .*key exchange.*client: system/);
  });

  it("certificates of hosts: one that is known by its authority only is not known, and the refusal says why", async () => {
    const [authority, hostKey] = ["authority", "host_key"].map((name) => join(folder, name));
    for (const file of [authority!, hostKey!]) await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
    await run("ssh-keygen", ["-q", "-s", authority!, "-I", "host", "-h", `${hostKey}.pub`]);
    const known = join(folder, "known_hosts");
    await writeFile(known, `@cert-authority * ${await readFile(`${authority}.pub`, "utf8")}`);
    const sshdConfig = [`HostKey ${hostKey}`, `HostCertificate ${hostKey}-cert.pub`];
    const outcome = await connectToHostWith(sshdConfig, { known_hosts_file: known });
    assert.ok(outcome.kind === "refused");
    assert.equal(outcome.refusal.code, "host_key_unknown");
    assert.match(outcome.refusal.reason, /known_hosts:1 trusts a certificate authority for it.*client: system/);
    const added = await connectToHostWith(sshdConfig, { known_hosts_file: known, host_key_checking: "accept-new" });
    assert.equal(added.kind, "connected");
  });
});
