import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline/promises";
import { tmpdir } from "node:os";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { raiseFleet } from "./fleet.ts";
import { environmentOf, isRunning, processTable } from "./process-table.ts";
import { startOverSsh } from "./ssh.ts";
import { until } from "./until.ts";

/** Whatever bears a trace of a fleet's folder: in its arguments' stead, its environment. */
function processesOf(dir: string): number[] {
  return processTable()
    .filter(({ pid, state }) => state !== "Z" && environmentOf(pid).some((line) => line.includes(`${dir}/`)))
    .map(({ pid }) => pid);
}

describe("the end of a fleet", () => {
  it("leaves no process and no file, whatever was done to it before", async () => {
    const groups = [{ name: "web", processes: 2, startsecs: 0, stopwaitsecs: 3600 }];
    const fleet = await raiseFleet({ hosts: 5, groups });
    const [frozen, killed, stubborn, visited] = fleet.hosts;
    assert.ok(frozen && killed && stubborn && visited);
    await stubborn.stop("web:web_00");
    await stubborn.behave("web:web_00", { kind: "ignore_term" });
    await stubborn.start("web:web_00");
    const client = startOverSsh(fleet, visited, 'trap "" HUP PIPE TERM; sleep 3600 & echo here; wait');
    await once(client.stdout ?? assert.fail(), "data");
    const daemons = fleet.hosts.flatMap(({ sshd, supervisord }) => [sshd.pid, supervisord.pid]);
    await Promise.all([frozen.freeze("sshd"), frozen.freeze("supervisord")]);
    await Promise.all([killed.kill("sshd"), killed.kill("supervisord")]);
    assert.ok(processesOf(fleet.dir).length >= 4 * 3 + 2 + 2);

    await fleet.down();
    assert.deepEqual(processesOf(fleet.dir), []);
    assert.ok(!daemons.some((pid) => pid !== undefined && isRunning(pid)));
    assert.ok(!existsSync(fleet.dir));
    await fleet.down();
  });

  it("comes at once when a daemon does not come up, with the words of its log", async () => {
    const dir = await mkdtemp(path.join(tmpdir(), "fleet-bad-"));
    await assert.rejects(
      raiseFleet({ hosts: 2, dir, sshdConfig: ["Nonsense yes"] }),
      /host-\d's sshd ended at its start\n.*Bad configuration option: Nonsense/,
    );
    assert.deepEqual(processesOf(dir), []);
    assert.ok(!existsSync(dir));
  });

  it("comes as fast when a program of its own never runs", async () => {
    const dir = await mkdtemp(path.join(tmpdir(), "fleet-bad-"));
    const groups = [{ name: "web", processes: 1, startretries: 0, startsecs: 60, extraLines: ["command=/bin/false"] }];
    await assert.rejects(raiseFleet({ hosts: 1, dir, groups }), /web:web_00 is FATAL/);
    assert.ok(!existsSync(dir));
  });

  it("never touches a folder that has something in it", async () => {
    const dir = import.meta.dirname;
    await assert.rejects(raiseFleet({ hosts: 1, dir }), /not empty/);
    assert.ok(existsSync(dir));
  });

  it("never takes an address that somebody has", async () => {
    const server = createServer().listen(0, "127.77.7.254");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await assert.rejects(raiseFleet({ hosts: 1, loopback: { net: "127.77.7", port } }), /EADDRINUSE/);
    server.close();
  });

  for (const [how, act, folderStays] of [
    ["an interrupt", "SIGINT", false],
    ["a termination", "SIGTERM", false],
    ["an exception", "throw", false],
    ["having nothing more to do", "idle", false],
    ["SIGKILL, though its folder stays", "SIGKILL", true],
  ] as const) {
    it(`comes when the process that raised it ends by ${how}`, async () => {
      const then = { throw: 'throw new Error("on purpose")', idle: "" }[act as string] ?? "setInterval(() => {}, 1e6)";
      const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", raiseThen(then)], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const [dir] = (await once(createInterface(child.stdout), "line")) as [string];
      if (act.startsWith("SIG")) {
        assert.ok(processesOf(dir).length > 0);
        child.kill(act as NodeJS.Signals);
      }
      const [, signal] = (await once(child, "exit")) as [number, string | null];
      assert.equal(signal, act.startsWith("SIG") ? act : null);
      await until(() => processesOf(dir).length === 0, { deadlineMs: 10_000, what: "no process is left" });
      assert.equal(existsSync(dir), folderStays);
      await rm(dir, { recursive: true, force: true });
    });
  }
});

function raiseThen(then: string): string {
  const fleet = JSON.stringify(path.join(import.meta.dirname, "fleet.ts"));
  return `import { raiseFleet } from ${fleet};
    const { dir } = await raiseFleet({ hosts: 1, groups: [{ name: 'web', processes: 1, startsecs: 0 }] });
    console.log(dir);
    ${then}`;
}
