import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { raiseFleet, type Fleet, type FleetHost } from "../fleet/fleet.ts";
import { serveOnce } from "../hosts/fixtures.ts";
import { Terminal } from "../views/terminal.ts";
import { BUNDLE, eventsOf, orchestrate, startOrchestrate, writePlan, type Ended } from "./orchestrate.ts";

/** Sets a terminal's title, wipes it and hides what follows; the last two are characters that it may obey as well. */
const ESCAPES = "\u001b]0;OWNED\u0007\u001b[2J\u001b[8m\u009b8m\u202e";

/** Makes a file called OWNED wherever a shell gets hold of it. */
const SHELL = "$(touch${IFS}OWNED)`touch${IFS}OWNED`'&&touch${IFS}OWNED|touch${IFS}OWNED&#";

/** A program and its one instance. No control character: such a name is refused, in plans and where a host has it. */
const PROGRAM = `w${SHELL}\u202e`;

/** What a terminal may obey. Line breaks and tabs are not among it. */
const OBEYED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/;

/** As a value of a plan, where `${` would be a variable of the environment. */
const inPlan = (text: string) => text.replaceAll("${", () => "$${");

describe("names, logs and banners that mean harm", () => {
  let fleet: Fleet;
  let host: FleetHost;

  before(async () => {
    const dir = await realpath(await mkdtemp(join(tmpdir(), "fleet-")));
    const command = "command=/usr/bin/env perl %(ENV_FLEET_HOST_DIR)s/instance.pl";
    const group = { name: PROGRAM, processes: 1, bare: true, startretries: 0, extraLines: [command] };
    fleet = await raiseFleet({ hosts: 1, dir, groups: [group], sshdConfig: [`Banner ${join(dir, "banner")}`] });
    host = fleet.hosts[0]!;
    await writeFile(join(dir, "banner"), `Welcome ${ESCAPES}\n`);
    await writeFile(join(host.dir, ".bashrc"), `printf '%s\\n' '${ESCAPES}'; printf '%s\\n' '${ESCAPES}' >&2\n`);
    await appendFile(join(host.dir, "log", `${PROGRAM}.err`), `${ESCAPES} ${SHELL}\n`);
  });
  afterEach(nothingRan);
  after(() => fleet.down());

  /** A program that is broken from its restart on, so that its log is shown; the socket, since only so it can be read. */
  async function brokenPlan(name: string, keys: Record<string, unknown> = {}): Promise<string> {
    await host.behave(PROGRAM, { kind: "healthy" });
    const { state } = await host.process(PROGRAM);
    if (state !== "RUNNING") await host.start(PROGRAM);
    await host.behave(PROGRAM, { kind: "crash_at_start" });
    const { address, supervisorConfig } = host;
    const server_url = `unix://${join(host.dir, "s.sock")}`;
    const hosts = {
      "host-1": { address, vars: { harm: inPlan(SHELL) }, supervisor: { config: supervisorConfig, server_url } },
    };
    const hooks = { before_restart: `echo {vars.harm} {process}; printf '%s' '${ESCAPES}'` };
    return writePlan(fleet, { programs: inPlan(PROGRAM), hosts, hooks, ...keys }, name);
  }

  async function nothingRan(): Promise<void> {
    const places = [process.cwd(), host.dir, fleet.dir, join(host.dir, "log")];
    for (const place of places) assert.ok(!(await readdir(place)).includes("OWNED"), `something ran in ${place}`);
  }

  function assertHarmless({ stdout, stderr }: Pick<Ended, "stdout" | "stderr">): void {
    for (const text of [stdout, stderr]) {
      const [found] = OBEYED.exec(text) ?? [];
      const at = found === undefined ? 0 : text.indexOf(found);
      assert.equal(found, undefined, `raw: ${JSON.stringify(text.slice(Math.max(0, at - 100), at + 50))}`);
    }
  }

  for (const output of ["plain", "json"])
    it(`are harmless in the output ${output}, in what a dry run and a status print, and in reports`, async () => {
      const plan = await brokenPlan(output);
      for (const command of [
        [plan, "--dry-run", "--verbose"],
        ["status", plan],
      ])
        assertHarmless(await orchestrate(...command, "--output", output === "plain" ? "auto" : "json"));
      const ended = await orchestrate(plan, "--output", output, "--reason", `${ESCAPES}${SHELL}`);
      assert.equal(ended.code, 1, ended.stderr);
      assert.match(ended.stdout, output === "json" ? /\\u001b\]0;OWNED/ : /\\x1b\]0;OWNED/);
      assertHarmless(ended);
      if (output === "json") {
        const rollout = eventsOf(ended)[0]?.rollout ?? "";
        assertHarmless(await orchestrate("report", rollout));
        const failed = eventsOf(ended).find((event) => event.type === "instance.failed");
        assert.ok(failed?.log_tail.includes(ESCAPES), "a program that reads the events gets the log as it is");
      }
      assertHarmless(await orchestrate("history", plan));
    });

  it("are harmless in the tree at a terminal", async () => {
    const plan = await brokenPlan("tree");
    const terminal = await Terminal.run(
      `'${process.execPath}' '${BUNDLE}' '${plan}' --state-dir '${join(fleet.dir, "tree-state")}'`,
      { columns: 200, rows: 60 },
      { SSH_AUTH_SOCK: "" },
    );
    try {
      const screen = await terminal.shows(/exit 1/);
      assert.match(screen, /\\x1b\]0;OWNED/);
      assert.doesNotMatch(screen.replaceAll("\n", ""), OBEYED);
      assert.notEqual(await terminal.title(), "OWNED");
    } finally {
      await terminal.close();
    }
  });

  it("in the name of a host are refused with the plan, and shown", async () => {
    for (const name of [`web${SHELL}`, `web${ESCAPES}`, "-oProxyCommand=touch${IFS}OWNED"]) {
      const plan = await writePlan(fleet, { hosts: { [name]: { address: host.address } } }, "host-name");
      const ended = await orchestrate(plan);
      assert.equal(ended.code, 2, ended.stderr);
      assertHarmless(ended);
    }
  });

  for (const client of ["ssh2", "system"])
    it(`in what answers instead of an sshd are shown: ssh.client ${client}`, async () => {
      for (const said of [`SSH-2.0-${ESCAPES}${SHELL}\r\n`, `${ESCAPES}${SHELL}\r\n`]) {
        const server = await serveOnce((socket) => socket.end(said));
        try {
          const ssh = { ...fleet.planSsh(), port: server.port, client, connect_timeout: "5s" };
          const plan = await writePlan(fleet, { hosts: { "host-1": { address: "127.0.0.1" } }, ssh }, "greeting");
          for (const output of ["plain", "json"]) {
            const ended = await startOrchestrate([plan, "--output", output]).ended;
            assert.equal(ended.code, 3, ended.stderr);
            assertHarmless(ended);
          }
        } finally {
          await server.close();
        }
      }
    });
});
