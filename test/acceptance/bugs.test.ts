import assert from "node:assert/strict";
import { amount, sampled } from "../amount.ts";
import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { readJournal } from "../../src/state/read-journal.ts";
import { raiseFleet, type Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/until.ts";
import { Terminal } from "../views/terminal.ts";
import {
  BUNDLE,
  Gate,
  eventsOf,
  inFolder,
  orchestrate,
  restartedIn,
  startOrchestrate,
  writePlan,
} from "./orchestrate.ts";

const BROKEN = fileURLToPath(new URL("broken.cjs", import.meta.url));

const brokenBy = (how: "throws" | "rejects" | "starves") => ({ BROKEN: how, NODE_OPTIONS: `--require=${BROKEN}` });

describe("a bug of orchestrate in the middle of a rollout", () => {
  let fleet: Fleet;
  let gate: Gate;
  let plan: string;
  let stateDir: string;
  beforeEach(async () => {
    fleet = await raiseFleet({ hosts: 1, groups: [{ name: "web", processes: 2 }], reachedBy: "local" });
    gate = new Gate(fleet.dir);
    stateDir = join(fleet.dir, "state");
    plan = await writePlan(fleet, { checks: gate.checks });
  });
  afterEach(() => fleet.down());

  async function journal() {
    const [folder = ""] = await readdir(stateDir);
    const [name = ""] = await readdir(join(stateDir, folder));
    return readJournal(join(stateDir, folder, name));
  }

  for (const [how, what] of sampled([
    ["starves", "nothing was left to wait for in the middle of a command"],
    ["throws", "a listener that throws"],
    ["rejects", "a rejection that nobody handles"],
  ] as const))
    it(`is told in one line and by exit 70, after a report of what was done, and can be resumed: ${what}`, async () => {
      const page = join(fleet.dir, "page.html");
      const running = startOrchestrate([plan, "--state-dir", stateDir, "--report", page], { env: brokenBy(how) });
      await until(() => running.stdout().includes("is RUNNING"), { deadlineMs: 60_000 });
      running.child.kill("SIGUSR2");
      const ended = await running.ended;
      assert.equal(ended.code, 70, ended.stdout + ended.stderr);
      assert.match(ended.stderr, new RegExp(`^orchestrate: a bug: ${what} \\(details in (\\S+)\\)\\n$`));
      const details = /details in (\S+)\)/.exec(ended.stderr)?.[1] ?? "";
      assert.match(await readFile(details, "utf8"), /Error: [^]*\n {4}at /);
      await rm(details);
      assert.match(
        ended.stdout,
        /^did not finish \(its process was killed\), or is still running: plan \(\S+\): 0 healthy, 1 failed, 1 untouched/m,
      );
      assert.match(ended.stdout, /^ {4}orchestrate \S+ --resume \S+ --state-dir /m);
      assert.match(await readFile(page, "utf8"), /class="outcome unfinished"/);
      const { events, damage } = await journal();
      assert.equal(damage, undefined);
      assert.equal(events.at(-1)?.type, "instance.observed");
      await gate.open();
      const resumed = await orchestrate(plan, "--resume", "--output", "json", "--state-dir", stateDir);
      assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
      assert.deepEqual(restartedIn(eventsOf(resumed)), ["host-1 web:web_01"]);
    });

  it("gives the terminal back: the tree is drawn to its end, the report and the line of the bug follow", async () => {
    const pid = join(fleet.dir, "pid");
    const terminal = await Terminal.run(
      `sh -c 'echo $$ > ${pid}; exec "$@"' sh '${process.execPath}' '${BUNDLE}' '${plan}' --state-dir '${stateDir}'`,
      { columns: 120, rows: 40 },
      brokenBy("throws"),
    );
    try {
      await terminal.shows(/web_00.*RUNNING|RUNNING.*web_00|check/);
      process.kill(Number(await readFile(pid, "utf8")), "SIGUSR2");
      const screen = await terminal.shows(/exit 70/);
      assert.match(
        screen,
        /did not finish \(its process was killed\), or is still running: plan [^]*orchestrate: a bug: a listener that throws \([^]*exit 70/,
      );
      assert.ok(await terminal.cursorIsVisible());
      const details = /details in\s+(\S+)\)/.exec(screen)?.[1];
      if (details) await rm(details);
    } finally {
      await terminal.close();
    }
  });
});

describe("a want of file descriptors for the ssh program", () => {
  it("is a refusal by name, and neither a bug nor a halt", () =>
    inFolder(async (dir) => {
      const plan = join(dir, "plan.yaml");
      const ssh = { client: "system", port: 1, config_file: "none", connect_timeout: "2s" };
      await writeFile(plan, stringify({ programs: "web", hosts: { "127.0.0.[1-40]": {} }, ssh }));
      const said: string[] = [];
      for (let descriptors = 30; descriptors <= 80; descriptors += amount(5, 10)) {
        const { code, stderr } = await startOrchestrate([plan], { before: `ulimit -n ${descriptors}` }).ended;
        assert.equal(code, 3, stderr);
        said.push(stderr);
      }
      assert.match(said.join(""), /unreachable\)[^]* spawn \S+ EMFILE/);
    }));
});

describe("a second Ctrl-C before a rollout has begun", () => {
  for (const args of sampled([["--output", "json"], ["--output", "plain"], ["--dry-run"]]))
    it(`leaves at once, with exit 4: ${args.join(" ")}`, () =>
      inFolder(async (dir) => {
        const asked = join(dir, "asked");
        // Not even a signal ends it: who waits for its answer waits for ever.
        const ssh = `#!/bin/sh\ntrap '' TERM\n>${asked}\nwhile [ -e ${asked} ]; do sleep 0.1; done\n`;
        await writeFile(join(dir, "ssh"), ssh, { mode: 0o755 });
        const plan = join(dir, "plan.yaml");
        await writeFile(plan, stringify({ programs: "web", hosts: { "127.0.0.1": {} } }));
        const env = { PATH: `${dir}:${process.env["PATH"]}` };
        const running = startOrchestrate([plan, ...args], { env });
        await until(() => existsSync(asked), { deadlineMs: 60_000 });
        // Two of one kind might be taken for one.
        running.child.kill("SIGTERM");
        running.child.kill("SIGINT");
        const ended = await running.ended;
        await rm(asked);
        assert.equal(ended.code, 4, ended.stdout + ended.stderr);
        assert.match(ended.stderr, /nothing was changed/);
      }));
});
