import assert from "node:assert/strict";
import { hostKeyAlgorithms, hostKeyVerifier, type HostKeyRefusal } from "../../src/hosts/host-key.ts";
import { keysOf, parseKnownHosts } from "../../src/hosts/known-hosts.ts";
import { fingerprintOf } from "../../src/hosts/public-key.ts";
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

  it("do not go by the name without the port, like in OpenSSH", () => {
    assert.deepEqual(hostKeyAlgorithms(keysIn(`web-01 ${rsa.text}\n`)), usual);
  });
});

describe("a host key's refusal", () => {
  const files = ["/home/me/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"];

  function refusalWith(text: string): HostKeyRefusal | undefined {
    const refusals: HostKeyRefusal[] = [];
    const verify = hostKeyVerifier({ keys: keysIn(text), files }, (refusal) => refusals.push(refusal));
    const accepted = verify(ours.blob);
    assert.equal(accepted, refusals.length === 0);
    return refusals[0];
  }

  it("does not happen to a known key", () => {
    assert.equal(refusalWith(`[web-01]:2222 ${ours.text}\n`), undefined);
  });

  it("names the fingerprint, the name that was looked for, and where", () => {
    const where = "[web-01]:2222 is not in /home/me/.ssh/known_hosts, /etc/ssh/ssh_known_hosts";
    assert.deepEqual(refusalWith(""), {
      code: "host_key_unknown",
      reason: `shows the ssh-ed25519 key ${fingerprintOf(ours)}; ${where}`,
    });
  });

  it("names both fingerprints and the old line when the key has changed", () => {
    const old = `but /home/me/.ssh/known_hosts:2 has the ssh-ed25519 key ${fingerprintOf(other)}`;
    const reason = `shows the ssh-ed25519 key ${fingerprintOf(ours)}, ${old}`;
    assert.deepEqual(refusalWith(`\n[web-01]:2222 ${other.text}\n`), { code: "host_key_changed", reason });
  });

  it("says so when the key is revoked", () => {
    assert.match(refusalWith(`@revoked * ${ours.text}\n`)?.reason ?? "", /known_hosts:1 marks as @revoked$/);
  });

  it("says that a certificate authority does not help", () => {
    assert.match(
      refusalWith(`@cert-authority * ${other.text}\n`)?.reason ?? "",
      /known_hosts:1 trusts a certificate authority/,
    );
  });
});
