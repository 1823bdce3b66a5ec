import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import type { SshSettings } from "../../../src/domain/target.ts";
import type { ConnectOutcome } from "../../../src/executor/ports.ts";
import { addToKnownHosts } from "../../../src/hosts/host-keys/known-hosts-add.ts";
import { keysOf, parseKnownHosts } from "../../../src/hosts/host-keys/known-hosts.ts";
import { fingerprintOf } from "../../../src/hosts/host-keys/public-key.ts";
import { openSsh } from "../../../src/hosts/ssh/ssh.ts";
import { raiseFleet, type Fleet, type FleetHost } from "../../fleet/fleet.ts";
import { nobodyAt, targetAt, targetOf, temporaryFolder } from "../fixtures.ts";
import { madeUpEd25519, madeUpRsa } from "./made-up-keys.ts";

const run = promisify(execFile);
const wrong = madeUpEd25519(1);

describe("a host whose key is new", () => {
  let fleet: Fleet;
  let folder: string;
  let remove: () => Promise<void>;
  let file: string;
  let count = 0;

  before(async () => {
    ({ folder, remove } = await temporaryFolder());
    fleet = await raiseFleet({ hosts: 8, groups: [] });
  });
  after(async () => {
    await fleet.down();
    await remove();
  });
  beforeEach(() => {
    file = join(folder, `${(count += 1)}`, "known_hosts");
  });

  async function connectTo(host: FleetHost, ssh: Partial<SshSettings> = {}): Promise<ConnectOutcome> {
    const settings = { known_hosts_file: file, host_key_checking: "accept-new" as const, ...ssh };
    const access = openSsh(targetOf(fleet, host, settings), nobodyAt(folder));
    const outcome = await access.connect();
    await access.close();
    return outcome;
  }

  const first = () => fleet.hosts[0]!;
  const lineOf = async (host: FleetHost) => {
    const lines = (await readFile(fleet.knownHostsFile, "utf8")).split("\n");
    return `${lines.find((line) => line.startsWith(`[${host.address}]`))}\n`;
  };

  it("is let in by accept-new, and known from then on, to OpenSSH as well", async () => {
    const outcome = await connectTo(first());
    const [, type = "", base64 = ""] = (await lineOf(first())).trim().split(" ");
    const fingerprint = fingerprintOf({ type, blob: Buffer.from(base64, "base64") });
    assert.deepEqual(outcome, {
      kind: "connected",
      warnings: [`its ssh-ed25519 key ${fingerprint} was new, and was added to ${file}`],
    });
    assert.equal(await readFile(file, "utf8"), await lineOf(first()));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(await connectTo(first(), { host_key_checking: "strict" }), { kind: "connected" });
    const { user, port, identity_file } = fleet.planSsh();
    const options = ["StrictHostKeyChecking=yes", `UserKnownHostsFile=${file}`, "BatchMode=yes"];
    const settings = options.flatMap((option) => ["-o", option]);
    await run("ssh", [
      "-F",
      "none",
      ...settings,
      "-i",
      identity_file,
      "-p",
      `${port}`,
      `${user}@${first().address}`,
      "true",
    ]);
  });

  it("is one of many at once, and each gets a whole line of its own", async () => {
    // Each host twice: what one has written, the other finds.
    const all = [...fleet.hosts, ...fleet.hosts];
    for (const outcome of await Promise.all(all.map((host) => connectTo(host))))
      assert.equal(outcome.kind, "connected");
    const written = (await readFile(file, "utf8")).split("\n").sort();
    assert.deepEqual(written, (await readFile(fleet.knownHostsFile, "utf8")).split("\n").sort());
  });

  it("is not let in when another host has just been, under the same name and with another key", async () => {
    const config = join(folder, "config");
    await writeFile(config, "Host *\n  HostKeyAlias the-service\n");
    const outcomes = await Promise.all(fleet.hosts.map((host) => connectTo(host, { config_file: config })));
    const refused = outcomes.flatMap((outcome) => (outcome.kind === "refused" ? [outcome.refusal] : []));
    assert.equal(refused.length, fleet.hosts.length - 1);
    for (const { code, reason } of refused) {
      assert.equal(code, "host_key_changed");
      assert.ok(reason.includes(`but ${file}:1 has the ssh-ed25519 key`), reason);
    }
    assert.match(await readFile(file, "utf8"), /^the-service ssh-ed25519 \S+\n$/);
  });

  it("does not add to somebody's open last line, nor to what is there", async () => {
    await connectTo(first());
    const before = `# ours\n${wrong.text.replace(/^/, "other ")}`;
    await writeFile(file, before);
    await connectTo(first());
    assert.equal(await readFile(file, "utf8"), `${before}\n${await lineOf(first())}`);
  });

  it("is let in though its key cannot be written, which is told", async () => {
    await writeFile(join(folder, "a-file"), "");
    const nowhere = join(folder, "a-file", "known_hosts");
    const outcome = await connectTo(first(), { known_hosts_file: nowhere });
    assert.ok(outcome.kind === "connected");
    assert.match(
      outcome.warnings?.[0] ?? "",
      /^its ssh-ed25519 key \S+ is new, and will be new again: \S+ cannot be written: E[A-Z]+$/,
    );
  });

  it("is refused by accept-new when it is the key only that is new, and the file stays as it is", async () => {
    await connectTo(first());
    const text = `# old\n[${first().address}]:${first().port} ${wrong.text}\n`;
    await writeFile(file, text);
    for (const host_key_checking of ["strict", "accept-new"] as const) {
      const outcome = await connectTo(first(), { host_key_checking });
      assert.ok(outcome.kind === "refused");
      assert.equal(outcome.refusal.code, "host_key_changed");
      assert.ok(outcome.refusal.reason.includes(`but ${file}:2 has the ssh-ed25519 key ${fingerprintOf(wrong)}`));
    }
    const off = await connectTo(first(), { host_key_checking: "off" });
    assert.ok(off.kind === "connected");
    assert.match(
      off.warnings?.join("\n") ?? "",
      /not enforced.*\nit presented the ssh-ed25519 key .*known_hosts:2 has/,
    );
    assert.equal(await readFile(file, "utf8"), text);
  });

  it("is known, and so are its bastion's and each other's, in one go", async () => {
    const [bastion, host] = fleet.hosts;
    const { user, port } = fleet.planSsh();
    const outcome = await connectTo(host!, { proxy_jump: `${user}@${bastion!.address}:${port}` });
    assert.ok(outcome.kind === "connected");
    assert.equal(outcome.warnings?.length, 2);
    assert.equal(await readFile(file, "utf8"), (await lineOf(bastion!)) + (await lineOf(host!)));
  });

  it("is known from then on even if it does not let us in, as with ssh", async () => {
    const access = openSsh(
      targetAt(first().address, {
        port: first().port,
        user: "nobody-here",
        known_hosts_file: file,
        host_key_checking: "accept-new",
      }),
      nobodyAt(folder),
    );
    const outcome = await access.connect();
    await access.close();
    assert.ok(outcome.kind === "refused");
    assert.equal(outcome.refusal.code, "authentication_failed");
    assert.equal(await readFile(file, "utf8"), await lineOf(first()));
  });
});

