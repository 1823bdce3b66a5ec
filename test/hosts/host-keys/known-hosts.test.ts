import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  judge,
  keysOf,
  knownTypes,
  parseKnownHosts,
  type KnownKey,
  type KnownKeys,
} from "../../../src/hosts/host-keys/known-hosts.ts";
import { fingerprintOf } from "../../../src/hosts/host-keys/public-key.ts";
import { madeUpEd25519, madeUpRsa, type MadeUpKey } from "./made-up-keys.ts";

const ours = madeUpEd25519(1);
const other = madeUpEd25519(2);
const rsa = madeUpRsa(3);

const keysIn = (text: string, host: string, port = 22) => keysOf([parseKnownHosts(text, "known_hosts")], host, port);
const verdictOn = (key: MadeUpKey, text: string, host = "web-01", port = 22) => judge(keysIn(text, host, port), key);

describe("a known_hosts file", () => {
  const isKnown = (text: string, host = "web-01", port = 22) => verdictOn(ours, text, host, port).kind === "known";

  it("knows a host by its plain name, in any case, alone or in a list", () => {
    assert.ok(isKnown(`web-01 ${ours.text}\n`));
    assert.ok(isKnown(`Web-01 ${ours.text}\n`, "WEB-01"));
    assert.ok(isKnown(`db,web-01,10.0.0.1 ${ours.text} a comment`));
    assert.ok(!isKnown(`web-011,eb-01,web ${ours.text}\n`));
  });

  it("knows it by wildcards, unless one of them excludes it", () => {
    assert.ok(isKnown(`web-* ${ours.text}\n`));
    assert.ok(isKnown(`*-??,!web-02 ${ours.text}\n`));
    assert.ok(!isKnown(`*,!web-01 ${ours.text}\n`));
    assert.ok(!isKnown(`!db ${ours.text}\n`));
  });

  it("tells from which line it knows it, of which file", () => {
    const mine = parseKnownHosts(`# mine\n\nweb-02 ${ours.text}\n`, "mine");
    const ofTheSystem = parseKnownHosts(`web-01 ${rsa.text}\nweb-01 ${ours.text}\n`, "system");
    const by = { type: "ssh-ed25519", blob: ours.blob, file: "system", line: 2 };
    assert.deepEqual(judge(keysOf([mine, ofTheSystem], "web-01", 22), ours), { kind: "known", by });
  });

  it("reads files with CRLF and with tabs", () => {
    assert.ok(isKnown(`\tweb-01\t${ours.text.replace(" ", "\t\t")}\r\n`));
  });

  it("ignores lines that are no good, as OpenSSH does", () => {
    const cut = ours.text.slice(0, -8);
    const ofAnotherType = `web-01 ssh-foo ${ours.text.split(" ")[1]}`;
    for (const line of ["web-01", "web-01 ", "web-01 ssh-ed25519", "web-01 # x", `web-01 ${cut}`, ofAnotherType]) {
      assert.equal(verdictOn(ours, `${line}\n`).kind, "unknown", line);
      assert.equal(verdictOn(ours, `${line}\nweb-01 ${ours.text}\n`).kind, "known", line);
    }
    assert.equal(verdictOn(ours, `@unheard-of web-01 ${ours.text}\n`).kind, "unknown");
    assert.equal(verdictOn(ours, `@revoked @revoked web-01 ${ours.text}\n`).kind, "unknown");
    assert.equal(verdictOn(ours, `#web-01 ${ours.text}\n`).kind, "unknown");
  });

  it("does not hang on a pattern full of stars", () => {
    assert.ok(!isKnown(`${"*a".repeat(300)}b ${ours.text}\n`, "a".repeat(2000)));
  });
});

describe("the verdict on a host key", () => {
  it("is `changed` when the host has another one, and names that of the same type first", () => {
    const verdict = verdictOn(ours, `web-01 ${rsa.text}\nweb-01 ${other.text}\n`);
    assert.ok(verdict.kind === "changed");
    assert.deepEqual([verdict.known.type, verdict.known.line], ["ssh-ed25519", 2]);
  });

  it("is `changed` as well when only a key of another type is known, like in OpenSSH", () => {
    assert.equal(verdictOn(ours, `web-01 ${rsa.text}\n`).kind, "changed");
  });

  it("is `revoked` wherever that stands, even if the key is known too", () => {
    const verdict = verdictOn(ours, `web-01 ${ours.text}\n@revoked * ${ours.text}\n`);
    assert.ok(verdict.kind === "revoked");
    assert.equal(verdict.by.line, 2);
    assert.equal(verdictOn(other, `web-01 ${other.text}\n@revoked * ${ours.text}\n`).kind, "known");
  });

  it("is not swayed by a certificate authority", () => {
    assert.equal(verdictOn(ours, `@cert-authority * ${ours.text}\n`).kind, "unknown");
    assert.equal(verdictOn(ours, `@cert-authority * ${other.text}\nweb-01 ${ours.text}\n`).kind, "known");
  });

  it("on another port goes by the name with the port", () => {
    assert.equal(verdictOn(ours, `[web-01]:2222 ${ours.text}\n`, "web-01", 2222).kind, "known");
    assert.equal(verdictOn(ours, `[web-01]:2222 ${ours.text}\n`, "web-01", 2223).kind, "unknown");
    assert.equal(verdictOn(ours, `[web-01]:2222 ${ours.text}\n`).kind, "unknown");
    assert.equal(verdictOn(ours, `[web-01]:2222 ${other.text}\nweb-01 ${ours.text}\n`, "web-01", 2222).kind, "changed");
  });

  it("on another port takes the name without it where that has the key, but never as proof of a change", () => {
    assert.equal(verdictOn(ours, `web-01 ${ours.text}\n`, "web-01", 2222).kind, "known");
    assert.equal(verdictOn(ours, `web-01 ${other.text}\n`, "web-01", 2222).kind, "unknown");
  });
});

