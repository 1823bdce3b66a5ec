import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { readConfigFiles } from "../../../src/hosts/ssh-config/ssh-config-file.ts";
import { readSshConfig, type SshConfig } from "../../../src/hosts/ssh-config/ssh-config.ts";
import { temporaryFolder } from "../fixtures.ts";

describe("ssh_config where no ssh is installed", () => {
  const { PATH } = process.env;
  let folder: string;
  let remove: () => Promise<void>;
  before(async () => ({ folder, remove } = await temporaryFolder()));
  after(() => remove());
  afterEach(() => {
    process.env["PATH"] = PATH;
  });

  const written = async (text: string) => {
    const file = join(folder, "config");
    await writeFile(file, text);
    return file;
  };

  async function read(address: string, text: string, { withSsh = false } = {}) {
    const file = await written(text);
    process.env["PATH"] = withSsh ? PATH : folder;
    return readSshConfig(address, {}, { home: "/home/me", file });
  }

  async function configOf(...given: Parameters<typeof read>): Promise<SshConfig> {
    const result = await read(...given);
    assert.ok("config" in result, "problem" in result ? result.problem : "");
    return result.config;
  }

  it("says for each host what stands under its patterns; the first value counts, identity files add up", async () => {
    const text = `# ours
host web-* !web-03
	HostName=%h.example.com
  Port 2222 # not 22
  IdentityFile "~/.ssh/the web"
  ProxyJump gate,inner
Host *
  User = deploy
  Port 22
  IdentityFile ~/.ssh/id_all
  StrictHostKeyChecking accept-new
  ConnectTimeout 7
  ForwardAgent no
`;
    assert.deepEqual(await configOf("web-01", text), {
      hostName: "web-01.example.com",
      port: 2222,
      user: "deploy",
      identityFiles: ["/home/me/.ssh/the web", "/home/me/.ssh/id_all"],
      identitiesOnly: false,
      proxyJump: "gate,inner",
      hostKeyChecking: "accept-new",
      hashKnownHosts: false,
      connectTimeoutMs: 7_000,
    });
    const { hostName, port, identityFiles, proxyJump } = await configOf("web-03", text);
    assert.deepEqual([hostName, port, identityFiles, proxyJump], [undefined, 22, ["/home/me/.ssh/id_all"], undefined]);
  });

  it("that only ssh can read is refused by name and place, not left out", async () => {
    for (const keyword of ["Include", "Match", "CanonicalizeHostname"]) {
      const result = await read("web-01", `Host db\n  ${keyword} x\n`);
      assert.ok("problem" in result);
      assert.match(
        result.problem,
        new RegExp(`config:2: ${keyword} can only be read by ssh, which is not installed here; see ssh\\.config_file$`),
      );
    }
  });

  it("is the user's own before the system's, and need not be there", async () => {
    const home = join(folder, "home");
    await mkdir(join(home, ".ssh"), { recursive: true });
    const ofNobody = await readConfigFiles("web-01", join(folder, "nobody"), "none");
    assert.deepEqual(ofNobody, { values: new Map() });
    await writeFile(join(home, ".ssh", "config"), "User me\n");
    // The system's file may have anything in it, or not be there.
    const ofUser = await readConfigFiles("web-01", home, join(home, ".ssh", "config"));
    assert.deepEqual(ofUser, { values: new Map([["user", ["me"]]]) });
    const missing = await readConfigFiles("web-01", home, join(home, "missing"));
    assert.deepEqual(missing, { problem: `${join(home, "missing")}: no such file` });
  });

  it("is understood as ssh itself understands it", async () => {
    const pattern = fc.stringMatching(/^!?[abA*?]{1,3}$/);
    const host = fc.array(pattern, { minLength: 1, maxLength: 3 }).map((patterns) => `Host ${patterns.join(" ")}`);
    const setting = fc.constantFrom(
      ...["HostName %h.example.com", "HostName=x", "hostname 'y'", "Port 2222", "Port 23", "User a", 'User "b"'],
      ...["IdentityFile ~/.ssh/x", "IdentityFile /y", "ProxyJump a@b:1,c", "ProxyJump none", "ConnectTimeout 5"],
      ...["IdentitiesOnly yes", "StrictHostKeyChecking no", "HashKnownHosts yes", "HostKeyAlias alias", "# x", ""],
    );
    const lines = fc.array(fc.oneof(host, setting, setting), { maxLength: 10 });
    const address = fc.stringMatching(/^[abA]{1,3}$/);
    await fc.assert(
      fc.asyncProperty(lines, address, async (all, name) => {
        const text = all.map((line) => `${line}\n`).join("");
        const ours = await configOf(name, text);
        const theirs = await configOf(name, text, { withSsh: true });
        // What ssh adds of its own are its defaults.
        for (const [key, value] of Object.entries(ours))
          assert.deepEqual(theirs[key as keyof SshConfig], value, `${key} of ${name} in\n${text}`);
        for (const key of ["proxyJump", "identityFiles", "hostKeyAlias", "connectTimeoutMs"] as const)
          assert.deepEqual(ours[key], theirs[key], `${key} of ${name} in\n${text}`);
      }),
      { numRuns: 200 },
    );
  });
});
