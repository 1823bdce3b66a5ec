import assert from "node:assert/strict";
import { hostKeyAlgorithms, hostKeyVerifier, type HostKeyRefusal } from "../../../src/hosts/host-keys/host-key.ts";
import type { HostKeyChecking } from "../../../src/domain/target.ts";
import { keysOf, parseKnownHosts } from "../../../src/hosts/host-keys/known-hosts.ts";
import { fingerprintOf, type PublicKey } from "../../../src/hosts/host-keys/public-key.ts";
import { madeUpEd25519, madeUpRsa } from "./made-up-keys.ts";

const ours = madeUpEd25519(1);
const other = madeUpEd25519(2);
const rsa = madeUpRsa(3);

const keysIn = (text: string) => keysOf([parseKnownHosts(text, "/home/me/.ssh/known_hosts")], "web-01", 2222);

describe("the host key algorithms that are offered", () => {
  const ecdsa = ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];
  const usual = ["ssh-ed25519", ...ecdsa, "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"];

  it("are all, in the usual order, for a host that is not known", () => {
    assert.deepEqual(hostKeyAlgorithms(keysIn("")), usual);
  });

  it("begin with those of the known key, for an RSA key with the ones that are safe today", () => {
    const offered = hostKeyAlgorithms(keysIn(`[web-01]:2222 ${rsa.text}\n`));
    assert.deepEqual(offered.slice(0, 4), ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa", "ssh-ed25519"]);
    assert.deepEqual(new Set(offered), new Set(usual));
  });

  it("are those that ssh_config allows, in the same order", () => {
    const allowed = ["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"];
    assert.deepEqual(hostKeyAlgorithms(keysIn(""), allowed), ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"]);
    const known = keysIn(`[web-01]:2222 ${rsa.text}\n`);
    assert.deepEqual(hostKeyAlgorithms(known, allowed), ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]);
  });

  it("do not go by the name without the port, like in OpenSSH", () => {
    assert.deepEqual(hostKeyAlgorithms(keysIn(`web-01 ${rsa.text}\n`)), usual);
  });
});

/** What is said of the key that `web-01`, port 2222, shows, with this text in the user's known_hosts. */
function verify(text: string, checking: HostKeyChecking, shown: readonly PublicKey[] = [ours]) {
  const files = ["/home/me/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"];
  const rules = { name: "web-01", port: 2222, files, checking, hashed: false };
  const refusals: HostKeyRefusal[] = [];
  const warnings: string[] = [];
  const newKeys: PublicKey[] = [];
  const verifier = hostKeyVerifier(
    { keys: keysIn(text), rules },
    {
      refused: (refusal) => refusals.push(refusal),
      isNew: (key) => newKeys.push(key),
      warn: (text) => warnings.push(text),
    },
  );
  const answers = shown.map(({ blob }) => verifier(blob));
  // A promise would be taken for a yes.
  assert.ok(answers.every((answer: unknown) => typeof answer === "boolean"));
  return { answers, refusal: refusals[0], warnings, newKeys };
}

describe("a host key's refusal", () => {
  function refusalWith(text: string): HostKeyRefusal | undefined {
    const { answers, refusal } = verify(text, "strict");
    assert.deepEqual(answers, [refusal === undefined]);
    return refusal;
  }

  it("does not happen to a known key", () => {
    assert.equal(refusalWith(`[web-01]:2222 ${ours.text}\n`), undefined);
  });

  it("names the fingerprint, the name that was looked for, and where", () => {
    const where = "[web-01]:2222 is not in /home/me/.ssh/known_hosts, /etc/ssh/ssh_known_hosts";
    assert.deepEqual(refusalWith(""), {
      code: "host_key_unknown",
      reason: `presented the ssh-ed25519 key ${fingerprintOf(ours)}; ${where}`,
    });
  });

  it("names both fingerprints and the old line when the key has changed", () => {
    const old = `but /home/me/.ssh/known_hosts:2 has the ssh-ed25519 key ${fingerprintOf(other)}`;
    const reason = `presented the ssh-ed25519 key ${fingerprintOf(ours)}, ${old}`;
    assert.deepEqual(refusalWith(`\n[web-01]:2222 ${other.text}\n`), { code: "host_key_changed", reason });
  });

  it("says so when the key is revoked, with a code of its own", () => {
    const refusal = refusalWith(`@revoked * ${ours.text}\n`);
    assert.equal(refusal?.code, "host_key_revoked");
    assert.match(refusal.reason, /known_hosts:1 marks as @revoked$/);
  });

  it("says that a certificate authority does not help, and what would", () => {
    assert.match(
      refusalWith(`@cert-authority * ${other.text}\n`)?.reason ?? "",
      /known_hosts:1 trusts a certificate authority.*client: system/,
    );
  });
});

describe("host_key_checking", () => {
  const changed = `[web-01]:2222 ${other.text}\n`;
  const revoked = `[web-01]:2222 ${ours.text}\n@revoked * ${ours.text}\n`;

  it("accept-new lets a new host in, to be remembered, and no host with another key", () => {
    const { answers, newKeys, warnings } = verify("", "accept-new");
    assert.deepEqual([answers, warnings], [[true], []]);
    assert.deepEqual(newKeys.map(fingerprintOf), [fingerprintOf(ours)]);
    assert.equal(verify(changed, "accept-new").refusal?.code, "host_key_changed");
    assert.equal(verify(revoked, "accept-new").refusal?.code, "host_key_revoked");
  });

  it("off lets every host in, says so of each, and says which one has another key", () => {
    const notEnforced = "its host key is not enforced (host_key_checking is off)";
    assert.deepEqual(verify(`[web-01]:2222 ${ours.text}\n`, "off").warnings, [notEnforced]);
    assert.equal(verify("", "off").newKeys.length, 1);
    const { answers, newKeys, warnings } = verify(changed, "off");
    assert.deepEqual([answers, newKeys], [[true], []]);
    assert.match(warnings[1] ?? "", /^it presented the ssh-ed25519 key .* but .*known_hosts:1 has .* accepted anyway$/);
  });

  it("off does not let in what somebody has revoked", () => {
    const { answers, refusal } = verify(revoked, "off");
    assert.deepEqual([answers, refusal?.code], [[false], "host_key_revoked"]);
  });

  it("takes no other key for the same connection, whatever it is", () => {
    for (const checking of ["strict", "accept-new", "off"] as const)
      assert.deepEqual(verify(`[web-01]:2222 ${ours.text}\n`, checking, [ours, other, ours]).answers, [
        true,
        false,
        true,
      ]);
  });
});
