import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { HostName } from "../../../src/domain/ids.ts";
import { openLocal } from "../../../src/hosts/local.ts";
import { createProcessTable, parseProcesses } from "../../../src/hosts/probes/process-table.ts";
import { shownCommand } from "../../../src/hosts/probes/shown-command.ts";
import { findProgram } from "../../fleet/prerequisites.ts";
import { temporaryFolder } from "../fixtures.ts";

/** Runs until it is ended, in a process group of its own, as what Supervisor starts does. */
async function started(t: ChildProcess[], script: string, ...args: string[]): Promise<number> {
  const child = spawn(PERL, ["-e", script, ...args], { detached: true, stdio: ["ignore", "pipe", "ignore"] });
  t.push(child);
  await once(child.stdout, "data");
  return child.pid ?? 0;
}

const PERL = findProgram("perl") ?? "";
const WAITS = "$| = 1; print 1; sleep 600";
/** A child that outlives its parent, which was the leader of their group. */
const LEAVES = "if (fork) { exit } $| = 1; print 1; sleep 600";
/** An ended child that nobody has waited for. */
const ZOMBIE = "if (!fork) { exit } select undef, undef, undef, 0.2; $| = 1; print 1; sleep 600";
/** A name that reads like the rest of a line of /proc. */
const ODD_NAME = `$0 = "x) S 1 1\\n9 (y"; ${WAITS}`;

describe("the process table of a host", () => {
  const children: ChildProcess[] = [];
  const access = openLocal("here" as HostName);
  const table = createProcessTable(access, 10_000);
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => void (folder = await temporaryFolder()));
  after(async () => {
    for (const { pid } of children) if (pid !== undefined) killGroup(pid);
    await access.close();
    await folder.remove();
  });

  function killGroup(pid: number): void {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // All of it has ended.
    }
  }

  async function look(query: { groups?: number[]; pids?: number[] }) {
    const outcome = await table.look({ groups: [], pids: [], ...query });
    assert.ok(outcome.kind === "seen", JSON.stringify(outcome));
    return outcome.processes;
  }

  it("shows the processes of a group, with their age and command, and of a pid that one only", async () => {
    const pid = await started(children, WAITS, "an argument");
    for (const query of [{ groups: [pid] }, { pids: [pid] }]) {
      const [found, ...others] = await look(query);
      assert.deepEqual(others, []);
      assert.deepEqual([found?.pid, found?.group, found?.session, found?.parent], [pid, pid, pid, process.pid]);
      assert.match(found?.command ?? "", /perl -e .* an argument$/);
      assert.ok((found?.age_s ?? -1) >= 0 && (found?.age_s ?? Infinity) < 60, `${found?.age_s} s`);
    }
  });

  it("shows what has lost its parent by its group", async () => {
    const pid = await started(children, LEAVES);
    const found = await look({ groups: [pid], pids: [pid] });
    assert.equal(found.length, 1);
    assert.notEqual(found[0]?.pid, pid);
    assert.equal(found[0]?.group, pid);
  });

  it("does not show what has ended and was not waited for", async () => {
    const pid = await started(children, ZOMBIE);
    assert.deepEqual(
      (await look({ groups: [pid] })).map((one) => one.pid),
      [pid],
    );
  });

  it("is not misled by a process whose name reads like the table itself", async () => {
    const pid = await started(children, ODD_NAME);
    const [found] = await look({ pids: [pid] });
    assert.deepEqual([found?.group, found?.parent], [pid, process.pid]);
    assert.deepEqual(await look({ groups: [9] }), []);
  });

  it("hides what looks like a secret in a command, and cuts what is long", () => {
    assert.equal(
      shownCommand("worker --db-password hunter2 --token=abc -v"),
      "worker --db-password *** --token=*** -v",
    );
    assert.equal(shownCommand("env API_KEY=abc SECRET=x run"), "env API_KEY=*** SECRET=*** run");
    assert.equal(shownCommand("w redis://user:hunter2@host:1/0"), "w redis://user:***@host:1/0");
    assert.equal(shownCommand("python3 server.py --port 80"), "python3 server.py --port 80");
    assert.equal(shownCommand("x".repeat(1000)).length, 160);
  });

  it("is not believed where its end is missing, and whatever a shell profile prints is passed over", () => {
    assert.equal(parseProcesses("process 1 0 1 1 5.00 init\n"), undefined);
    assert.deepEqual(parseProcesses("Welcome\nprocess 1 0 1 1 5.00 init\nprocess table read\n")?.[0], {
      pid: 1,
      parent: 0,
      group: 1,
      session: 1,
      age_s: 5,
      command: "init",
    });
  });

  for (const awk of ["mawk", "busybox", "gawk"])
    it(`is read likewise by ${awk}, where a host has that`, async () => {
      const program = findProgram(awk);
      // What is not installed here is not promised here.
      if (program === undefined) return;
      const bin = join(folder.folder, awk);
      await mkdir(bin);
      await symlink(program, join(bin, "awk"));
      const pid = await started(children, LEAVES);
      const path = process.env["PATH"];
      process.env["PATH"] = `${bin}:${path}`;
      try {
        assert.equal((await look({ groups: [pid] })).length, 1);
      } finally {
        process.env["PATH"] = path;
      }
    });
});