describe("a line that is added to a known_hosts file", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("is found by ssh-keygen -F and by ourselves, plain or hashed, and nothing else is lost", () => {
    const file = join(folder, "known_hosts");
    const host = fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/);
    const name = fc.tuple(host, fc.constantFrom(22, 2222, 65535));
    const key = fc.constantFrom(wrong, madeUpEd25519(2), madeUpRsa(3));
    const before = fc.constantFrom("", "# a comment", "# a comment\n", `db ${madeUpRsa(4).text}`, "\n\n");
    fc.assert(
      fc.property(
        before,
        fc.array(fc.tuple(name, key, fc.boolean()), { minLength: 1, maxLength: 4 }),
        (text, added) => {
          writeFileSync(file, text);
          for (const [[address, port], { type, blob }, hashed] of added) {
            const written = port === 22 ? address : `[${address}]:${port}`;
            assert.equal(addToKnownHosts(file, written, { type, blob }, { hashed }), undefined);
            const found = spawnSync("ssh-keygen", ["-F", written, "-f", file], { encoding: "utf8" }).stdout;
            assert.ok(
              found.includes(`${type} ${blob.toString("base64")}`),
              `${written} in\n${readFileSync(file, "utf8")}`,
            );
            const ours = keysOf([parseKnownHosts(readFileSync(file, "utf8"), file)], address, port);
            assert.ok(ours.trusted.some((known) => known.blob.equals(blob)));
          }
          assert.ok(readFileSync(file, "utf8").startsWith(text));
        },
      ),
      { numRuns: 60 },
    );
  });
});