describe("the key types known of a host", () => {
  it("are those of its own lines, without a type of which the first key is revoked", () => {
    const text = `web-01 ${rsa.text}\nweb-01 ${ours.text}\nweb-02 ecdsa-sha2-nistp256 AAAA\n@revoked * ${ours.text}\n`;
    assert.deepEqual(knownTypes(keysIn(text, "web-01")), ["ssh-rsa"]);
    assert.deepEqual(knownTypes(keysIn(`${text}web-01 ${other.text}\n`, "web-01")), ["ssh-rsa"]);
    assert.deepEqual(knownTypes(keysIn(`web-01 ${other.text}\n${text}`, "web-01")), ["ssh-ed25519", "ssh-rsa"]);
  });
});

describe("what is found for a host", () => {
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
    file = join(folder, "known_hosts");
  });
  after(() => rmSync(folder, { recursive: true }));

  const name = fc.stringMatching(/^[ab]{1,2}(\.[ab])?$/);
  const port = fc.constantFrom(22, 22, 22, 2222);
  const withPort = fc.tuple(name, port).map(([host, number]) => (number === 22 ? host : `[${host}]:${number}`));
  const pattern = fc.stringMatching(/^!?(\[?)[abAB*?.]{1,4}(\]:2222)?$/);
  const key = fc.constantFrom(ours, other, rsa).map(({ text }) => text);
  const listOf = (entry: fc.Arbitrary<string>) =>
    fc.array(entry, { minLength: 1, maxLength: 3 }).map((entries) => entries.join(","));
  const plainLine = fc.tuple(listOf(withPort), key).map(([hosts, text]) => `${hosts} ${text}`);
  const goodLine = fc
    .tuple(fc.constantFrom("", "", "", "@revoked ", "@cert-authority "), listOf(fc.oneof(withPort, pattern)), key)
    .map(([marker, hosts, text]) => `${marker}${hosts} ${text}`);
  const badLine = fc.oneof(
    fc.constantFrom(
      "",
      "# a comment",
      "a",
      "a ",
      "a ssh-ed25519",
      "a ssh-ed25519 AAAA",
      "@other a x y",
      `a ssh-rsa ${ours.text.split(" ")[1]}`,
    ),
    fc.stringMatching(/^[ab]{1,2} [!-~ ]{0,30}$/),
    fc.tuple(fc.constantFrom("|1|", "|2|", "|1|AAAA|"), key).map(([hash, text]) => `${hash} ${text}`),
  );

  /** What ssh-keygen finds under this very name: the number, marker and fingerprint of each line. */
  function foundByOpenSsh(hostName: string): readonly string[] {
    const { stdout } = spawnSync("ssh-keygen", ["-l", "-F", hostName, "-f", file], { encoding: "utf8" });
    const found = stdout.matchAll(/^# Host .* found: line (\d+) (CA|REVOKED|) *\n\S+ \S+ (SHA256:\S+)/gm);
    return [...found].map(([, line, marker, fingerprint]) => `${line} ${marker} ${fingerprint}`);
  }

  function foundByUs(keys: Pick<KnownKeys, "trusted" | "revoked" | "authorities">): readonly string[] {
    const marked = (marker: string, all: readonly KnownKey[]) => all.map((key) => ({ ...key, marker }));
    const all = [...marked("", keys.trusted), ...marked("REVOKED", keys.revoked), ...marked("CA", keys.authorities)];
    return all.sort((a, b) => a.line - b.line).map((each) => `${each.line} ${each.marker} ${fingerprintOf(each)}`);
  }

  it("is what ssh-keygen -F finds", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(goodLine, goodLine, badLine), { maxLength: 8 }),
        name,
        port,
        (lines, host, number) => {
          const text = lines.map((line) => `${line}\n`).join("");
          writeFileSync(file, text);
          const found = keysIn(text, host, number);
          const underFullName = foundByOpenSsh(number === 22 ? host : `[${host}]:${number}`);
          if (!found.withoutPort) return assert.deepEqual(foundByUs(found), underFullName);
          assert.ok(underFullName.every((line) => /CA|REVOKED/.test(line)));
          const together = [...underFullName, ...foundByOpenSsh(host)];
          assert.deepEqual(new Set(foundByUs(found)), new Set(together));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("is the same after ssh-keygen -H has hashed the names", () => {
    fc.assert(
      fc.property(fc.array(plainLine, { minLength: 1, maxLength: 6 }), name, port, (lines, host, number) => {
        writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
        const keysBefore = keysIn(readFileSync(file, "utf8"), host, number).trusted.map(fingerprintOf);
        execFileSync("ssh-keygen", ["-H", "-f", file], { stdio: "ignore" });
        const hashed = readFileSync(file, "utf8");
        assert.ok(!/^[[ab]/m.test(hashed), "nothing is left in plain text");
        assert.deepEqual(new Set(keysIn(hashed, host, number).trusted.map(fingerprintOf)), new Set(keysBefore));
      }),
      { numRuns: 60 },
    );
  });
});
