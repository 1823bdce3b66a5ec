import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { HostName } from "../../src/domain/ids.ts";
import { openLocal } from "../../src/hosts/local.ts";
import { openHost } from "../../src/hosts/open.ts";
import { isRunning } from "../fleet/process-table.ts";
import { until } from "../fleet/until.ts";
import { makePipe, targetAt, temporaryFolder } from "./fixtures.ts";
import { hostAccessContract } from "./host-access.contract.ts";

const execute = promisify(execFile);
const here = "here" as HostName;

hostAccessContract("this machine", () =>
  Promise.resolve({ access: openLocal(here), cleanup: () => Promise.resolve() }),
);

describe("a command on this machine", () => {
  let folder: string;
  let remove: () => Promise<void>;
  before(async () => ({ folder, remove } = await temporaryFolder()));
  after(() => remove());

  it("is out of reach for a Ctrl-C at our terminal, being in a process group of its own", async () => {
    const started = await makePipe(`${folder}/started`);
    const goOn = await makePipe(`${folder}/go-on`);
    const ended = openLocal(here).run([
      "sh",
      "-c",
      'echo $$ > "$1"; read line < "$2"; echo "$line"',
      "sh",
      started.path,
      goOn.path,
    ]);
    const pid = Number(await started.heard());
    assert.ok(process.kill(-pid, 0), "there is a group with its pid");
    await goOn.say("done\n");
    assert.deepEqual(await ended, { kind: "exited", code: 0, stdout: "done\n", stderr: "" });
  });

  it("is killed with all that it started when its time is over", async () => {
    const file = `${folder}/pids`;
    // Long enough for a slow machine to start all of it before.
    const outcome = await openLocal(here).run(["sh", "-c", 'sleep 60 & echo $$ $! > "$1"; wait', "sh", file], {
      timeoutMs: 2_500,
    });
    assert.deepEqual(outcome, { kind: "timed_out", afterMs: 2_500 });
    const pids = (await readFile(file, "utf8")).split(" ").map(Number);
    await until(() => !pids.some(isRunning), { deadlineMs: 10_000, what: "both have ended" });
  });

  it("that cannot be started for want of something here is unreachable, not failed", async () => {
    const outcome = await openLocal(here).run(["echo", "x".repeat(10_000_000)]);
    assert.equal(outcome.kind, "unreachable");
    assert.equal((await openLocal(here).spawn(["echo", "x".repeat(10_000_000)])).kind, "failed");
  });

  it("that cannot be started for want of file descriptors, neither", async () => {
    const script = fileURLToPath(new URL("no-descriptors.ts", import.meta.url));
    const line = 'ulimit -n 256 && exec "$@"';
    const { stdout } = await execute("sh", ["-c", line, "sh", process.execPath, "--import=tsx", script]);
    assert.equal(stdout, "unreachable, failed, refused, spawn sh EMFILE\n");
  });

  it("is waited for to its very end, though nothing else keeps our process from ending", async () => {
    const script = fileURLToPath(new URL("awaits-end.ts", import.meta.url));
    const { stdout } = await execute(process.execPath, ["--import=tsx", script]);
    assert.equal(stdout, "closed\n");
  });

  it("goes on by itself when we are closed, and who waits for it is told so", async () => {
    const started = await makePipe(`${folder}/begun`);
    const goOn = await makePipe(`${folder}/let-go`);
    const access = openLocal(here);
    const script = 'echo > "$1"; read line < "$2"; echo "$line" > "$1"';
    const outcome = access.run(["sh", "-c", script, "sh", started.path, goOn.path], { timeoutMs: 60_000 });
    await started.heard();
    const spawned = await access.spawn(["cat"]);
    assert.ok(spawned.kind === "spawned");
    const dialled = access.dial({ address: "10.255.255.1", port: 9 });
    await access.close();
    assert.deepEqual(await outcome, { kind: "indeterminate", reason: "the connection was closed by us" });
    await spawned.process.closed;
    assert.equal((await dialled).kind, "failed");
    const heard = started.heard();
    await goOn.say("done\n");
    assert.equal(await heard, "done\n");
  });

  it("is the way that a plan's `connection: local` opens", async () => {
    const access = openHost({ ...targetAt("192.0.2.1", {}), connection: "local" });
    assert.equal(access.host, "web-01");
    assert.deepEqual(await access.run(["echo", "x"]), { kind: "exited", code: 0, stdout: "x\n", stderr: "" });
  });
});
