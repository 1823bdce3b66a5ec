import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { inFolder, orchestrate, writePlan, type Ended } from "./orchestrate.ts";

/** No stack trace, and the message is on stderr. */
function assertRefused(ended: Ended, code: number, message: RegExp): void {
  assert.equal(ended.code, code, ended.stdout + ended.stderr);
  assert.match(ended.stderr, message);
  assert.doesNotMatch(ended.stderr, /^\s+at /m);
}

describe("what is refused before the first change", () => {
  let fleet: Fleet;
  let pids: number[];
  const pidsNow = async () =>
    (await Promise.all(fleet.hosts.map((host) => host.processes()))).flat().map(({ pid }) => pid);
  before(async () => {
    fleet = await raiseFleet({ hosts: 2, groups: [{ name: "web", processes: 2 }] });
    pids = await pidsNow();
  });
  after(() => fleet.down());
  afterEach(async () => assert.deepEqual(await pidsNow(), pids));

  for (const args of [[], ["--dry-run"]]) {
    const how = args.length === 0 ? "a run" : "a dry run";

    it(`${how} with a wrong host key exits 3 and shows where the known one stands`, async () => {
      const wrong = join(fleet.dir, "wrong_known_hosts");
      const [first, second] = (await readFile(fleet.knownHostsFile, "utf8")).trim().split("\n");
      const swapped = [first!.split(" ")[0], ...second!.split(" ").slice(1)].join(" ");
      await writeFile(wrong, `${swapped}\n${second}\n`);
      const plan = await writePlan(fleet, { ssh: { ...fleet.planSsh(), known_hosts_file: wrong } });
      assertRefused(await orchestrate(plan, ...args), 3, /host_key_changed[^]*host-1: .*wrong_known_hosts:1/);
    });

    it(`${how} with a refused connection exits 3 and names the host and port`, async () => {
      const plan = await writePlan(fleet, { ssh: { ...fleet.planSsh(), port: 1 } });
      assertRefused(await orchestrate(plan, ...args), 3, /unreachable[^]*host-1: .*:1\b/);
    });

    it(`${how} with an unknown program exits 3 and suggests a near one`, async () => {
      const plan = await writePlan(fleet, { programs: "wep" });
      assertRefused(
        await orchestrate(plan, ...args),
        3,
        /program_not_found[^]*host-\[1-2\]: "wep".*did you mean "web"\?/,
      );
    });
  }

  it("a key that no host lets in exits 3", async () => {
    const plan = await writePlan(fleet, { ssh: { ...fleet.planSsh(), user: "nobody-of-this-name" } });
    assertRefused(await orchestrate(plan), 3, /authentication_failed[^]*host-1: /);
  });

  it("a supervisorctl that is not there exits 3 with the shell's words", async () => {
    const plan = await writePlan(fleet, {
      hosts: Object.fromEntries(
        Object.entries(fleet.planHosts()).map(([name, host]) => [
          name,
          { ...host, supervisor: { command: "no-such-ctl" } },
        ]),
      ),
    });
    assertRefused(await orchestrate(plan), 3, /supervisor_unavailable[^]*host-\[1-2\]: .*no-such-ctl/);
  });
});

describe("a bad plan or command line", () => {
  it("exits 2 with the place, the line, a caret and a near name", () =>
    inFolder(async (dir) => {
      const plan = join(dir, "bad.yaml");
      await writeFile(plan, "version: 1\nprograms: web\nhosts:\n  a:\nbatches:\n  host: 2\n");
      assertRefused(await orchestrate(plan), 2, /bad\.yaml:6:3: batches\.host: [^]*\^[^]*did you mean "hosts"\?/);
    }));

  it("exits 2 for a plan that is not there", async () => {
    assertRefused(await orchestrate("no/such/plan.yaml"), 2, /no\/such\/plan\.yaml: /);
  });

  for (const [what, args, message] of [
    ["no plan", [], /missing required argument 'plan'/],
    ["an unknown option", ["plan.yaml", "--dry-rum"], /unknown option '--dry-rum'[^]*--dry-run/],
    ["an unknown output", ["plan.yaml", "--output", "xml"], /--output[^]*auto, tree, plain, json/],
  ] as const)
    it(`exits 2 for ${what}`, async () => {
      assertRefused(await orchestrate(...args), 2, message);
    });

  it("shows help and version with exit 0", async () => {
    for (const option of ["--help", "--version"]) assert.equal((await orchestrate(option)).code, 0);
  });
});
